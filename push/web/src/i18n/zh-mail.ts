import type { Texts } from "./texts";

export const zhMail: Texts = {
  "canned.title": "常用回复",
  "canned.open": "常用回复（输入 /）",
  "canned.failed": "无法加载常用回复",
  "canned.loading": "正在加载…",
  "canned.none": "此队列没有常用回复。",
  "canned.no_match": "没有匹配的内容。",
  "letter.added": "发送时添加",
  "letter.framed": "将使用公司的 HTML 模板发送。",
  "letter.quote": "引用原邮件",
  "letter.quote_of": "{who}，{when}",
};
