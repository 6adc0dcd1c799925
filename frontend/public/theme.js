// Runs before first paint: applies the theme that was chosen on this device. Without a choice the CSS follows the system.
try {
  const theme = localStorage.getItem("rooftree.theme");
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
} catch {
  // Storage is switched off on this device: the system's theme is used.
}
