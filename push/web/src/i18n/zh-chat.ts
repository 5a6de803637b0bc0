import type { Texts } from "./texts";

/** 中文：聊天特有的文字。 */
export const zhChat: Texts = {
  "message.edit": "修改",
  "message.edit_save": "保存修改",
  "message.edited": "已修改",
  "message.take_back": "撤回",
  "message.deleted": "此消息已撤回",
};
