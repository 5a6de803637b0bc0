/** Looks for news: often at first, then less and less; never while nobody sees the page. */

export const FIRST_MS = 15_000;
export const LAST_MS = 60_000;
export const GROWTH = 1.25;

/** How long to wait after so many looks in vain. */
export function pause(inVain: number): number {
  return Math.min(LAST_MS, FIRST_MS * GROWTH ** inVain);
}

export class Watch {
  #inVain = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #looking = false;

  /** `version` is that of the page as it is shown; `take` gets one that has news. */
  constructor(
    private version: string,
    private readonly take: (next: Document) => void,
  ) {}

  start(): void {
    document.addEventListener("visibilitychange", () => {
      if (document.hidden) clearTimeout(this.#timer);
      else void this.#look();
    });
    this.#later();
  }

  #later(): void {
    clearTimeout(this.#timer);
    if (!document.hidden) this.#timer = setTimeout(() => void this.#look(), pause(this.#inVain));
  }

  async #look(): Promise<void> {
    if (this.#looking) return;
    this.#looking = true;
    try {
      const shown = document.getElementById("ticket")?.dataset["version"];
      const answer = await fetch(location.pathname + location.search, {
        headers: { "If-None-Match": shown ?? this.version },
        cache: "no-store",
        signal: AbortSignal.timeout(20_000),
      });
      if (answer.status === 200) {
        const next = new DOMParser().parseFromString(await answer.text(), "text/html");
        const main = document.getElementById("ticket");
        if (main) main.dataset["version"] = next.getElementById("ticket")?.dataset["version"] ?? "";
        this.take(next);
        this.#inVain = 0;
      } else {
        this.#inVain += 1;
      }
    } catch {
      this.#inVain += 1; // away; the page says so itself when something is to be sent
    } finally {
      this.#looking = false;
      this.#later();
    }
  }
}
