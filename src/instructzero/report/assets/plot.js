// Plots: axes, and points that can be selected by mouse, touch and arrow keys.

const MARGIN = { top: 12, right: 14, bottom: 40, left: 56 };
const REACH = 36; // maximum distance in pixels at which a point is selected

/**
 * Fill a figure, and redraw it when its width changes. `draw(width, height)` returns { layers, points }: the drawing, and
 * the points that can be selected. A point has x and y in pixels, and `say()` returns the nodes that describe it.
 */
function plot(name, { label, shape, draw }) {
  const figure = document.getElementById(`figure-${name}`);
  const place = figure.querySelector(".plot");
  const readout = figure.querySelector(".readout");
  let points = [];
  let current = -1;
  let mark = null;

  function redraw() {
    const width = Math.max(260, place.clientWidth);
    const height = shape(width);
    const drawn = draw(width, height);
    points = drawn.points.toSorted((one, other) => one.x - other.x || other.y - one.y);
    mark = svg("circle", { class: "current", r: 9, visibility: "hidden" });
    place.replaceChildren(
      svg(
        "svg",
        { viewBox: `0 0 ${width} ${height}`, width, height, "aria-hidden": "true" },
        ...drawn.layers,
        mark,
      ),
    );
    current = -1;
  }

  function visit(number) {
    if (number === current) return;
    current = number;
    const point = points[number];
    mark.setAttribute("visibility", point ? "visible" : "hidden");
    if (!point) return;
    mark.setAttribute("cx", point.x);
    mark.setAttribute("cy", point.y);
    readout.replaceChildren(...point.say());
  }

  function nearest(event) {
    const box = place.querySelector("svg").getBoundingClientRect();
    const x = event.clientX - box.left;
    const y = event.clientY - box.top;
    let found = -1;
    let least = REACH ** 2;
    points.forEach((point, number) => {
      const distance = (point.x - x) ** 2 + (point.y - y) ** 2;
      if (distance < least) [least, found] = [distance, number];
    });
    return found;
  }

  function press(event) {
    const last = points.length - 1;
    const target = { ArrowRight: Math.min(current + 1, last), ArrowLeft: Math.max(current - 1, 0), Home: 0, End: last };
    if (!(event.key in target) || last < 0) return;
    event.preventDefault();
    visit(target[event.key]);
  }

  for (const kind of ["pointermove", "pointerdown"]) {
    place.addEventListener(kind, (event) => {
      const found = nearest(event);
      if (found >= 0) visit(found);
    });
  }
  place.addEventListener("keydown", press);
  place.addEventListener("focus", () => current < 0 && points.length && place.matches(":focus-visible") && visit(0));
  place.tabIndex = 0;
  place.setAttribute("role", "application");
  place.setAttribute("aria-roledescription", "figure");
  place.setAttribute("aria-label", `${label}. Use the left and right arrow keys to move between the points.`);
  readout.append("Point at the figure, or use the arrow keys, for details.");
  redraw();
  let width = place.clientWidth;
  new ResizeObserver((_, observer) => {
    if (!place.isConnected) observer.disconnect();
    else if (place.clientWidth !== width) {
      width = place.clientWidth;
      redraw();
    }
  }).observe(place);
  return redraw;
}

/** Leave only the caption of a figure. */
function noPlot(name) {
  const figure = document.getElementById(`figure-${name}`);
  for (const part of [".controls", ".plot", ".readout"]) figure.querySelector(part).remove();
}

/** A linear function from data to pixels. */
function scale([low, high], [from, to]) {
  const span = high - low || 1;
  return (value) => from + ((value - low) / span) * (to - from);
}

/** Round numbers that divide a range into about `parts` parts. */
function ticks([low, high], parts) {
  const rough = (high - low || 1) / parts;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * [1, 2, 5, 10].find((factor) => factor * power >= rough * 0.999);
  const first = Math.ceil(low / step - 1e-9);
  return Array.from({ length: Math.floor(high / step + 1e-9) - first + 1 }, (_, place) => (first + place) * step);
}

/** Both axes with their names. `format` formats the numbers of the x axis. */
function axes({ x, y, xs, ys, width, height, xName, yName, format }) {
  const bottom = height - MARGIN.bottom;
  const group = svg("g", { class: "axes" });
  for (const value of ys) {
    group.append(
      svg("line", { class: "grid", x1: MARGIN.left, x2: width - MARGIN.right, y1: y(value), y2: y(value) }),
      svg("text", { x: MARGIN.left - 8, y: y(value) + 4, "text-anchor": "end" }, trimmed(value)),
    );
  }
  for (const value of xs) {
    group.append(
      svg("line", { class: "tick", x1: x(value), x2: x(value), y1: bottom, y2: bottom + 5 }),
      svg("text", { x: x(value), y: bottom + 18, "text-anchor": "middle" }, format(value)),
    );
  }
  group.append(
    svg("line", { class: "base", x1: MARGIN.left, x2: width - MARGIN.right, y1: bottom, y2: bottom }),
    svg("text", { class: "name", x: (MARGIN.left + width - MARGIN.right) / 2, y: height - 5, "text-anchor": "middle" }, xName),
    svg(
      "text",
      { class: "name", transform: `translate(12 ${(MARGIN.top + bottom) / 2}) rotate(-90)`, "text-anchor": "middle" },
      yName,
    ),
  );
  return group;
}

const trimmed = (value) => String(Number(value.toFixed(6)));

/** The position of a value in a range, as a percentage for the colour scales of the style sheet. */
function share(value, [low, high]) {
  return `${Math.round(100 * Math.min(1, Math.max(0, (value - low) / (high - low || 1))))}%`;
}

/** The nodes that describe an instruction at a point. */
function saying(rowNumber, ...facts) {
  const row = instructionOf(rowNumber);
  return [el("p", { class: "facts" }, ...badges(row), facts.filter(Boolean).join(" · ")), el("p", {}, foreign(row.text, 300))];
}
