// The figures of the search.

const VALUE_NAME = data.run.length_penalty ? "score minus length penalty" : "validation score";
const QUARTERS = [0, 0.25, 0.5, 0.75, 1];
const landscape = (width) => Math.round(Math.min(380, Math.max(260, width * 0.5)));

/** All evaluations, and the best value so far as a step line. */
function drawTrajectory() {
  const { dots, steps, end } = data.trajectory;
  if (!end) return noPlot("trajectory");
  const shown = chosen("trajectory", { unit: "calls" });
  const names = { calls: "calls to the black box", usd: "dollars at list price" };
  const draw = (width, height) => {
    const unit = shown.unit;
    const x = scale([0, end[unit]], [MARGIN.left, width - MARGIN.right]);
    const y = scale([0, 1], [height - MARGIN.bottom, MARGIN.top]);
    const xs = ticks([0, end[unit]], width / 110);
    const format = unit === "calls" ? count : (value) => `$${trimmed(value)}`;
    const place = (dot) => ({ x: x(dot[unit]), y: y(dot.value) });
    const circles = dots.map((dot) => {
      const at = place(dot);
      return svg("circle", { class: dot.complete ? "dot" : "dot partial", cx: at.x, cy: at.y, r: 3.2 });
    });
    const marks = steps.map((dot) => svg("circle", { class: "step", cx: place(dot).x, cy: place(dot).y, r: 4.5 }));
    const path = steps.map((dot, number) => {
      const at = place(dot);
      return number ? `H${at.x}V${at.y}` : `M${at.x} ${at.y}`;
    });
    return {
      layers: [
        axes({ x, y, xs, ys: QUARTERS, width, height, xName: names[unit], yName: VALUE_NAME, format }),
        ...references(y, width),
        ...circles,
        svg("path", { class: "line", d: `${path.join("")}H${x(end[unit])}` }),
        ...marks,
      ],
      points: dots.map((dot) => ({ ...place(dot), say: () => sayDot(dot) })),
    };
  };
  const redraw = plot("trajectory", {
    label: `Best ${VALUE_NAME} so far: from ${score(steps[0].value)} to ${score(steps.at(-1).value)} in ${plural(steps.length - 1, "improvement")}`,
    shape: landscape,
    draw,
  });
  if (end.usd) {
    controls("trajectory").append(
      choice("Horizontal axis", [["calls", "by calls"], ["usd", "by cost"]], shown.unit, (key) => {
        shown.unit = key;
        redraw();
      }),
    );
  }
}

function sayDot(dot) {
  const row = instructionOf(dot.row);
  return saying(
    dot.row,
    dot.evaluation ? `evaluation ${count(dot.evaluation)}` : "before the search",
    `score ${score(row.score)}${dot.complete ? "" : ` on ${row.examples} examples`}`,
    `${count(dot.calls)} calls`,
    dot.usd ? dollars(dot.usd) : "",
  );
}

/** Horizontal lines at the values of the plain instruction and the user's own; equal values share a line. */
function references(y, width) {
  const lines = new Map();
  for (const { roles, value } of data.instructions) {
    const shown = roles.filter((role) => role !== "best" && !(role === "challenger" && roles.includes("best")));
    if (shown.length) lines.set(value, [...(lines.get(value) ?? []), ...shown]);
  }
  return [...lines].flatMap(([value, roles]) => [
    svg("line", { class: `reference ${roles[0]}`, x1: MARGIN.left, x2: width - MARGIN.right, y1: y(value), y2: y(value) }),
    svg(
      "text",
      { class: "reference", x: width - MARGIN.right, y: y(value) - 5, "text-anchor": "end" },
      roles.map((role) => ROLE_NAMES[role]).join(", "),
    ),
  ]);
}

const controls = (name) => document.querySelector(`#figure-${name} .controls`);

