import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { poll } from "./poll";

export interface Resource<T> {
  data: T | undefined;
  error: Error | undefined;
  loading: boolean;
  reload(): void;
}

/**
 * Loads when `key` changes, keeps showing what it has while it loads again, and never lets a
 * slow old answer overwrite a newer one. `null` as key loads nothing. With `every`, in ms, it is
 * loaded again that long after each answer while the page is looked at.
 */
export function useResource<T>(key: string | null, load: () => Promise<T>, every = 0): Resource<T> {
  const [state, setState] = useState<{ key: string | null; data?: T; error?: Error; loading: boolean }>({
    key,
    loading: key !== null,
  });
  const round = useRef(0);
  const latest = useRef(load);
  latest.current = load;

  const ask = useCallback(async () => {
    const mine = ++round.current;
    if (key === null) return setState({ key, loading: false });
    setState((old) => (old.key === key ? { ...old, loading: true } : { key, loading: true }));
    await latest.current().then(
      (data) => mine === round.current && setState({ key, data, loading: false }),
      (error: Error) =>
        mine === round.current && setState((old) => ({ ...old, key, error, loading: false })),
    );
  }, [key]);
  const reload = useCallback(() => void ask(), [ask]);

  useEffect(() => {
    const end = every > 0 && key !== null ? poll(ask, every) : void ask();
    return () => {
      round.current += 1;
      end?.();
    };
  }, [ask, every]);

  const mine = state.key === key;
  return {
    data: mine ? state.data : undefined,
    error: mine ? state.error : undefined,
    loading: mine ? state.loading : key !== null,
    reload,
  };
}
