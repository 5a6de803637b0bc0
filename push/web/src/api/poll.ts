type Page = Pick<Document, "visibilityState" | "addEventListener" | "removeEventListener">;

/**
 * Asks now and again `every` ms after each answer, so that a slow node is never asked twice at once;
 * rests while nobody can be looking, and asks at once when somebody looks again. Returns its end.
 */
export function poll(ask: () => Promise<unknown>, every: number, page: Page = document): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let busy = false;
  let ended = false;
  const plan = () => {
    if (!ended && page.visibilityState === "visible") timer = setTimeout(go, every);
  };
  const go = () => {
    clearTimeout(timer);
    if (busy || page.visibilityState !== "visible") return;
    busy = true;
    const answered = () => {
      busy = false;
      plan();
    };
    ask().then(answered, answered);
  };
  page.addEventListener("visibilitychange", go);
  go();
  return () => {
    ended = true;
    clearTimeout(timer);
    page.removeEventListener("visibilitychange", go);
  };
}
