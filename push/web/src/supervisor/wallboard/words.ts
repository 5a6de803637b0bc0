import { region } from "../../i18n";

/** "84 %", as the reader's region writes it; `share` from 0 to 1. */
export function percent(share: number): string {
  return new Intl.NumberFormat(region.value, { style: "percent", maximumFractionDigits: 0 }).format(share);
}
