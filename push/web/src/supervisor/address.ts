/** The address of an item on the supervisor's list: the part `work`, then the item's id. */
export const addressOf = (item: string): string => ["#", "work", item].join("/");
