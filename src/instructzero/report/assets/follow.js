// Follows what the server of this page watches: says how far it is, and takes over a newer page where the reader is.

const ASK_EVERY_MS = 2000;
const STILL_AFTER_MS = 700;
const TAKEN_OVER = ["facts", "main", "report-data"]; // the ids of what a newer page replaces
const HANDLED = ["pointermove", "pointerdown", "touchmove", "wheel", "scroll", "keydown"];

let version = document.body.dataset.version;
let saidLast;
let handledLast = -Infinity;

async function follow() {
  const state = await askServer("state", (response) => response.json());
  if (state) {
    sayProgress(state);
    if (state.version !== version && isStill()) await takeOver();
  }
  setTimeout(follow, ASK_EVERY_MS);
}

/** The server's answer, or null where it gives none, which the page then says. */
async function askServer(path, read) {
  try {
    const response = await fetch(path);
    if (response.ok) return await read(response);
  } catch {
    // it has ended, or is not to be reached just now
  }
  sayProgress({ progress: null });
  return null;
}

function sayProgress({ progress, title }) {
  const live = document.getElementById("live");
  if (title) document.title = title;
  if (progress === saidLast) return;
  saidLast = progress;
  if (progress !== null) live.replaceChildren(...parsed(progress).body.childNodes);
  document.documentElement.classList.toggle("left-alone", progress === null);
}

function parsed(html) {
  return new DOMParser().parseFromString(html, "text/html");
}

/** Whether the reader does nothing that another page would get in the way of. */
function isStill() {
  return performance.now() - handledLast > STILL_AFTER_MS && getSelection().isCollapsed;
}

async function takeOver() {
  const html = await askServer(location.pathname, (response) => response.text());
  if (!html || !isStill()) return;
  const newer = parsed(html);
  if (newer.body.dataset.kind !== document.body.dataset.kind) {
    location.reload();
    return;
  }
  const restore = noteReading();
  for (const id of TAKEN_OVER) document.getElementById(id)?.replaceWith(newer.getElementById(id));
  version = newer.body.dataset.version;
  dispatchEvent(new Event("refilled"));
  restore();
}

/** Note where the reader is: what is in view, has the focus, is unfolded, scrolled aside or said of a figure. */
function noteReading() {
  const inView = [...document.querySelectorAll("main [id]")].findLast((each) => isAbove(each)) ?? null;
  const offset = inView?.getBoundingClientRect().top;
  const focus = noteFocus();
  const notes = [
    ...noteEach("details[open]", () => (found) => { found.open = true; }),
    ...noteEach(".wide, blockquote", ({ scrollLeft, scrollTop }) => (found) => found.scrollTo(scrollLeft, scrollTop)),
    ...noteEach(".readout", (said) => (found) => {
      if (found.textContent !== said.textContent) found.replaceChildren(...said.childNodes);
    }),
  ];
  return () => {
    focus();
    for (const restore of notes) restore();
    const now = scrollY > 0 && inView && document.getElementById(inView.id);
    if (now) scrollBy({ top: now.getBoundingClientRect().top - offset, behavior: "instant" });
  };
}

function isAbove(element) {
  return element.getBoundingClientRect().top < innerHeight / 3;
}

/** For each element that fits, what does to its successor what `note` has found on it. */
function noteEach(selector, note) {
  return [...document.querySelectorAll(`main :is(${selector})`)].map((element) => {
    const address = addressOf(element);
    const apply = note(element);
    return () => {
      const successor = elementAt(address);
      if (successor) apply(successor);
    };
  });
}

function noteFocus() {
  const element = document.activeElement;
  if (!element?.closest("main")) return () => {};
  const address = addressOf(element);
  const caret = element.localName === "input" ? [element.selectionStart, element.selectionEnd] : null;
  return () => {
    const successor = elementAt(address);
    successor?.focus({ preventScroll: true });
    if (caret) successor?.setSelectionRange(...caret);
  };
}

/** An element by the nearest id around it, and its number there among those of its class, or of its name without one. */
function addressOf(element) {
  const home = element.closest("[id]");
  const [name] = element.classList;
  const kind = name ? `.${name}` : element.localName;
  return { home: home.id, kind, number: [...home.querySelectorAll(kind)].indexOf(element) };
}

function elementAt({ home, kind, number }) {
  const found = document.getElementById(home);
  return number < 0 ? found : found?.querySelectorAll(kind)[number];
}

for (const kind of HANDLED) {
  addEventListener(kind, () => { handledLast = performance.now(); }, { capture: true, passive: true });
}
setTimeout(follow, ASK_EVERY_MS);
