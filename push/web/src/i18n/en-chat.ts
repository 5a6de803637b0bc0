/** The English texts of what a chat has of its own. */
export const enChat = {
  "message.edit": "Edit",
  "message.edit_save": "Save the change",
  "message.edited": "edited",
  "message.take_back": "Take back",
  "message.deleted": "This message was taken back",
};
