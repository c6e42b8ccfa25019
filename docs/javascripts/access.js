// The search has a name for screen readers, and wide tables and blocks of code can be scrolled with the keyboard.
const nameRegions = () => {
  document.querySelector(".md-search")?.setAttribute("aria-label", "Search");
  for (const region of document.querySelectorAll(".md-typeset__scrollwrap")) {
    region.tabIndex = 0;
    region.setAttribute("role", "region");
    region.setAttribute("aria-label", "Table");
  }
};
document.addEventListener("DOMContentLoaded", nameRegions);
window.addEventListener("load", nameRegions);
