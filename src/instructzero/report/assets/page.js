// Fills the page.

/** Set up the buttons that copy the best instruction, the messages, the request, and the code of a format. */
function startCopying() {
  startCopyingFrom(document.getElementById("copy"), () => data.scores[0].text);
  document.querySelectorAll(".message").forEach((message, number) => {
    startCopyingFrom(message.querySelector("button"), () => data.messages.messages[number].content);
  });
  startCopyingFrom(document.querySelector(".request button"), () => data.messages.request);
  for (const panel of document.querySelectorAll(".panel")) {
    startCopyingFrom(panel.querySelector("button"), () => panel.querySelector("pre").textContent);
  }
}

function startCopyingFrom(button, text) {
  if (!button || !navigator.clipboard) return;
  button.hidden = false;
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(text());
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
  drawMap("texts", "instruction");
  drawMap("space", "soft prompt");
  drawBelief();
  fillInstructions();
  fillExamples();
}

unfoldForPrint();
fillPage();
