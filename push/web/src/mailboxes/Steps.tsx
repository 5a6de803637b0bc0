import { CircleCheck, CircleX } from "lucide";
import type { Step } from "../api/channels";
import { t } from "../i18n";
import { Icon } from "../ui/Icon";
import "./mailboxes.css";

/** What was tried, one below the other; what to do stands under what did not work. */
export function Steps({ steps }: { steps: readonly Step[] }) {
  return (
    <ul class="steps">
      {steps.map(({ what, fix }, index) => (
        <li key={index} class={fix === null ? "step good" : "step bad"}>
          <Icon of={fix === null ? CircleCheck : CircleX} size={16} label={t(fix === null ? "mailset.works" : "mailset.fails")} />
          <span>
            {what}
            {fix !== null && <b class="step-fix">{fix}</b>}
          </span>
        </li>
      ))}
    </ul>
  );
}
