// The light and the dark theme.

const KEPT_THEME = "instructzero-report-theme";

/** Set up the button that switches the theme. The choice is remembered if the browser allows it. */
function startTheme() {
  const root = document.documentElement;
  const button = document.getElementById("theme");
  const system = matchMedia("(prefers-color-scheme: dark)");
  const dark = () => (root.dataset.theme ? root.dataset.theme === "dark" : system.matches);
  const say = () => {
    button.textContent = dark() ? "Light" : "Dark";
    button.setAttribute("aria-label", `Switch to ${dark() ? "light" : "dark"} colours`);
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
    // browsers may deny storage to a local file
  }
}

startTheme();
