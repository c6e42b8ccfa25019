// The scores and answers of the best instructions, example by example.

const NO_TEXT = "not available";
const MAX_COLUMNS = 120;

const RIVALS = {
  plain: "the plain instruction",
  baseline: "your instruction",
  start: "the instruction that you started from",
  challenger: "the best challenger",
};

const roleOf = (part, role) => part.rows.find((row) => instructionOf(row.row).roles.includes(role));

/** A table of the examples of one part of the data, with the answers of the best instruction and one rival. */
function fillExamples() {
  const place = document.getElementById("example-table");
  if (!place) return;
  const parts = data.examples.parts;
  const state = chosen("examples", { part: null, rival: null, filter: "all", table: null });
  let part = parts.find((candidate) => candidate.name === state.part) ?? parts[0];
  const partChoice = choice("Part of the data", parts.map(({ name }) => [name, name]), part.name, (name) => {
    state.part = name;
    part = parts.find((candidate) => candidate.name === name);
    renew();
  });
  const content = el("div");
  place.replaceWith(parts.length > 1 ? partChoice : "", content);

  /** Rebuild the table after a new choice, starting at its first page. */
  function renew() {
    state.table = null;
    rebuild();
  }

  function rebuild() {
    const rivals = Object.keys(part.duels);
    const rival = rivals.includes(state.rival) ? state.rival : (rivals[0] ?? null);
    state.table ??= { order: "number", rising: true, page: 0 };
    const columns = exampleColumns(part, rival);
    const table = pagedTable({
      caption: part.left_out
        ? `${count(part.examples.length)} of ${count(part.examples.length + part.left_out)} ${part.name} examples. Examples on which the instructions differ were selected first.`
        : `All ${count(part.examples.length)} ${part.name} examples.`,
      columns,
      rows: exampleRows(part, rival, state.filter),
      controls: [...chooseRival(rivals, rival), ...chooseFilter(rival)],
      state: state.table,
      size: 20,
    });
    content.replaceChildren(table.node);
    fillMatrix(part);
  }

  function chooseRival(rivals, rival) {
    const options = rivals.map((role) => [role, RIVALS[role]]);
    return options.length > 1
      ? [select("Compare with", options, rival, (role) => { state.rival = role; renew(); })]
      : [];
  }

  function chooseFilter(rival) {
    if (rival === null) return [];
    const { wins, losses, ties } = part.duels[rival];
    const options = [
      ["all", `all (${count(wins + losses + ties)})`],
      ["wins", `best instruction scores higher (${count(wins)})`],
      ["losses", `best instruction scores lower (${count(losses)})`],
      ["failed", "best instruction is not fully correct"],
      ["wrong", "neither is fully correct"],
    ];
    return [select("Show", options, state.filter, (key) => { state.filter = key; renew(); })];
  }

  rebuild();
}

function exampleRows(part, rival, filter) {
  const best = part.rows[0];
  const other = rival && roleOf(part, rival);
  const rows = part.examples.map((example, place) => ({
    ...example,
    best: { score: best.scores[place], answer: best.answers[place], remark: best.remarks[place] },
    rival: other ? { score: other.scores[place], answer: other.answers[place], remark: other.remarks[place] } : null,
  }));
  if (!other || filter === "all") return rows;
  const fits = {
    wins: (row) => row.best.score > row.rival.score,
    losses: (row) => row.best.score < row.rival.score,
    failed: (row) => row.best.score < 1,
    wrong: (row) => row.best.score < 1 && row.rival.score < 1,
  };
  return rows.filter(fits[filter]);
}

function exampleColumns(part, rival) {
  const answer = (name, key) => ({
    name,
    value: (row) => row[key].score,
    cell: (row) => [
      verdict(row[key].score),
      " ",
      row[key].answer === null ? "not evaluated" : foreign(row[key].answer, 300),
      ...remarked(row[key].remark),
    ],
    kind: "answer",
  });
  return [
    { name: "number", value: (row) => row.number, cell: (row) => count(row.number), numeric: true },
    { name: "input", cell: (row) => (row.input === null ? NO_TEXT : foreign(row.input, 400)), kind: "text" },
    { name: "accepted answers", cell: accepted, kind: "text" },
    answer("answer (best instruction)", "best"),
    ...(rival ? [answer(`answer (${RIVALS[rival].replace("the ", "")})`, "rival")] : []),
  ];
}

