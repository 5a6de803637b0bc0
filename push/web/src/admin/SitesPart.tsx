import { t } from "../i18n";
import { Sites } from "../sites/Sites";
import { Section } from "./Section";

export function SitesPart() {
  return (
    <Section title={t("admin.sites")} lead={t("sites.lead")}>
      <Sites />
    </Section>
  );
}
