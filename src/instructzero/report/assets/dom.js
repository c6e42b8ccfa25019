// Helpers that create elements. Texts from data and models enter the page as text only, never as HTML.

const SVG = "http://www.w3.org/2000/svg";
let data = readData();
const ROLE_NAMES = { best: "best", plain: "plain", baseline: "yours", start: "start", challenger: "challenger" };

function readData() {
  return JSON.parse(document.getElementById("report-data").textContent);
}

const choices = {};

/** The reader's choices in a part of the page, as an object to be changed in place. They survive a page update. */
function chosen(part, defaults) {
  return (choices[part] ??= defaults);
}

/** An HTML element. Children are nodes or texts, function attributes (`on…`) are listeners, null omits an attribute. */
function el(name, attributes = {}, ...children) {
  return furnish(document.createElement(name), attributes, children);
}

/** An SVG element. */
function svg(name, attributes = {}, ...children) {
  return furnish(document.createElementNS(SVG, name), attributes, children);
}

function furnish(node, attributes, children) {
  for (const [key, value] of Object.entries(attributes)) {
    if (typeof value === "function") node.addEventListener(key.slice(2), value);
    else if (key.startsWith("--")) node.style.setProperty(key, value);
    else if (value === true) node.setAttribute(key, "");
    else if (value !== null && value !== false && value !== undefined) node.setAttribute(key, value);
  }
  node.append(...children.filter((child) => child !== null));
  return node;
}

/** Make invisible characters visible: control characters as symbols, lone surrogates as replacement characters. */
function visible(text) {
  return text
    .replace(/[\u0000-\u0008\u000b-\u001f]/g, (found) => String.fromCharCode(0x2400 + found.charCodeAt(0)))
    .replace(/\u007f/g, "\u2421")
    .replace(/[\u0080-\u009f]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g, "\ufffd");
}

/** Text from data or a model with an isolated writing direction. Beyond `limit` characters it can be expanded. */
function foreign(text, limit = Infinity) {
  const whole = visible(text);
  const node = el("bdi", { dir: "auto", class: "foreign" }, whole || "(empty)");
  if (whole.length <= limit) return node;
  node.textContent = `${cut(whole, limit)}… `;
  const more = el("button", { type: "button", class: "more", onclick: unfold }, `show all ${count(whole.length)} characters`);
  function unfold(event) {
    event.stopPropagation();
    node.textContent = whole;
    more.remove();
  }
  return el("span", {}, node, more);
}

/** The first characters of a text, without splitting a surrogate pair. */
function cut(text, length) {
  const last = text.charCodeAt(length - 1);
  return text.slice(0, last >= 0xd800 && last <= 0xdbff ? length - 1 : length);
}

const NONE = "—";
const score = (value) => (value === null || value === undefined ? NONE : value.toFixed(3));
const count = (value) => value.toLocaleString("en");
const dollars = (value) => `$${value.toFixed(4)}`;
const plural = (value, word) => `${count(value)} ${word}${value === 1 ? "" : "s"}`;
const instructionOf = (row) => data.instructions[row];

/** Labels for the roles of an instruction, such as "best". */
function badges(row) {
  return row.roles.map((role) => el("span", { class: `badge ${role}` }, ROLE_NAMES[role]));
}

/** A select element with a label. `options` are pairs of value and name. */
function select(label, options, value, change) {
  const node = el(
    "select",
    { onchange: () => change(node.value) },
    ...options.map(([key, name]) => el("option", { value: key, selected: key === value }, name)),
  );
  return el("label", {}, `${label} `, node);
}

/** A group of buttons, of which one is pressed. `options` are pairs of value and name. */
function choice(label, options, value, change) {
  const buttons = options.map(([key, name]) =>
    el("button", { type: "button", "aria-pressed": String(key === value), onclick: () => press(key) }, name),
  );
  function press(key) {
    buttons.forEach((button, place) => button.setAttribute("aria-pressed", String(options[place][0] === key)));
    change(key);
  }
  return el("div", { class: "choice", role: "group", "aria-label": label }, ...buttons);
}
