export type Value = string | number | boolean | null;

/** The ticket that a piece of work goes back to, which can be opened: what a stranger refers to, what is closed. */
export function ticketNamed(name: string, value: Value): number | null {
  if (name !== "refers_to" && name !== "follows") return null;
  const found = typeof value === "string" ? /^#(\d{1,15})$/.exec(value) : null;
  return found ? Number(found[1]) : null;
}
