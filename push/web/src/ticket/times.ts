/** Times as the node wrote them, UTC, put in the reader's zone and the page's language. */

/** The page's language with the habits of the reader's region, where that speaks it. */
export function habits(language: string, wished: readonly string[]): string {
  return wished.find((tag) => tag.toLowerCase().split("-")[0] === language) ?? language;
}

export function inWords(at: Date, language: string): string {
  return new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "short" }).format(at);
}

export function localise(page: Document): void {
  const language = habits(page.documentElement.lang || "en", navigator.languages);
  for (const time of page.querySelectorAll("time")) {
    const at = new Date(time.dateTime);
    if (!Number.isNaN(at.getTime())) time.textContent = inWords(at, language);
  }
}