function accepted(row) {
  if (row.outputs === null) return NO_TEXT;
  return row.outputs.flatMap((output, place) => [place ? " or " : "", foreign(output, 200)]);
}

/** The remark of the metric about an answer, on a line of its own; nothing if there is none. */
function remarked(remark) {
  return remark ? [el("div", { class: "faint" }, "Remark: ", foreign(remark, 300))] : [];
}

/** A sign for a correct, wrong or partly correct answer, with a text for screen readers. */
function verdict(value) {
  if (value === null) return el("span", { class: "verdict" }, "–");
  const kind = value === 1 ? "right" : value === 0 ? "wrong" : "partly";
  const sign = { right: "✓", wrong: "✗", partly: value.toFixed(2) }[kind];
  return el("span", { class: `verdict ${kind}`, role: "img", "aria-label": kind === "partly" ? `score ${sign}` : kind === "right" ? "correct" : "wrong" }, sign);
}

/** A grid of all answers. Arrow keys and the pointer select a cell, whose details are shown below. */
function fillMatrix(part) {
  const place = document.getElementById("matrix");
  const width = Math.min(MAX_COLUMNS, part.examples.length);
  const readout = el("div", { class: "readout", role: "status" }, "Point at a cell, or use the arrow keys, to see the answer.");
  const cells = part.rows.map((row) => row.scores.slice(0, width).map((value, column) => matrixCell(part, row, value, column)));
  const body = part.rows.map((row, number) =>
    el("tr", {}, el("th", { scope: "row" }, ...badges(instructionOf(row.row)), foreignLine(instructionOf(row.row).text)), ...cells[number]),
  );
  let current = [0, 0];

  function visit(line, column, focus) {
    cells[current[0]][current[1]].tabIndex = -1;
    current = [line, column];
    const cell = cells[line][column];
    cell.tabIndex = 0;
    if (focus) cell.focus();
    readout.replaceChildren(...sayCell(part, part.rows[line], column));
  }

  function where(event) {
    const cell = event.target.closest("td");
    const line = cell ? cells.findIndex((row) => row.includes(cell)) : -1;
    return line < 0 ? null : [line, cells[line].indexOf(cell)];
  }

  const steps = { ArrowRight: [0, 1], ArrowLeft: [0, -1], ArrowDown: [1, 0], ArrowUp: [-1, 0] };
  const grid = el(
    "table",
    {
      class: "matrix",
      role: "grid",
      "aria-label": `Answers to the ${part.name} examples`,
      onkeydown(event) {
        const step = steps[event.key];
        if (!step) return;
        event.preventDefault();
        const [line, column] = [current[0] + step[0], current[1] + step[1]];
        if (cells[line]?.[column]) visit(line, column, true);
      },
      onpointerover(event) {
        const at = where(event);
        if (at) visit(...at, false);
      },
      onfocusin(event) {
        const at = where(event);
        if (at) visit(...at, false);
      },
    },
    el("tbody", {}, ...body),
  );
  cells[0][0].tabIndex = 0;
  const note = width < part.examples.length ? [el("p", { class: "faint" }, `Only the first ${width} examples are shown.`)] : [];
  place.replaceChildren(el("div", { class: "wide" }, grid), ...note, readout);
}

function matrixCell(part, row, value, column) {
  const kind = value === null ? "unasked" : value === 1 ? "right" : value === 0 ? "wrong" : "partly";
  const said = { unasked: "not evaluated", right: "correct", wrong: "wrong", partly: `score ${score(value)}` }[kind];
  return el(
    "td",
    { class: kind, tabindex: -1, "aria-label": `Example ${part.examples[column].number}: ${said}` },
    el("span", { class: "cell" }),
  );
}

function foreignLine(text) {
  return el("bdi", { dir: "auto", class: "foreign" }, cut(visible(text), 120) || "(empty)");
}

function sayCell(part, row, column) {
  const example = part.examples[column];
  const answer = row.answers[column];
  return [
    el("p", { class: "facts" }, ...badges(instructionOf(row.row)), foreignLine(instructionOf(row.row).text), ` · ${part.name} example ${example.number}`),
    el("p", {}, "Input: ", example.input === null ? NO_TEXT : foreign(example.input, 300)),
    el("p", {}, "Accepted: ", ...[accepted(example)].flat()),
    el("p", {}, "Answer: ", answer === null ? "not evaluated" : foreign(answer, 300), " ", verdict(row.scores[column])),
    ...remarked(row.remarks[column]),
  ];
}
