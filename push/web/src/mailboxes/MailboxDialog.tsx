import { Copy, PlugZap } from "lucide";
import { useState } from "preact/hooks";
import { EditDialog, TextField } from "../admin/EditDialog";
import { addChannel, channelSetup, guessSettings, putChannel, removeChannel, tryChannel, type ChannelShown, type Step } from "../api/channels";
import { Problem } from "../api/http";
import { useResource } from "../api/resource";
import { t } from "../i18n";
import { useQueues } from "../setup/useNames";
import { copyText, Skeleton } from "../ui/bits";
import { Dialog } from "../ui/Dialog";
import { Icon } from "../ui/Icon";
import { say, sayError } from "../ui/toast";
import { useUnsaved } from "../wordings/useUnsaved";
import { ConsentPart } from "./ConsentPart";
import { formOf, guessed, linesOf, nameFor, settingsOf, type Form } from "./form";
import { ProofPart } from "./ProofPart";
import { ServerFields } from "./ServerFields";
import { SignInFields } from "./SignInFields";
import { Steps } from "./Steps";

interface Props {
  /** None: a new one. */
  name: string | null;
  declaredIn: string;
  onClose(): void;
  /** Something is different now; the dialog of `name` is to be shown, or none. */
  onSaved(name: string | null): void;
}

/** A mailbox: its servers found, tried, saved; then proved, and signed in for. */
export function MailboxDialog(props: Props) {
  const { name, onClose } = props;
  const setup = useResource(name === null ? null : `channel ${name}`, () => channelSetup(name!));
  if (name === null) return <Editor {...props} shown={null} reload={() => undefined} />;
  if (setup.data) return <Editor key={name} {...props} shown={setup.data} reload={setup.reload} />;
  return (
    <Dialog wide title={t("edit.of", { name })} onClose={onClose}>
      {setup.error ? <p class="wrong">{setup.error.message}</p> : <Skeleton lines={6} />}
    </Dialog>
  );
}

