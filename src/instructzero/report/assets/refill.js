// Fills the report again after a page update.

addEventListener("refilled", () => {
  data = readData();
  fillPage();
});
