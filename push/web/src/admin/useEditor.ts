import { useState } from "preact/hooks";
import { Problem } from "../api/http";
import { type DirectoryKind, putDirectory } from "../api/resources";
import { t } from "../i18n";
import { say } from "../ui/toast";

/** Saving one entry of the directory: what is busy, what was refused, and in which field. */
export function useEditor(kind: DirectoryKind, onSaved: () => void) {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<Error | null>(null);
  const save = async (name: string, body: object) => {
    setBusy(true);
    setError(null);
    try {
      await putDirectory(kind, name, body);
      say(t("saved", { name }));
      onSaved();
    } catch (problem) {
      setError(problem as Error);
      setBusy(false);
    }
  };
  const wrong = (field: string) => (error instanceof Problem ? error.of(field) : undefined);
  const general = error && !(error instanceof Problem && error.errors.length > 0) ? error.message : "";
  const others = error instanceof Problem ? error.errors.map(({ field, message }) => `${field}: ${message}`).join("; ") : "";
  return { busy, save, wrong, general: general || others };
}

/** "es 4, billing 3" ↔ {es: 4, billing: 3}; a skill without a level has 1. */
export function skillsText(skills: Record<string, number>): string {
  return Object.entries(skills)
    .map(([name, level]) => `${name} ${level}`)
    .join(", ");
}

export function skillsFrom(text: string): Record<string, number> {
  const pairs = text
    .split(",")
    .map((part) => /^\s*(\S+)(?:\s+(\d))?\s*$/.exec(part))
    .filter((match) => match !== null)
    .map((match) => [match[1]!, Number(match[2] ?? 1)] as const);
  return Object.fromEntries(pairs);
}