/** One box per round, and the best 15 % of all instructions so far. */
function drawRounds() {
  const rounds = data.rounds;
  if (!rounds.length) return noPlot("rounds");
  const named = ({ first, last }) => (first === last ? `${first}` : `${first}–${last}`);
  const draw = (width, height) => {
    const x = scale([-0.5, rounds.length - 0.5], [MARGIN.left, width - MARGIN.right]);
    const y = scale([0, 1], [height - MARGIN.bottom, MARGIN.top]);
    const every = Math.ceil(rounds.length / (width / (rounds.some(({ first, last }) => first !== last) ? 64 : 36)));
    const xs = rounds.map((_, place) => place).filter((place) => place % every === 0);
    const half = Math.min(14, (x(1) - x(0)) * 0.32);
    const top = (part) => rounds.map((round, place) => `${x(place)} ${y(round.top[part])}`);
    return {
      layers: [
        axes({
          x, y, xs, ys: QUARTERS, width, height, xName: "round", yName: VALUE_NAME, format: (place) => named(rounds[place]),
        }),
        ...rounds.map((round, place) => box(round.quantiles.map(y), x(place), half)),
        svg("path", { class: "band", d: `M${[...top(2), ...top(0).reverse()].join("L")}Z` }),
        svg("path", { class: "line", d: `M${top(1).join("L")}` }),
        ...rounds.map((round, place) => svg("circle", { class: "step", cx: x(place), cy: y(round.top[1]), r: 3 })),
      ],
      points: rounds.map((round, place) => ({ x: x(place), y: y(round.quantiles[2]), say: () => sayRound(round, named(round)) })),
    };
  };
  const last = rounds.at(-1);
  plot("rounds", {
    label: `Mean of the best 15 % of all instructions: ${score(rounds[0].top[1])} after round ${named(rounds[0])}, ${score(last.top[1])} after round ${named(last)}`,
    shape: landscape,
    draw,
  });
}

function box([least, low, middle, high, greatest], x, half) {
  return svg(
    "g",
    { class: "box" },
    svg("line", { x1: x, x2: x, y1: least, y2: greatest }),
    svg("rect", { x: x - half, width: 2 * half, y: high, height: Math.max(1, low - high) }),
    svg("line", { class: "median", x1: x - half, x2: x + half, y1: middle, y2: middle }),
  );
}

function sayRound(round, name) {
  const [least, , middle, , greatest] = round.quantiles;
  return [
    el("p", { class: "facts" }, `round ${name} · ${plural(round.evaluations, "evaluation")}`),
    el(
      "p",
      {},
      `Median ${score(middle)}, from ${score(least)} to ${score(greatest)}. ` +
        `Best 15 % of all instructions so far: mean ${score(round.top[1])}, from ${score(round.top[0])} to ${score(round.top[2])}.`,
    ),
  ];
}

const ORIGIN_NAMES = {
  "soft prompt": "written under a soft prompt",
  continuation: "continued from earlier first words",
  request: "written on request",
  own: "yours",
  plain: "the plain instruction",
};

/** A map of instructions in two dimensions: that of the soft prompts ("space"), or that of the wording ("texts"). */
function drawMap(name, what) {
  const { points } = data[name];
  if (!points) return noPlot(name);
  const shown = chosen(name, { method: "pca", colour: "value" });
  if (!points[0].tsne) shown.method = "pca";
  const values = points.map((point) => instructionOf(point.row).value);
  const range = { value: [0, 1], round: [0, Math.max(1, ...points.map((point) => point.round ?? 0))] };
  const draw = (width, height) => {
    const { method, colour } = shown;
    const place = fitted(points.map((point) => point[method]), width, height);
    const marks = points.map((point, number) => {
      const value = colour === "value" ? values[number] : (point.round ?? 0);
      const classes = ["point", `by-${colour}`, point.leader ? "leader" : "", isBest(point) ? "best" : ""];
      return mark(point.origin, place(point[method]), 3 + 4 * Math.min(1, Math.max(0, values[number])), {
        class: classes.filter(Boolean).join(" "),
        "--share": share(value, range[colour]),
      });
    });
    const best = points.findIndex(isBest);
    const last = [...marks.filter((_, number) => !isBest(points[number])), ...marks.filter((_, number) => isBest(points[number]))];
    return {
      layers: [
        svg("rect", { class: "frame", x: 1, y: 1, width: width - 2, height: height - 2 }),
        ...last,
        ...(best < 0 ? [] : [named("best", place(points[best][method]), width)]),
      ],
      points: points.map((point) => {
        const [x, y] = place(point[method]);
        return { x, y, say: () => sayPoint(point) };
      }),
    };
  };
  const redraw = plot(name, {
    label: `Map of ${plural(points.length, what)} in two dimensions`,
    shape: (width) => Math.round(Math.min(480, Math.max(300, width * 0.6))),
    draw,
  });
  addMapControls(name, points, shown, range, redraw);
}

function addMapControls(name, points, shown, range, redraw) {
  const ramp = el("span", { class: "legend" });
  const explain = () =>
    ramp.replaceChildren(
      shown.colour === "value" ? "score 0" : "round 0",
      el("span", { class: `ramp by-${shown.colour}` }),
      shown.colour === "value" ? "1" : String(range.round[1]),
    );
  explain();
  if (points[0].tsne) {
    controls(name).append(
      choice("Projection", [["pca", "principal components"], ["tsne", "t-SNE"]], shown.method, (key) => {
        shown.method = key;
        redraw();
      }),
    );
  }
  controls(name).append(
    choice("Colour", [["value", "by score"], ["round", "by round"]], shown.colour, (key) => {
      shown.colour = key;
      explain();
      redraw();
    }),
    ramp,
    ...originLegend(points),
  );
}

