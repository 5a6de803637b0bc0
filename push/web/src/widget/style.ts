/**
 * The window's looks. Pages theme it by custom properties on `switchroom-chat`:
 * --switchroom-accent, --switchroom-accent-ink, --switchroom-font, --switchroom-radius,
 * --switchroom-size, --switchroom-inset, --switchroom-z.
 */

const LIGHT = `
  --bg:#fff; --sunken:#f4f6f5; --line:#dfe5e1; --text:#14201b; --soft:#55625c; --theirs:#eef1ef;
  --accent:var(--switchroom-accent,#0c6b5a); --ink:var(--switchroom-accent-ink,#fff); --head:var(--accent); --head-ink:var(--ink); --mine:var(--accent); --mine-ink:var(--ink);
  --bad:#b3261e; --warn:#6b4400; --warn-bg:#fdf1da; --notice:#e8f3ef; --notice-text:#0a4d41; --shadow:0 24px 64px -12px rgb(18 38 30/.34),0 6px 18px rgb(18 38 30/.14);`;

const DARK = `
  --bg:#151d1a; --sunken:#1b2521; --line:#2d3a34; --text:#e9f0ec; --soft:#a3b1ab; --theirs:#24302b;
  --accent:var(--switchroom-accent,#4cc5a6); --ink:var(--switchroom-accent-ink,#04231b); --head:#1d2925; --head-ink:#e9f0ec; --mine:var(--switchroom-accent,#1c6454); --mine-ink:var(--switchroom-accent-ink,#fff);
  --bad:#ff9189; --warn:#f4cd8c; --warn-bg:#3a2c12; --notice:#17362d; --notice-text:#a9e5d3; --shadow:0 24px 64px -8px rgb(0 0 0/.7),0 0 0 1px #2d3a34;`;

