// Light and dark.

const KEPT_THEME = "instructzero-report-theme";

/** The button that changes between light and dark; what was chosen is kept where the browser allows it. */
function startTheme() {
  const root = document.documentElement;
  const button = document.getElementById("theme");
  const system = matchMedia("(prefers-color-scheme: dark)");
  const dark = () => (root.dataset.theme ? root.dataset.theme === "dark" : system.matches);
  const say = () => {
    button.textContent = dark() ? "Light" : "Dark";
    button.setAttribute("aria-label", `Change to ${dark() ? "light" : "dark"} colours`);
  };
  const kept = remembered();
  if (kept === "dark" || kept === "light") root.dataset.theme = kept;
  button.hidden = false;
  button.addEventListener("click", () => {
    root.dataset.theme = dark() ? "light" : "dark";
    remember(root.dataset.theme);
    say();
  });
  system.addEventListener("change", say);
  say();
}

function remembered() {
  try {
    return localStorage.getItem(KEPT_THEME);
  } catch {
    return null;
  }
}

function remember(theme) {
  try {
    localStorage.setItem(KEPT_THEME, theme);
  } catch {
    // a file may not be allowed to keep anything
  }
}

startTheme();
