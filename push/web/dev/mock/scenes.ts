/** What has happened before the page is opened, and what arrives while it is. */

import { ago, contact, PEOPLE, say, type Contact } from "./data.ts";

let turn = 0;

const LETTER = `<p>Hola,</p>
<p>hace una semana devolví los zapatos del pedido <b>7713</b> y todavía no he recibido el reembolso.
El transportista confirma la entrega: <a href="https://track.example.com/ES7713">seguimiento ES7713</a>.</p>
<p>¿Podrían decirme <b>cuándo</b> lo recibiré? Necesito el importe antes del viernes.</p>
<img src="https://images.example.com/logo.png" width="120" height="40" alt="">
<p>Un saludo,<br>Rosa Vidal</p>`;

export function past(): Contact[] {
  turn = 0;
  const mail = contact({
    who: PEOPLE.rosa,
    kind: "email",
    subject: "Reembolso del pedido 7713",
    body: "Hola,\n\nhace una semana devolví los zapatos del pedido 7713 y todavía no he recibido el reembolso.\n\nUn saludo,\nRosa Vidal",
    html: LETTER,
    age: 5400,
    tags: ["refund", "shoes"],
    priority: 5,
  });
  say(mail, {
    direction: "out",
    body: "Hola Rosa:\n\nGracias por escribirnos. He preguntado al almacén y le contesto hoy mismo.\n\nAnna",
    at: ago(3900),
    delivery: "delivered",
  });
  say(mail, {
    direction: "note",
    body: "Warehouse says: parcel arrived on Tuesday, refund is waiting for the second signature. Asked finance.",
    at: ago(3600),
    delivery: null,
  });
  say(mail, {
    direction: "in",
    body: "Muchas gracias, quedo a la espera.\n\nEl lun, 2 mar 2026 a las 9:14, Support escribió:\n> Hola Rosa:\n> Gracias por escribirnos.\n> He preguntado al almacén y le contesto hoy mismo.",
    at: ago(1500),
    attachments: [
      { id: "att-1", name: "justificante-devolucion.pdf", type: "application/pdf", size: 184_320, sha256: "0", inline_id: "" },
    ],
  });

  const chat = contact({
    who: PEOPLE.jun,
    kind: "webchat",
    subject: "Is the blue one in stock?",
    body: "Hi! Is the blue jacket in size M in stock?",
    age: 240,
    attributes: {},
  });
  say(chat, { direction: "out", body: "Hello Jun, one moment, I am looking it up.", at: ago(200), delivery: "read" });
  say(chat, { direction: "out", body: "Yes, four of them. Shall I put one aside for you?", at: ago(170), delivery: "read" });
  say(chat, { direction: "in", body: "great, yes please", at: ago(100) });
  say(chat, { direction: "in", body: "can I pick it up on Saturday?", at: ago(92) });

  const task = contact({
    who: PEOPLE.tom,
    kind: "task",
    subject: "Check the address change of account 88120",
    body: "The customer changed street and country in the same minute. Please compare with the papers and release or refuse.",
    age: 900,
    due: 7200,
    queue: "backoffice",
    attributes: { account: "88120", old_country: "GB", new_country: "PT", risk_score: 0.41, released: false, source: "https://crm.example.com/88120" },
  });
  for (const mine of [mail, chat, task]) {
    mine.item = { ...mine.item, state: "assigned", agent: "anna", assigned_at: mine.item.created_at };
  }

  const parked = contact({
    who: PEOPLE.mei,
    kind: "email",
    subject: "Invoice for February",
    body: "Could you send the invoice again, with our VAT number?",
    age: 90_000,
  });
  parked.item = { ...parked.item, state: "held", agent: "anna" };
  parked.case = { ...parked.case, status: "waiting" };

  const solved = contact({
    who: PEOPLE.rosa,
    kind: "webchat",
    subject: "Size advice for running shoes",
    body: "¿La talla 38 es grande?",
    age: 2_600_000,
  });
  say(solved, { direction: "out", body: "Es un poco pequeña: le recomiendo la 38,5.", at: ago(2_599_800), delivery: "read" });
  solved.case = { ...solved.case, status: "solved", last_agent: "anna" };
  solved.item = { ...solved.item, state: "completed", agent: "anna", code: "answered", case: { ...solved.item.case, status: "solved" } };

  const waiting = Array.from({ length: 14 }, (_, index) => {
    const made = contact({
      who: [PEOPLE.noor, PEOPLE.mei, PEOPLE.tom, null][index % 4]!,
      kind: (["email", "webchat", "task"] as const)[index % 3]!,
      subject: ["Login code does not arrive", "Change my delivery date", "Wrong item in the parcel", "Review dispute 5521", "Gift card balance"][index % 5]!,
      body: "…",
      age: 60 + index * 95,
      priority: index % 4 === 0 ? 8 : 0,
    });
    if (index % 5 === 3) made.item = { ...made.item, state: "assigned", agent: "ben", assigned_at: ago(40) };
    return made;
  });
  return [mail, chat, task, parked, solved, ...waiting];
}

export function arrival(): { contact: Contact; reason: string; seconds: number } {
  turn += 1;
  const chosen = turn % 2;
  if (chosen === 1) {
    return {
      contact: contact({
        who: PEOPLE.noor,
        kind: "webchat",
        subject: "Payment was taken twice",
        body: "Hello, my card was charged twice for order 8090. Can you help me right now?",
        age: 14,
        priority: 5,
      }),
      reason: "Arabic level 4, billing level 3, idle longest (3 min)",
      seconds: 20,
    };
  }
  return {
    contact: contact({
      who: PEOPLE.mei,
      kind: "email",
      subject: "Where is my parcel?",
      body: "It was to arrive on Monday, the tracking page has not changed since Friday.",
      age: 130,
    }),
    reason: "You answered this customer last; Japanese level 3",
    seconds: 120,
  };
}
