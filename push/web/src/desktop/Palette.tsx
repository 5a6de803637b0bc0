import { CornerDownLeft, Zap } from "lucide";
import type { ComponentChildren } from "preact";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { Refused } from "../agent/commands";
import { who, type Who } from "../api/colleagues";
import type { FoundCase } from "../api/search";
import { type Macro, macros, queues } from "../api/resources";
import { useResource } from "../api/resource";
import { t } from "../i18n";
import type { ItemView, RunMacro } from "../protocol";
import { Facts } from "../setup/Facts";
import { thenFacts } from "../setup/words";
import { Skeleton } from "../ui/bits";
import { Dialog } from "../ui/Dialog";
import { Icon } from "../ui/Icon";
import { say } from "../ui/toast";
import { itemOf } from "./acts";
import type { Whom } from "./chats";
import { FoundPreview, ofFound, useSearch } from "./Found";
import { SHORTCUTS } from "./keys";
import { applicable, filled, nearest } from "./macros";
import { writeTo } from "./peers";
import { closeConversation, route } from "./route";
import { desk, order, refusal } from "./store";
import "../setup/setup.css";
import "./palette.css";

/** One line of the palette: a macro, what a key does too, a colleague, or what was found. */
interface Entry {
  id: string;
  name: string;
  keys: string[];
  macro?: Macro;
  found?: FoundCase;
  /** A case, which was found. */
  opens?: boolean;
  mark?: ComponentChildren;
  aside?: string;
  run(): void | Promise<void>;
}

/**
 * Everything that can be done and found here, by typing: the macros of the open item first, each with
 * what it will do; then cases and customers, each with what was said.
 */
export function Palette({ item: opened, onClose }: { item: ItemView | null; onClose(): void }) {
  const item = opened && (itemOf(opened.id) ?? null);
  const known = useResource("macros", macros);
  const [typed, setTyped] = useState("");
  const query = typed.trim();
  const there = useResource(query ? `who ${query}` : null, () => who(query));
  const { found, fresh, error: unsearched } = useSearch(query);
  const [chosen, setChosen] = useState(0);
  const [busy, setBusy] = useState(false);
  const [wrong, setWrong] = useState("");
  const list = useRef<HTMLUListElement>(null);

  const entries = useMemo<Entry[]>(() => {
    const own = item ? applicable(known.data?.items ?? [], item).map((macro) => ofMacro(macro, item)) : [];
    const all = [...own, ...ofKeys(onClose)];
    const wanted = typed.trim().toLowerCase();
    const acts = all.filter(({ name, macro }) => `${name} ${macro?.name ?? ""}`.toLowerCase().includes(wanted));
    return [...acts, ...ofFound(found, onClose), ...ofColleagues(there.data, onClose)];
  }, [known.data, item, typed, there.data, found]);
  const at = Math.min(chosen, entries.length - 1);
  const entry = entries[at];

  useEffect(() => {
    list.current?.querySelector("[aria-selected=true]")?.scrollIntoView({ block: "nearest" });
  }, [at, entries]);

  // Who types on and presses Enter means what that finds, not what stood there before.
  const [awaited, setAwaited] = useState(false);
  useEffect(() => {
    if (!awaited || !fresh) return;
    setAwaited(false);
    void run(entry);
  }, [awaited, fresh, entry]);

  const run = async (wish: Entry | undefined) => {
    if (busy) return;
    if (!fresh && (!wish || wish.opens)) return setAwaited(true);
    if (!wish) return;
    setBusy(true);
    setWrong("");
    try {
      await wish.run();
      if (wish.macro) onClose();
    } catch (error) {
      setWrong(error instanceof Refused ? refusal(error) : (error as Error).message);
    }
    setBusy(false);
  };

  const onKeyDown = (event: KeyboardEvent) => {
    const by = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
    if (!by || entries.length === 0) return;
    event.preventDefault();
    setChosen((at + by + entries.length) % entries.length);
    setWrong("");
  };

  return (
    <Dialog
      title={t("palette.title")}
      onClose={onClose}
      onSubmit={() => void run(entry)}
      wide
      footer={
        <>
          {wrong && (
            <p class="wrong palette-wrong" role="alert">
              {wrong}
            </p>
          )}
          <button type="button" class="btn" onClick={onClose}>
            {t("cancel")}
          </button>
          <button class="btn primary" disabled={!entry || busy}>
            <Icon of={CornerDownLeft} />
            {entry?.macro ? t("macro.run") : entry?.found ? t("search.open") : t("palette.do")}
          </button>
        </>
      }
    >
      <input
        class="input"
        type="search"
        autoFocus
        role="combobox"
        list={undefined}
        aria-expanded="true"
        aria-controls="palette-list"
        aria-activedescendant={entry && `palette-${at}`}
        aria-label={t("palette.search")}
        placeholder={t("palette.search")}
        value={typed}
        onInput={(event) => {
          setTyped(event.currentTarget.value);
          setChosen(0);
          setAwaited(false);
        }}
        onKeyDown={onKeyDown}
      />
      <div class="palette">
        <ul id="palette-list" ref={list} role="listbox" class="palette-list scroll" aria-label={t("palette.title")}>
          {entries.map((one, index) => (
            <li
              key={one.id}
              id={`palette-${index}`}
              role="option"
              aria-selected={index === at}
              onClick={() => {
                setChosen(index);
                setWrong("");
              }}
              onDblClick={() => void run(one)}
            >
              {one.macro ? <Icon of={Zap} size={14} /> : one.mark}
              <span class="cut" dir="auto">
                {one.name}
              </span>
              {one.aside && (
                <span class="cut muted palette-aside" dir="auto">
                  {one.aside}
                </span>
              )}
              <span class="palette-keys">
                {one.keys.map((key) => (
                  <kbd key={key}>{key}</kbd>
                ))}
              </span>
            </li>
          ))}
          {entries.length === 0 && <li class="muted palette-none">{t("search.none")}</li>}
          {unsearched && (
            <li class="wrong palette-none" role="alert">
              {t("search.failed")}: {unsearched.message}
            </li>
          )}
        </ul>
        <div class="palette-preview scroll" aria-live="polite">
          {entry?.found ? (
            <FoundPreview of={entry.found} />
          ) : known.error && !known.data ? (
            <>
              <p class="wrong" role="alert">
                {t("macro.failed")}: {known.error.message}
              </p>
              <button type="button" class="btn small" onClick={known.reload}>
                {t("retry")}
              </button>
            </>
          ) : item && !known.data ? (
            <Skeleton lines={3} />
          ) : entry?.macro && item ? (
            <Preview macro={entry.macro} item={item} />
          ) : (
            item && applicable(known.data?.items ?? [], item).length === 0 && <p class="muted">{t("macro.none")}</p>
          )}
        </div>
      </div>
    </Dialog>
  );
}