function Editor({ name, declaredIn, onClose, onSaved, shown, reload }: Props & { shown: ChannelShown | null; reload(): void }) {
  const before = shown?.settings ?? {};
  const [form, setForm] = useState<Form>(() => formOf(name ?? "", before));
  const [steps, setSteps] = useState<Step[]>([]);
  const [because, setBecause] = useState<string[]>([]);
  const [hint, setHint] = useState("");
  const [busy, setBusy] = useState("");
  const [error, setError] = useState<Error | null>(null);
  const close = useUnsaved(form, onClose);
  const { list: queues } = useQueues();
  const locked = declaredIn !== "";
  const change = (part: Partial<Form>) => setForm((old) => ({ ...old, ...part }));
  const called = form.name.trim() || nameFor(form.address);
  const wrong = (field: string) => (error instanceof Problem ? error.of(field) : undefined);
  const told = error && (error instanceof Problem && error.errors.length > 0 ? error.errors.map(({ field, message }) => `${field}: ${message}`).join("; ") : error.message);

  const during = async (what: string, work: () => Promise<void>) => {
    setBusy(what);
    setError(null);
    await work().catch(setError);
    setBusy("");
  };
  const find = () =>
    during("find", async () => {
      const found = await guessSettings(form.address);
      setForm((old) => ({ ...guessed(old, found), name: old.name || nameFor(old.address) }));
      setBecause(found.because);
      setHint(found.hint);
    });
  const tryIt = () =>
    during("try", async () => {
      setSteps([]);
      const { steps } = await tryChannel(called, locked ? undefined : settingsOf(form, before));
      setSteps(steps);
    });
  const save = () =>
    during("save", async () => {
      const settings = settingsOf(form, before);
      await (name === null ? addChannel({ name: called, ...settings }) : putChannel(name, settings));
      say(t("saved", { name: called }));
      onSaved(called);
    });
  const remove = async () => {
    if (!confirm(t("mailset.remove_sure", { name: called }))) return;
    await removeChannel(called).then(() => onSaved(null), sayError);
  };

  return (
    <EditDialog
      wide
      title={name === null ? t("mailset.add") : locked ? name : t("edit.of", { name })}
      busy={busy !== ""}
      problem={told ?? ""}
      ready={!locked && form.address.includes("@") && form.smtp.host !== "" && (!form.reads || form.imap.host !== "")}
      onClose={close}
      onRemove={name !== null && !locked ? () => void remove() : undefined}
      onSave={() => void save()}
    >
      {locked && <Declared file={declaredIn} lines={linesOf(name!, before, shown?.secrets ?? [])} />}
      <fieldset class="mailset" disabled={locked}>
        <div class="mailset-address">
          <TextField label={t("mailset.address")} value={form.address} wrong={wrong("address")} hint={t("mailset.address_hint")} onChange={(address) => change({ address })} />
          <button type="button" class="btn" disabled={busy !== "" || !form.address.includes("@")} onClick={() => void find()}>
            {t(busy === "find" ? "mailset.finding" : "mailset.find")}
          </button>
        </div>
        {because.length > 0 && (
          <ul class="mailset-because" role="status">
            {because.map((why) => (
              <li key={why}>{why}</li>
            ))}
            {hint && <li>{hint}</li>}
          </ul>
        )}
        <div class="mailset-two">
          <TextField label={t("name")} value={name ?? form.name} locked={name !== null} wrong={wrong("name")} hint={name === null ? t("mailset.name_hint", { name: called || "support" }) : undefined} onChange={(text) => change({ name: text })} />
          <label class="field">
            <span>{t("queue")}</span>
            <select class="input" value={form.queue} onChange={({ currentTarget }) => change({ queue: currentTarget.value })}>
              {[...new Set([form.queue, ...(queues.data?.items ?? []).map((one) => one.name)])].map((one) => (
                <option key={one} value={one}>
                  {queues.data?.items.find((known) => known.name === one)?.display_name || one}
                </option>
              ))}
            </select>
          </label>
        </div>
        <div class="mailset-two">
          {form.reads && <ServerFields kind="imap" server={form.imap} wrong={wrong} onChange={(imap) => change({ imap: { ...form.imap, ...imap } })} />}
          <ServerFields kind="smtp" server={form.smtp} wrong={wrong} onChange={(smtp) => change({ smtp: { ...form.smtp, ...smtp } })} />
        </div>
        {!form.reads && <p class="muted small">{t("mailset.brought")}</p>}
        <SignInFields form={form} secrets={shown?.secrets ?? []} wrong={wrong} onChange={change} />
      </fieldset>
      <section class="mailset-part" aria-label={t("mailset.try")}>
        <div class="mailset-bar">
          <button type="button" class="btn small" disabled={busy !== "" || form.smtp.host === ""} onClick={() => void tryIt()}>
            <Icon of={PlugZap} size={14} />
            {t("mailset.try")}
          </button>
          <span class="muted small">{t(busy === "try" ? "mailset.trying" : locked ? "mailset.try_declared" : "mailset.try_hint")}</span>
        </div>
        <div role="status">
          <Steps steps={steps} />
        </div>
      </section>
      {name !== null && shown?.consent && <ConsentPart name={name} first={shown.consent} onGranted={reload} />}
      {name !== null && shown?.proves && form.reads && <ProofPart name={name} />}
      {name === null && <p class="muted small">{t("mailset.then")}</p>}
    </EditDialog>
  );
}

/** What a file declares is changed in the file. */
function Declared({ file, lines }: { file: string; lines: string }) {
  return (
    <section class="mailset-part" aria-label={t("declared.file")}>
      <p>
        {t("mailset.declared")} <b class="mono">{file}</b>
      </p>
      <details>
        <summary>{t("mailset.lines")}</summary>
        <pre class="raw">{lines}</pre>
        <button type="button" class="btn small" onClick={() => void copyText(lines, t("mailset.copied"))}>
          <Icon of={Copy} size={14} />
          {t("copy.this")}
        </button>
      </details>
    </section>
  );
}
