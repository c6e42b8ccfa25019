// Puts everything in its place.

/** The button that copies the best instruction. */
function startCopying() {
  const button = document.getElementById("copy");
  if (!button || !navigator.clipboard) return;
  button.hidden = false;
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(data.scores[0].text);
      button.textContent = "Copied";
    } catch {
      button.textContent = "Not allowed here";
    }
  });
}

/** On paper, everything that can be unfolded is. */
function unfoldForPrint() {
  let folded = [];
  addEventListener("beforeprint", () => {
    folded = [...document.querySelectorAll("details:not([open])")];
    for (const each of folded) each.open = true;
  });
  addEventListener("afterprint", () => {
    for (const each of folded) each.open = false;
  });
}

/** Fill the places that the page has for what its data say. */
function fillPage() {
  startCopying();
  drawCourse();
  drawRounds();
  drawSpace();
  drawBelief();
  fillInstructions();
  fillExamples();
}

unfoldForPrint();
fillPage();
