/** Browser storage that may be full, blocked or hold somebody else's idea of a value. */
export function readStored<T>(key: string, fallback: T, where: () => Storage = () => localStorage): T {
  try {
    const text = where().getItem(key);
    return text === null ? fallback : (JSON.parse(text) as T);
  } catch {
    return fallback;
  }
}

/** Returns whether it was kept. */
export function writeStored(key: string, value: unknown, where: () => Storage = () => localStorage): boolean {
  try {
    if (value === undefined || value === null) where().removeItem(key);
    else where().setItem(key, JSON.stringify(value));
    return true;
  } catch {
    return false;
  }
}
