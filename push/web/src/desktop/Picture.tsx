import { useEffect, useRef, useState } from "preact/hooks";
import { attachmentBlob } from "../api/resources";
import type { Attachment } from "../protocol";

/** What a browser draws and does nothing else with; anything else is only saved. */
const DRAWN = new Set(["image/png", "image/jpeg", "image/gif", "image/webp"]);
const MOST_SHOWN = 5_000_000;

/** What is in the picture, once it is in sight; nothing for other files, or where it cannot be had. */
export function Picture({ file }: { file: Attachment }) {
  const drawn = DRAWN.has(file.type) && file.size <= MOST_SHOWN;
  const frame = useRef<HTMLDivElement>(null);
  const [url, setUrl] = useState("");
  const [lost, setLost] = useState(false);

  useEffect(() => {
    const element = frame.current;
    if (!element) return;
    let made = "";
    let gone = false;
    const seen = new IntersectionObserver(
      (entries) => {
        if (!entries.some((one) => one.isIntersecting)) return;
        seen.disconnect();
        attachmentBlob(file.id)
          .then((blob) => {
            if (gone) return;
            made = URL.createObjectURL(blob);
            setUrl(made);
          })
          .catch(() => setLost(true));
      },
      { rootMargin: "300px" },
    );
    seen.observe(element);
    return () => {
      gone = true;
      seen.disconnect();
      if (made) URL.revokeObjectURL(made);
    };
  }, [file.id, drawn]);

  if (!drawn || lost) return null;
  return (
    <div ref={frame} class="picture">
      {url && <img src={url} alt={file.name} onError={() => setLost(true)} />}
    </div>
  );
}
