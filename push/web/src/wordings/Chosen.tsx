import { t } from "../i18n";

interface Props {
  label: string;
  /** What there is to choose from, by name and as it is shown. */
  known: readonly { name: string; shown: string }[];
  chosen: readonly string[];
  hint: string;
  wrong?: string | undefined;
  onChange(names: string[]): void;
}

/** Some of many names; what was chosen and is not known any more can be taken away. */
export function Chosen({ label, known, chosen, hint, wrong, onChange }: Props) {
  const names = new Set(known.map(({ name }) => name));
  const all = [...known, ...chosen.filter((name) => !names.has(name)).map((name) => ({ name, shown: t("wording.gone", { name }) }))];
  const choose = (name: string, on: boolean) => onChange(on ? [...chosen, name] : chosen.filter((one) => one !== name));
  return (
    <fieldset class="chosen">
      <legend class="label">{label}</legend>
      <div class="chosen-list scroll">
        {all.map(({ name, shown }) => (
          <label key={name} class="check">
            <input type="checkbox" checked={chosen.includes(name)} onChange={({ currentTarget }) => choose(name, currentTarget.checked)} />
            <span class="cut">{shown}</span>
          </label>
        ))}
        {all.length === 0 && <span class="muted small">{t("wording.none_to_choose")}</span>}
      </div>
      {wrong ? (
        <small class="wrong" role="alert">
          {wrong}
        </small>
      ) : (
        <small class="hint">{hint}</small>
      )}
    </fieldset>
  );
}