export const CSS = `
:host{all:initial;position:fixed;inset-block-end:var(--switchroom-inset,20px);inset-inline-end:var(--switchroom-inset,20px);
  z-index:var(--switchroom-z,2147483000);font:15px/1.45 var(--switchroom-font,Inter,ui-sans-serif,system-ui,-apple-system,"Segoe UI","Noto Sans","Noto Sans Arabic","PingFang SC","Microsoft YaHei",sans-serif);
  color-scheme:light;${LIGHT}}
:host([hidden]){display:none}
:host([side=left]){inset-inline:var(--switchroom-inset,20px) auto}
:host([theme=dark]){color-scheme:dark;${DARK}}
@media(prefers-color-scheme:dark){:host(:not([theme=light])){color-scheme:dark;${DARK}}}
*{box-sizing:border-box;margin:0}
[hidden]{display:none!important}
button,textarea,ul{font:inherit;color:inherit;background:none;border:0;padding:0}
button{cursor:pointer;-webkit-tap-highlight-color:transparent}
:focus-visible{outline:2px solid var(--accent);outline-offset:2px}
svg{display:block;fill:none;stroke:currentColor;stroke-width:2;stroke-linecap:round;stroke-linejoin:round}
.root{color:var(--text);display:block}

.launcher{width:58px;height:58px;border-radius:50%;background:var(--accent);color:var(--ink);display:grid;place-items:center;position:relative;
  box-shadow:0 8px 24px -6px rgb(18 38 30/.45),0 2px 6px rgb(18 38 30/.2);transition:transform .16s ease}
.launcher:hover{transform:translateY(-2px)}
.launcher:active{transform:scale(.96)}
.launcher:focus-visible{outline-offset:3px}
.badge{position:absolute;inset-block-start:-3px;inset-inline-end:-3px;min-width:22px;height:22px;padding:0 6px;border-radius:11px;background:#c4271d;color:#fff;
  font-size:12px;font-weight:700;line-height:22px;text-align:center;box-shadow:0 0 0 2px var(--bg)}

.panel{position:absolute;inset-block-end:calc(100% + 14px);inset-inline-end:0;width:var(--switchroom-size,384px);max-width:calc(100vw - 2*var(--switchroom-inset,20px));
  height:min(640px,calc(100dvh - 2*var(--switchroom-inset,20px) - 76px));background:var(--bg);border-radius:var(--switchroom-radius,16px);box-shadow:var(--shadow);
  display:flex;flex-direction:column;overflow:hidden;transform-origin:100% 100%;animation:rise .2s cubic-bezier(.2,.7,.2,1)}
:host([side=left]) .panel{inset-inline:0 auto}
@keyframes rise{from{opacity:0;transform:translateY(14px) scale(.98)}}

.head{display:flex;align-items:center;gap:10px;padding:14px 10px 14px 16px;padding-inline:16px 10px;background:var(--head);color:var(--head-ink);flex:none}
.who{flex:1;min-width:0}
.title{font-size:16px;font-weight:650;line-height:1.25;overflow:hidden;text-overflow:ellipsis;white-space:nowrap}
.sub{font-size:13px;line-height:1.4;margin-block-start:1px;opacity:.92;overflow:hidden;text-overflow:ellipsis;white-space:nowrap}
.sub:empty{display:none}
.icon{width:38px;height:38px;border-radius:10px;display:grid;place-items:center;flex:none}
.icon:hover{background:rgb(255 255 255/.16)}
.head :focus-visible{outline-color:var(--head-ink);outline-offset:-2px}

.strip{padding:9px 16px;font-size:13px;flex:none;background:var(--notice);color:var(--notice-text);display:flex;gap:10px;align-items:center}
.strip.warn{background:var(--warn-bg);color:var(--warn)}
.strip span{flex:1}
.strip a{color:inherit;font-weight:600}
.pulse{flex:none;width:8px;height:8px;border-radius:50%;background:currentColor;animation:pulse 1.6s ease-in-out infinite}
@keyframes pulse{50%{opacity:.25}}
.ask{display:flex;gap:8px;align-items:center;padding:10px 16px;flex:none;background:var(--sunken);border-block-end:1px solid var(--line);font-size:14px}
.ask span{flex:1;font-weight:600}
.small{padding:7px 12px;border-radius:9px;font-size:13px;font-weight:600;border:1px solid var(--line);background:var(--bg)}
.small.main{background:var(--bad);border-color:transparent;color:var(--bg)}

.small.go{background:var(--accent);border-color:transparent;color:var(--ink)}
.small:disabled{opacity:.55;cursor:default}
.calls{flex:none;background:var(--sunken);border-block-end:1px solid var(--line);max-height:55%;overflow-y:auto}
.calls .ask{border:0;font-size:13.5px;flex-wrap:wrap}
.calls .ask span{flex:1 1 180px}
.calls small{display:block;font-weight:400;color:var(--soft);font-size:12.5px;margin-block-start:2px}
form.call{display:grid;gap:8px;padding:10px 16px 12px}
.call label{display:block;font-size:12.5px;font-weight:600;color:var(--soft);padding-block-end:3px}
input,select{width:100%;font:inherit;font-size:16px;color:inherit;padding:8px 10px;border-radius:9px;border:1px solid var(--line);background:var(--bg);min-width:0}
input:focus,select:focus{outline:2px solid var(--accent);outline-offset:-1px}
input[aria-invalid=true]{border-color:var(--bad)}
.pair{display:flex;gap:8px}
.pair>div{flex:1;min-width:0}
.keys{display:flex;gap:8px;justify-content:flex-end}
.wrong{color:var(--bad);font-size:12.5px;font-weight:600}
.owed{list-style:none;padding:10px 16px;font-size:13.5px}
.owed li{overflow-wrap:anywhere;text-align:start}
.owed-head{font-weight:600;font-size:12.5px;color:var(--soft)}

form.rate{flex:none;padding:10px 16px;background:var(--sunken);border-block-start:1px solid var(--line);display:grid;gap:6px;justify-items:center}
fieldset{border:0;padding:0;min-width:0;text-align:center}
legend{padding:0;font-weight:600;font-size:14px;margin-inline:auto;overflow-wrap:anywhere}
.stars{display:flex;justify-content:center;gap:2px;margin-block-start:2px}
.stars label{font-size:30px;line-height:1;padding:5px;color:var(--soft);cursor:pointer;border-radius:8px}
.stars label.on,.stars label:hover{color:var(--accent)}
.stars input:focus-visible+label{outline:2px solid var(--accent)}
.more{width:100%;display:grid;gap:8px}
.more textarea{background:var(--bg);border-color:var(--line)}

.scroll{flex:1;min-height:0;overflow-y:auto;overscroll-behavior:contain;padding:16px;scrollbar-width:thin;scrollbar-color:var(--line) transparent}
.log{display:flex;flex-direction:column;min-height:100%}
.log::before{content:"";flex:1}
.day,.event{align-self:center;font-size:12px;color:var(--soft);padding:14px 0 8px;text-align:center}
.day::first-letter{text-transform:uppercase}
.event{max-width:85%}
.rule{display:flex;gap:10px;align-items:center;align-self:stretch;font-size:12px;color:var(--soft);padding:18px 0 10px}
.rule::before,.rule::after{content:"";flex:1;border-block-start:1px solid var(--line)}
.row{display:flex;flex-direction:column;align-items:flex-start;max-width:84%;margin-block-start:3px;align-self:flex-start}
.row.first{margin-block-start:12px}
.row.mine{align-self:flex-end;align-items:flex-end}
.name{font-size:12px;font-weight:600;color:var(--soft);padding:0 4px 3px}
.bubble{max-width:100%;background:var(--theirs);padding:9px 13px;border-radius:16px;border-end-start-radius:5px;white-space:pre-wrap;overflow-wrap:anywhere;unicode-bidi:plaintext;text-align:start}
.mine .bubble{background:var(--mine);color:var(--mine-ink);border-radius:16px;border-end-end-radius:5px}
.waits .bubble{opacity:.84}
.bubble a{color:inherit;text-decoration:underline;text-underline-offset:2px}
.file{display:block;max-width:100%;font-size:13.5px;text-align:start;margin-block-start:2px}
.file-line{display:flex;gap:6px;align-items:center;min-width:0}
.file-line svg{flex:none}
.file .cut{text-decoration:underline;text-underline-offset:2px}
.cut{min-width:0;overflow:hidden;text-overflow:ellipsis;white-space:nowrap}
.size{flex:none;opacity:.8;font-size:12px}
.file.bad .cut{text-decoration:line-through}
.file img{display:block;width:100%;height:160px;object-fit:contain;border-radius:9px;background:rgb(0 0 0/.14);margin-block-end:5px;opacity:0}
.file.shown img{opacity:1}
.file.pic{width:240px}
progress{display:block;width:180px;max-width:100%;height:5px;margin-block-start:7px;accent-color:currentColor}
.foot{display:flex;gap:6px;align-items:center;font-size:11.5px;color:var(--soft);padding:3px 4px 0}
.foot svg{width:15px;height:15px}
.foot .seen{color:var(--accent)}
.foot.bad{color:var(--bad);font-size:12.5px;font-weight:600}
.foot button{color:var(--text);text-decoration:underline;text-underline-offset:2px;font-weight:600;padding:2px}
.changed{display:block;font-size:11.5px;opacity:.8}
.bubble>.changed:only-child{font-size:13.5px}
.quick{display:flex;flex-wrap:wrap;gap:6px;margin-block-start:8px;max-width:100%}
.choice{min-height:36px;padding:7px 14px;border-radius:99px;border:1px solid var(--accent);background:var(--bg);color:var(--text);font-size:14px;font-weight:600;text-align:start;overflow-wrap:anywhere;cursor:pointer}
.choice:hover,.choice:focus-visible{background:var(--sunken)}
.greeting{align-self:flex-start;max-width:84%;margin-block-end:4px}
.dots{display:inline-flex;gap:4px;padding:13px 14px}
.dots i{width:6px;height:6px;border-radius:50%;background:var(--soft);animation:hop 1.2s infinite}
.dots i:nth-child(2){animation-delay:.15s}.dots i:nth-child(3){animation-delay:.3s}
@keyframes hop{0%,60%,100%{transform:none;opacity:.45}30%{transform:translateY(-4px);opacity:1}}
.fresh{position:absolute;inset-block-end:calc(100% + 8px);inset-inline-start:50%;translate:-50%;background:var(--accent);color:var(--ink);border-radius:99px;padding:6px 14px;
  font-size:13px;font-weight:600;box-shadow:0 4px 14px rgb(0 0 0/.24);white-space:nowrap}
:host([dir=rtl]) .fresh{translate:50%}

.compose{position:relative;flex:none;display:flex;align-items:flex-end;gap:6px;padding:10px;border-block-start:1px solid var(--line);background:var(--bg)}
textarea{flex:1;min-width:0;resize:none;max-height:132px;padding:9px 12px;border-radius:12px;background:var(--sunken);border:1px solid transparent;line-height:1.4;
  font-size:16px;overflow-y:auto;scrollbar-width:thin}
textarea::placeholder{color:var(--soft);opacity:1}
textarea:focus{outline:none;border-color:var(--accent)}
.attach{width:38px;height:42px;display:grid;place-items:center;color:var(--soft);flex:none;border-radius:12px}
.attach:hover{color:var(--text);background:var(--sunken)}
.consent{flex:none;padding:0 16px 10px;font-size:12px;color:var(--soft);overflow-wrap:anywhere}
.consent a{color:inherit}
.intro{border-block-start:1px solid var(--line);background:var(--sunken);flex:none;overflow-y:auto}
.send{width:42px;height:42px;border-radius:12px;display:grid;place-items:center;background:var(--accent);color:var(--ink);flex:none;transition:opacity .12s}
.send:disabled{background:var(--sunken);color:var(--soft);cursor:default}
:host([dir=rtl]) .send svg,:host([dir=rtl]) .flip{transform:scaleX(-1)}
.over{position:absolute;inset-block-end:calc(100% + 4px);inset-inline-end:16px;font-size:12px;font-weight:600;color:var(--bad);background:var(--bg);padding:2px 8px;border-radius:6px}
.hide{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}

@media(max-width:480px){
  :host([open]){inset:0}
  :host([open]) .launcher{display:none}
  .panel,:host([side=left]) .panel{position:fixed;inset:0;width:auto;max-width:none;height:var(--view-height,100dvh);border-radius:0;animation:none;box-shadow:none}
  .head{padding-block-start:calc(12px + env(safe-area-inset-top))}
  .compose{padding-block-end:calc(10px + env(safe-area-inset-bottom))}
}
@media(max-height:420px) and (min-width:481px){.panel{height:calc(100dvh - 2*var(--switchroom-inset,20px) - 70px)}}
@media(prefers-reduced-motion:reduce){*{animation:none!important;transition:none!important}}
@media(forced-colors:active){.bubble,.launcher,.panel,.send,textarea,.small,input,select{border:1px solid CanvasText}.foot .seen{color:Highlight}}
`;
