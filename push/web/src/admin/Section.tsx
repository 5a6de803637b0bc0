import { Plus } from "lucide";
import type { ComponentChildren } from "preact";
import { Icon } from "../ui/Icon";

interface Props {
  title: string;
  lead: string;
  add?: { label: string; onClick(): void };
  /** What is in it brings cards of its own. */
  bare?: boolean;
  children: ComponentChildren;
}

export function Section({ title, lead, add, bare, children }: Props) {
  return (
    <>
      <div class="admin-head">
        <div>
          <h1>{title}</h1>
          <p class="muted">{lead}</p>
        </div>
        {add && (
          <button class="btn primary" onClick={add.onClick}>
            <Icon of={Plus} />
            {add.label}
          </button>
        )}
      </div>
      {bare ? children : <div class="card admin-card">{children}</div>}
    </>
  );
}
