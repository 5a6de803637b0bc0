import type { Texts } from "./texts";

export const zhSms: Texts = {
  "kind.telegram": "Telegram",
  "identity.telegram": "Telegram",
  "identity.stopped": "自 {when} 起不再接收 {kind} 消息",
  "texts.one": "1 条短信，还可写 {left} 字",
  "texts.several": "{n} 条短信，还可写 {left} 字",
  "texts.over": "最多 {n} 条",
  "texts.wide": "“{character}”不在手机字符集中：每条 70 个字符，而不是 160 个",
  "texts.wide_short": "因为含有 {character}",
  "texts.stopped": "无法发送：{reason}。客户回复 START 即可恢复。",
  "texts.window": "还可自由回复 {hours} 小时 {minutes} 分钟",
  "texts.window_over": "距客户上一条消息已超过 24 小时：只能发送已批准的模板。",
  "texts.no_template": "没有该语言的模板。",
  "via.label": "回复方式",
  "via.own": "用 {kind} 回复",
  "via.other": "本次用 {kind} 发送至 {address}（{channel}）",
};
