import { User } from "lucide";
import { useEffect, useRef, useState } from "preact/hooks";
import { useResource } from "../api/resource";
import { type Found, type FoundCase, pieces, search } from "../api/search";
import { t, word } from "../i18n";
import { Kind } from "../ui/bits";
import { Icon } from "../ui/Icon";
import { full, since } from "../ui/time";
import { openCase } from "./route";

/** Long enough that nobody is asked for each letter, short enough to seem at once. */
const PAUSE_MS = 150;

interface Search {
  found: Found | null;
  /** It is the answer to what stands there now. */
  fresh: boolean;
  error: Error | undefined;
}

/** What is found by what has been typed; what was found before stays until there is an answer. */
export function useSearch(typed: string): Search {
  const [asked, setAsked] = useState("");
  useEffect(() => {
    const timer = setTimeout(() => setAsked(typed), PAUSE_MS);
    return () => clearTimeout(timer);
  }, [typed]);
  const answer = useResource(asked ? `search ${asked}` : null, () => search(asked));
  const kept = useRef<Found | null>(null);
  if (answer.data) kept.current = answer.data;
  if (!typed || answer.error) kept.current = null;
  const fresh = asked === typed && !answer.loading;
  return { found: kept.current, fresh, error: answer.error };
}

/** A line of the palette for each case and each customer; choosing it opens the case. */
export function ofFound(found: Found | null, close: () => void) {
  const open = (number: number) => () => {
    close();
    openCase(number);
  };
  const cases = (found?.cases ?? []).map((one) => ({
    id: `case ${one.case.number}`,
    name: `#${one.case.number} ${one.case.subject || t("item.no_subject")}`,
    mark: <Kind kind={one.kind} small />,
    aside: one.case.customer?.name ?? "",
    keys: [],
    opens: true,
    found: one,
    run: open(one.case.number),
  }));
  const customers = (found?.customers ?? []).flatMap(({ id, name, identities, latest }) =>
    latest === null
      ? []
      : [
          {
            id: `customer ${id}`,
            name: t("search.latest_of", { who: name || identities[0] || "?" }),
            mark: <Icon of={User} size={14} />,
            aside: name ? (identities[0] ?? "") : "",
            keys: [],
            opens: true,
            run: open(latest),
          },
        ],
  );
  return [...cases, ...customers];
}

/** What was said, with what was looked for marked in it. */
export function FoundPreview({ of: { case: header, kind, at, snippet } }: { of: FoundCase }) {
  return (
    <>
      <h3 class="found-title" dir="auto">
        {header.subject || t("item.no_subject")}
      </h3>
      <p class="muted">
        {word("kind", kind)} · {word("status", header.status)} ·{" "}
        <time dateTime={at} title={full(at)}>
          {since(at)}
        </time>
      </p>
      {header.customer?.name && <p dir="auto">{header.customer.name}</p>}
      {snippet && (
        <blockquote dir="auto">
          {pieces(snippet).map(({ text, hit }, index) => (hit ? <mark key={index}>{text}</mark> : text))}
        </blockquote>
      )}
    </>
  );
}
