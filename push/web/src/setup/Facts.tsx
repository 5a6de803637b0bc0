import type { Fact } from "./words";

/** Names and values, one below the other; `usual` ones stand back. */
export function Facts({ of, usual }: { of: Fact[]; usual?: boolean }) {
  return (
    <dl class={usual ? "setup-facts usual" : "setup-facts"}>
      {of.map(([name, value], index) => (
        <div key={index}>
          <dt>{name}</dt>
          <dd dir="auto">{value}</dd>
        </div>
      ))}
    </dl>
  );
}
