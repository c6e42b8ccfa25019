// Fills the page.

/** Set up the button that copies the best instruction. */
function startCopying() {
  const button = document.getElementById("copy");
  if (!button || !navigator.clipboard) return;
  button.hidden = false;
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(data.scores[0].text);
      button.textContent = "Copied";
    } catch {
      button.textContent = "Copying is not allowed here";
    }
  });
}

/** Expand all collapsed details while the page is printed. */
function unfoldForPrint() {
  let folded = [];
  addEventListener("beforeprint", () => {
    folded = [...document.querySelectorAll("details:not([open])")];
    for (const details of folded) details.open = true;
  });
  addEventListener("afterprint", () => {
    for (const details of folded) details.open = false;
  });
}

/** Fill the elements of the page that are drawn from its data. */
function fillPage() {
  startCopying();
  drawTrajectory();
  drawRounds();
  drawSpace();
  drawBelief();
  fillInstructions();
  fillExamples();
}

unfoldForPrint();
fillPage();
