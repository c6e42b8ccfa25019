// The report is filled again when the page has taken over new data.

addEventListener("refilled", () => {
  data = readData();
  fillPage();
});
