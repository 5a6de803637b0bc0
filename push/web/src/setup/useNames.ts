import { routedQueues } from "../api/setup";
import { useResource } from "../api/resource";

/** The queues, and the name as people know it of one of them. */
export function useQueues() {
  const list = useResource("routed queues", routedQueues);
  const shown = new Map(list.data?.items.map(({ name, display_name }) => [name, display_name || name]));
  return { list, shownAs: (name: string) => shown.get(name) ?? name };
}