const isBest = (point) => instructionOf(point.row).roles.includes("best");

/** The shapes of the origins that occur, if there are several. */
function originLegend(points) {
  const found = Object.keys(ORIGIN_NAMES).filter((origin) => points.some((point) => point.origin === origin));
  if (found.length < 2) return [];
  return found.map((origin) =>
    el(
      "span",
      { class: "legend" },
      svg("svg", { width: 14, height: 14, "aria-hidden": "true" }, mark(origin, [7, 7], 5, { class: "point key" })),
      ORIGIN_NAMES[origin],
    ),
  );
}

/** A mark whose shape says where a text came from; all shapes have about the same area. */
function mark(origin, [x, y], r, attributes) {
  if (origin === "soft prompt") return svg("circle", { ...attributes, cx: x, cy: y, r });
  const corners = {
    continuation: [[0, -1.3], [1.3, 0], [0, 1.3], [-1.3, 0]],
    request: [[-0.9, -0.9], [0.9, -0.9], [0.9, 0.9], [-0.9, 0.9]],
    own: [[0, -1.35], [1.3, 0.95], [-1.3, 0.95]],
    plain: [[0, 1.35], [1.3, -0.95], [-1.3, -0.95]],
  }[origin];
  return svg("path", { ...attributes, d: `M${corners.map(([dx, dy]) => `${x + dx * r} ${y + dy * r}`).join("L")}Z` });
}

/** A word beside a point, on the side that has room. */
function named(word, [x, y], width) {
  const left = x > width - 60;
  return svg("text", { class: "name-of-point", x: left ? x - 12 : x + 12, y: y + 4, "text-anchor": left ? "end" : "start" }, word);
}

/** Map positions to pixels, with the same scale in both directions. */
function fitted(places, width, height) {
  const pad = 18;
  const ranges = [0, 1].map((axis) => {
    const values = places.map((place) => place[axis]);
    return [Math.min(...values), Math.max(...values)];
  });
  const [wide, high] = ranges.map(([low, top]) => top - low || 1);
  const size = Math.min((width - 2 * pad) / wide, (height - 2 * pad) / high);
  const middle = ranges.map(([low, top]) => (low + top) / 2);
  return ([x, y]) => [width / 2 + (x - middle[0]) * size, height / 2 - (y - middle[1]) * size];
}

function sayPoint(point) {
  const row = instructionOf(point.row);
  return saying(
    point.row,
    `score ${score(row.score)}${row.examples < data.run.validation_examples ? ` on ${row.examples} examples` : ""}`,
    point.evaluation === null ? "scored before the search" : `evaluation ${count(point.evaluation)}`,
    point.round === null ? "" : `round ${count(point.round)}`,
    ORIGIN_NAMES[point.origin],
    point.leader ? "best of its round" : "",
  );
}

/** Predicted against observed scores. */
function drawBelief() {
  const { points } = data.belief;
  if (!points) return noPlot("belief");
  const means = points.flatMap((point) => [point.mean - point.sd, point.mean + point.sd]);
  const domain = [Math.max(-0.5, Math.min(0, ...means)), Math.min(1.5, Math.max(1, ...means))];
  const draw = (width, height) => {
    const x = scale(domain, [MARGIN.left, width - MARGIN.right]);
    const y = scale([0, 1], [height - MARGIN.bottom, MARGIN.top]);
    const clamp = (value) => x(Math.min(domain[1], Math.max(domain[0], value)));
    return {
      layers: [
        axes({
          x, y, xs: ticks(domain, width / 80), ys: QUARTERS, width, height,
          xName: "predicted score", yName: "observed score", format: trimmed,
        }),
        svg("line", { class: "diagonal", x1: x(0), y1: y(0), x2: x(1), y2: y(1) }),
        ...points.map((point) =>
          svg("line", { class: "doubt", x1: clamp(point.mean - point.sd), x2: clamp(point.mean + point.sd), y1: y(point.outcome), y2: y(point.outcome) }),
        ),
        ...points.map((point) => svg("circle", { class: "dot strong", cx: clamp(point.mean), cy: y(point.outcome), r: 3.6 })),
      ],
      points: points.map((point) => ({
        x: clamp(point.mean),
        y: y(point.outcome),
        say: () =>
          saying(
            point.row,
            `evaluation ${count(point.evaluation)}, round ${count(point.round)}`,
            `predicted ${score(point.mean)} ± ${score(point.sd)}`,
            `observed ${score(point.outcome)}`,
          ),
      })),
    };
  };
  plot("belief", {
    label: `Predicted against observed scores of ${plural(points.length, "evaluation")}`,
    shape: landscape,
    draw,
  });
}
