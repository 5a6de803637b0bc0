import { ExternalLink, ImageOff } from "lucide";
import { useEffect, useMemo, useState } from "preact/hooks";
import { t } from "../i18n";
import { Icon } from "../ui/Icon";
import { asDataUrl } from "../ui/save";
import { isDark } from "../ui/theme";
import { mailDocument, mailFacts } from "./mail";
import sheet from "./mail-frame.css?url";
import { Text } from "./Text";

/** A file of the mail that its HTML may show. */
export interface FrameFile {
  inline_id: string;
  type: string;
  size: number;
  load(): Promise<Blob>;
}

interface Props {
  html: string;
  body: string;
  foldFrom: number;
  files: FrameFile[];
}

/**
 * A mail's HTML in a frame that may do nothing: no scripts, no forms, no navigation, an origin
 * of its own. Its links stand below with their real addresses; remote images stay unloaded
 * until the agent asks, because loading them tells the sender that the mail was read.
 */
export function MailFrame({ html, body, foldFrom, files }: Props) {
  const facts = useMemo(() => mailFacts(html), [html]);
  const [images, setImages] = useState(false);
  const [plain, setPlain] = useState(false);
  const [tall, setTall] = useState(false);
  const inline = useInlineImages(files, facts.inlineIds);
  const dark = isDark() && !facts.coloured;
  const source = useMemo(
    () => mailDocument(html, { style: new URL(sheet, location.href).href, images, dark, inline }),
    [html, images, dark, inline],
  );
  return (
    <div class="mail">
      {facts.remoteImages > 0 && !images && !plain && (
        <p class="mail-bar">
          <Icon of={ImageOff} size={15} />
          <span>{t("mail.images", { n: facts.remoteImages })}</span>
          <button class="btn quiet small" onClick={() => setImages(true)}>
            {t("mail.images_load")}
          </button>
        </p>
      )}
      {plain ? (
        <Text body={body} from={foldFrom} />
      ) : (
        <iframe
          class={dark ? "mail-frame dark" : "mail-frame"}
          title={t("mail.content")}
          sandbox=""
          srcdoc={source}
          referrerpolicy="no-referrer"
          style={{ height: tall ? "80vh" : `${facts.height}px` }}
        />
      )}
      <p class="mail-foot">
        {body && (
          <button class="btn quiet small" onClick={() => setPlain(!plain)}>
            {plain ? t("mail.as_html") : t("mail.as_text")}
          </button>
        )}
        {!plain && facts.height >= 640 && (
          <button class="btn quiet small" onClick={() => setTall(!tall)}>
            {tall ? t("mail.shorter") : t("mail.taller")}
          </button>
        )}
        {facts.links.slice(0, 8).map(({ href, text }) => (
          <a key={href} class="mail-link" href={href} target="_blank" rel="noopener noreferrer" title={href}>
            <Icon of={ExternalLink} size={12} />
            <span class="cut">{text}</span>
            {host(href) !== text && <span class="muted cut">{host(href)}</span>}
          </a>
        ))}
      </p>
    </div>
  );
}

function host(href: string): string {
  try {
    return new URL(href).host || href.split(":")[0]!;
  } catch {
    return href;
  }
}

const LARGEST = 10_000_000;

/** Images that came with the mail, as data: the frame has no token to fetch them with. */
function useInlineImages(files: FrameFile[], wanted: string[]): Record<string, string> {
  const [inline, setInline] = useState<Record<string, string>>({});
  const key = wanted.join();
  useEffect(() => {
    let current = true;
    const shown = files.filter(
      (file) => wanted.includes(file.inline_id) && file.type.startsWith("image/") && file.size < LARGEST,
    );
    for (const file of shown) {
      file
        .load()
        .then(asDataUrl)
        .then((url) => current && setInline((old) => ({ ...old, [file.inline_id]: url })))
        .catch(() => undefined); // the mail is readable without it
    }
    return () => {
      current = false;
    };
  }, [key]);
  return inline;
}
