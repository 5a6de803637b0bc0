import { signal } from "@preact/signals";

export type Theme = "system" | "light" | "dark";

const KEY = "switchroom.theme"; // first-paint.js reads it too

function stored(): Theme {
  try {
    const value = localStorage.getItem(KEY);
    return value === "light" || value === "dark" ? value : "system";
  } catch {
    return "system";
  }
}

export const theme = signal<Theme>(stored());

export function setTheme(value: Theme): void {
  theme.value = value;
  if (value === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = value;
  try {
    if (value === "system") localStorage.removeItem(KEY);
    else localStorage.setItem(KEY, value);
  } catch {
    // not kept; it holds for this page
  }
}

const systemDark = matchMedia("(prefers-color-scheme: dark)");
const systemIsDark = signal(systemDark.matches);
systemDark.addEventListener("change", (event) => (systemIsDark.value = event.matches));
// another tab, or the desktop inside the demo page, follows the choice
addEventListener("storage", (event) => {
  if (event.key === KEY) setTheme(stored());
});

export function isDark(): boolean {
  return theme.value === "system" ? systemIsDark.value : theme.value === "dark";
}
