import type { Texts } from "./texts";

export const esSms: Texts = {
  "kind.telegram": "Telegram",
  "identity.telegram": "Telegram",
  "identity.stopped": "No quiere más mensajes por {kind} desde {when}",
  "texts.one": "1 SMS, quedan {left}",
  "texts.several": "{n} SMS, quedan {left}",
  "texts.over": "{n} como máximo",
  "texts.wide": "«{character}» no está en el alfabeto del teléfono: caben 70 caracteres en lugar de 160",
  "texts.wide_short": "por el signo {character}",
  "texts.stopped": "No se puede enviar nada: {reason}. El cliente lo anula con ALTA o START.",
  "texts.window": "Puedes responder libremente durante {hours} h {minutes} min",
  "texts.window_over": "Han pasado las 24 horas desde el último mensaje del cliente: solo se puede enviar una plantilla aprobada.",
  "texts.no_template": "No hay ninguna plantilla en este idioma.",
  "via.label": "Por qué vía",
  "via.own": "Responder por {kind}",
  "via.other": "Una vez por {kind} a {address} ({channel})",
};
