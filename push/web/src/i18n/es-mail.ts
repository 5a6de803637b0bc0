import type { Texts } from "./texts";

export const esMail: Texts = {
  "canned.title": "Respuestas preparadas",
  "canned.open": "Respuesta preparada (escribe /)",
  "canned.failed": "No se pudieron cargar las respuestas preparadas",
  "canned.loading": "Cargando…",
  "canned.none": "No hay respuestas preparadas para esta cola.",
  "canned.no_match": "Ninguna contiene eso.",
  "letter.added": "Se añade al enviar",
  "letter.framed": "Sale con el marco HTML de la casa.",
  "letter.quote": "Citar el correo",
  "letter.quote_of": "{who}, {when}",
};
