// A classic script in <head>: the chosen theme must be known before the first paint.
try {
  const theme = localStorage.getItem("switchroom.theme");
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
} catch {
  // storage is blocked: the system's theme is used
}
