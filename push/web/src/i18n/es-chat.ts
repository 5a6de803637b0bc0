import type { Texts } from "./texts";

/** Español: lo propio de un chat. */
export const esChat: Texts = {
  "message.edit": "Editar",
  "message.edit_save": "Guardar el cambio",
  "message.edited": "editado",
  "message.take_back": "Retirar",
  "message.deleted": "Este mensaje fue retirado",
};
