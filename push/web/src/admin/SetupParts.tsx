import { t } from "../i18n";
import { HoursSetup } from "../setup/HoursSetup";
import { PromiseSetup } from "../setup/PromiseSetup";
import { QueueSetup } from "../setup/QueueSetup";
import { RuleSetup } from "../setup/RuleSetup";
import { Section } from "./Section";

/** What `switchroom apply` declares and these pages only show. */
export function HoursPart() {
  return (
    <Section title={t("setup.hours")} lead={t("setup.hours_lead")}>
      <HoursSetup />
    </Section>
  );
}

export function PromisesPart() {
  return (
    <Section title={t("setup.promises")} lead={t("setup.promises_lead")}>
      <PromiseSetup />
    </Section>
  );
}

export function RulesPart() {
  return (
    <Section title={t("setup.rules")} lead={t("setup.rules_lead")} bare>
      <RuleSetup />
    </Section>
  );
}

/** Below the queues as they are edited. */
export function RoutingPart() {
  return (
    <section class="card admin-card" aria-label={t("setup.queues")}>
      <h2 class="admin-sub">{t("setup.queues")}</h2>
      <QueueSetup />
    </section>
  );
}
