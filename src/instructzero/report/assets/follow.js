// Follows a watched run: shows its progress, and updates the page without moving the reader's position.

const ASK_EVERY_MS = 2000;
const IDLE_AFTER_MS = 700;
const REPLACED = ["facts", "main", "report-data"]; // the ids of the elements that an update replaces
const INPUT_EVENTS = ["pointermove", "pointerdown", "touchmove", "wheel", "scroll", "keydown"];

let version = document.body.dataset.version;
let lastProgress;
let lastInput = -Infinity;

async function follow() {
  const state = await askServer("state", (response) => response.json());
  if (state) {
    showProgress(state);
    if (state.version !== version && isIdle()) await update();
  }
  setTimeout(follow, ASK_EVERY_MS);
}

/** The server's answer, or null if there is none; the page then shows a notice. */
async function askServer(path, read) {
  try {
    const response = await fetch(path);
    if (response.ok) return await read(response);
  } catch {
    // the server has stopped, or cannot be reached at the moment
  }
  showProgress({ progress: null });
  return null;
}

function showProgress({ progress, title }) {
  const live = document.getElementById("live");
  if (title) document.title = title;
  if (progress === lastProgress) return;
  lastProgress = progress;
  if (progress !== null) live.replaceChildren(...parsed(progress).body.childNodes);
  document.documentElement.classList.toggle("disconnected", progress === null);
}

function parsed(html) {
  return new DOMParser().parseFromString(html, "text/html");
}

/** True if an update would not disturb the reader: no recent input, and no selected text. */
function isIdle() {
  return performance.now() - lastInput > IDLE_AFTER_MS && getSelection().isCollapsed;
}

async function update() {
  const html = await askServer(location.pathname, (response) => response.text());
  if (!html || !isIdle()) return;
  const newer = parsed(html);
  if (newer.body.dataset.kind !== document.body.dataset.kind) {
    location.reload();
    return;
  }
  const restore = noteReading();
  for (const id of REPLACED) document.getElementById(id)?.replaceWith(newer.getElementById(id));
  version = newer.body.dataset.version;
  dispatchEvent(new Event("refilled"));
  restore();
}

/** Record the reader's state (view, focus, open details, scroll positions, figure details); returns its restorer. */
function noteReading() {
  const inView = [...document.querySelectorAll("main [id]")].findLast((element) => isAbove(element)) ?? null;
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

/** For every matching element, a function that applies to its successor the state that `note` recorded. */
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

/** The address of an element: the nearest enclosing id, and its index there among elements of its class or tag. */
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

for (const kind of INPUT_EVENTS) {
  addEventListener(kind, () => { lastInput = performance.now(); }, { capture: true, passive: true });
}
setTimeout(follow, ASK_EVERY_MS);
