import { Inbox as InboxIcon, Reply } from "lucide";
import { useEffect, useState } from "preact/hooks";
import { useResource } from "../api/resource";
import { t } from "../i18n";
import { Avatar, Empty, Skeleton } from "../ui/bits";
import { Icon } from "../ui/Icon";
import { clock } from "../ui/time";
import { demoInbox, type InboxMail } from "./api";

/** The customer's mails, newest first, and how many came since one last looked. */
export function useInbox(looking: boolean) {
  const list = useResource("inbox", demoInbox, 2500);
  const mails = list.data?.items && [...list.data.items].sort((a, b) => b.at.localeCompare(a.at));
  const [seen, setSeen] = useState<number | null>(null);
  useEffect(() => {
    if (mails && (seen === null || looking)) setSeen(mails.length);
  }, [mails?.length, looking]);
  return { mails, error: list.error, fresh: Math.max(0, (mails?.length ?? 0) - (seen ?? 0)) };
}

export function Inbox({ mails, error }: { mails: InboxMail[] | undefined; error: Error | undefined }) {
  if (!mails) return error ? <p class="wrong">{error.message}</p> : <Skeleton lines={5} />;
  if (mails.length === 0) {
    return <Empty icon={InboxIcon} title={t("demo.inbox_empty")} text={t("demo.inbox_empty_text")} />;
  }
  return (
    <ol class="inbox" aria-live="polite">
      {mails.map((mail, index) => (
        <li key={`${mail.at} ${mail.subject}`}>
          <details open={index === 0}>
            <summary>
              <Avatar name={mail.from.replace(/<.*/, "") || mail.from} small />
              <span class="inbox-main">
                <span class="inbox-line">
                  <b class="cut">{mail.from}</b>
                  <time class="num muted">{clock(mail.at)}</time>
                </span>
                <span class="cut">{mail.subject}</span>
              </span>
            </summary>
            <p class="inbox-body" dir="auto">
              {mail.body}
            </p>
            {mail.in_reply_to && (
              <p class="muted inbox-reply" title={mail.in_reply_to}>
                <Icon of={Reply} size={13} /> {t("demo.reply_to")}
              </p>
            )}
          </details>
        </li>
      ))}
    </ol>
  );
}