/** What will happen, before it does: the words as the customer will read them, and the acts. */
function Preview({ macro: { name, label, then }, item }: { macro: Macro; item: ItemView }) {
  const places = useResource("queues", queues);
  const shownAs = (queue: string) => places.data?.items.find((one) => one.name === queue)?.display_name || queue;
  const agent = desk.value.session?.agent;
  const me = agent?.display_name || agent?.name || "";
  const { reply, note, ...acts } = then;
  const text = nearest(reply, item.language);
  return (
    <>
      <h3>{label || name}</h3>
      {reply != null && (
        <>
          <p class="label">{t("macro.writes")}</p>
          {text === null ? (
            <p class="wrong">{t("macro.no_text")}</p>
          ) : (
            <blockquote dir="auto">{filled(text, item, me)}</blockquote>
          )}
        </>
      )}
      {typeof note === "string" && (
        <>
          <p class="label">{t("macro.notes")}</p>
          <blockquote dir="auto">{filled(note, item, me)}</blockquote>
        </>
      )}
      <Facts of={thenFacts(acts, shownAs)} />
    </>
  );
}

function ofMacro(macro: Macro, item: ItemView): Entry {
  const name = macro.label || macro.name;
  return {
    id: `macro ${macro.name}`,
    name,
    keys: [],
    macro,
    run: async () => {
      const { body } = await order<RunMacro>({ t: "macro", item: item.id, name: macro.name }, true);
      const held = typeof body.held === "string" ? body.held : "";
      say(held ? t("macro.held", { name, reason: held }) : t("macro.ran", { name, number: item.number }), held !== "");
      const here = route.value;
      const leaves = !held && (macro.then.complete != null || macro.then.queue != null);
      if (leaves && here.kind === "item" && here.id === item.id) closeConversation();
    },
  };
}

/** A chat with whoever has such a name. */
function ofColleagues(there: Who | undefined, close: () => void): Entry[] {
  const entry = (id: string, name: string, whom: Whom): Entry => ({
    id,
    name,
    keys: [],
    run: () => {
      close();
      // what is open has gone by then, and with it what held the focus
      queueMicrotask(() => writeTo(whom));
    },
  });
  return [
    ...(there?.agents ?? []).map(({ name, display_name }) =>
      entry(`peer ${name}`, t("peers.write_to", { who: display_name || name }), { agent: name }),
    ),
    ...(there?.groups ?? []).map(({ name }) => entry(`group ${name}`, t("peers.write_group", { who: name }), { group: name })),
  ];
}

/** What the keys do that work anywhere, each as it would when pressed; the palette closes first. */
function ofKeys(close: () => void): Entry[] {
  return SHORTCUTS.flatMap(({ list }) => list)
    .filter(({ run, label }) => run && label !== "keys.palette" && label !== "keys.macro" && label !== "keys.escape")
    .filter(({ label }, index, all) => all.findIndex((one) => one.label === label) === index)
    .map(({ keys, label, run }) => ({
      id: label,
      name: t(label),
      keys,
      run: () => {
        close();
        // what is open has gone by then, and with it what held the focus
        queueMicrotask(() => run?.());
      },
    }));
}
