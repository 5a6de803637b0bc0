import { t } from "../i18n";
import { Dialog } from "../ui/Dialog";
import { setSingleKeys, SHORTCUTS, singleKeys } from "./keys";
import "./keysheet.css";

export function KeySheet({ onClose }: { onClose(): void }) {
  return (
    <Dialog title={t("keys.title")} onClose={onClose} wide>
      <div class="key-groups">
        {SHORTCUTS.map(({ title, list }) => (
          <section key={title}>
            <h3>{t(title)}</h3>
            <dl>
              {list.map(({ keys, label, single }) => (
                <div key={keys.join()} class={single && !singleKeys.value ? "off" : undefined}>
                  <dt>
                    {keys.map((key) => (
                      <kbd key={key}>{key}</kbd>
                    ))}
                  </dt>
                  <dd>{t(label)}</dd>
                </div>
              ))}
            </dl>
          </section>
        ))}
      </div>
      <label class="check">
        <input
          type="checkbox"
          checked={singleKeys.value}
          onChange={(event) => setSingleKeys(event.currentTarget.checked)}
        />
        {t("keys.single")}
      </label>
    </Dialog>
  );
}
