import { useCallback, useEffect, useRef, useState } from "preact/hooks";

export interface Resource<T> {
  data: T | undefined;
  error: Error | undefined;
  loading: boolean;
  reload(): void;
}

/**
 * Loads when `key` changes, keeps showing what it has while it loads again, and never lets a
 * slow old answer overwrite a newer one. `null` as key loads nothing.
 */
export function useResource<T>(key: string | null, load: () => Promise<T>, every = 0): Resource<T> {
  const [state, setState] = useState<{ key: string | null; data?: T; error?: Error; loading: boolean }>({
    key,
    loading: key !== null,
  });
  const round = useRef(0);
  const latest = useRef(load);
  latest.current = load;

  const reload = useCallback(() => {
    const mine = ++round.current;
    if (key === null) {
      setState({ key, loading: false });
      return;
    }
    setState((old) => (old.key === key ? { ...old, loading: true } : { key, loading: true }));
    latest.current().then(
      (data) => mine === round.current && setState({ key, data, loading: false }),
      (error: Error) =>
        mine === round.current && setState((old) => ({ ...old, key, error, loading: false })),
    );
  }, [key]);

  useEffect(() => {
    reload();
    return () => void (round.current += 1);
  }, [reload]);

  useEffect(() => {
    if (every <= 0) return;
    const timer = setInterval(() => {
      if (document.visibilityState === "visible") reload();
    }, every);
    return () => clearInterval(timer);
  }, [reload, every]);

  const mine = state.key === key;
  return {
    data: mine ? state.data : undefined,
    error: mine ? state.error : undefined,
    loading: mine ? state.loading : key !== null,
    reload,
  };
}
