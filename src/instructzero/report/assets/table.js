// Tables with sorting, searching and paging.

const PAGE = 25;

/**
 * A table of `rows`. A column has a `name`, `cell(row)` (nodes or text), and optionally `value(row)`, its sort key, and
 * `numeric`. `controls` are placed above the table. `state` holds the reader's choices: the name of the sorted column
 * (`order`), the direction (`rising`), and the `page`. The returned `show(rows)` replaces the rows.
 */
function pagedTable({ caption, columns, rows, controls, state, size = PAGE }) {
  let shown = rows;
  const body = el("tbody", { role: "rowgroup" });
  const status = el("p", { class: "status", role: "status" });
  const before = el("button", { type: "button", onclick: () => turn(-1) }, "Previous");
  const after = el("button", { type: "button", onclick: () => turn(1) }, "Next");
  const heads = columns.map((column) => head(column, () => sortBy(column)));
  const names = columns.filter((column) => column.value).map((column) => [column.name, column.name]);
  const sorter = select("Sort by", names, order().name, (name) => sortBy(columns.find((column) => column.name === name)));
  const table = el(
    "table",
    { role: "table", class: "paged" },
    el("caption", {}, caption),
    el("thead", { role: "rowgroup" }, el("tr", { role: "row" }, ...heads)),
    body,
  );

  function order() {
    return columns.find((column) => column.name === state.order) ?? columns[0];
  }

  function sortBy(column) {
    state.rising = order() === column ? !state.rising : !column.falling;
    state.order = column.name;
    sorter.querySelector("select").value = column.name;
    state.page = 0;
    render();
  }

  function turn(by) {
    state.page += by;
    render();
    table.scrollIntoView({ block: "nearest" });
  }

  function render() {
    const sorted = inOrder(shown, order(), state.rising);
    state.page = Math.max(0, Math.min(state.page, Math.ceil(sorted.length / size) - 1));
    const first = state.page * size;
    const part = sorted.slice(first, first + size);
    body.replaceChildren(...part.map((row) => line(columns, row)));
    columns.forEach((column, place) => {
      if (column.value) heads[place].setAttribute("aria-sort", column !== order() ? "none" : state.rising ? "ascending" : "descending");
    });
    before.disabled = state.page === 0;
    after.disabled = first + size >= sorted.length;
    status.textContent = sorted.length
      ? `${count(first + 1)} to ${count(first + part.length)} of ${count(sorted.length)}`
      : "No matches.";
  }

  render();
  const node = el(
    "div",
    { class: "listing" },
    el("div", { class: "controls" }, ...controls, sorter),
    el("div", { class: "wide" }, table),
    el("div", { class: "pager" }, before, status, after),
  );
  return {
    node,
    show(others) {
      shown = others;
      state.page = 0;
      render();
    },
  };
}

function head(column, sort) {
  const attributes = { role: "columnheader", scope: "col", class: column.numeric ? "numeric" : null };
  if (!column.value) return el("th", attributes, column.name);
  return el("th", attributes, el("button", { type: "button", onclick: sort }, column.name));
}

function line(columns, row) {
  return el(
    "tr",
    { role: "row" },
    ...columns.map((column) => {
      const content = column.cell(row);
      const classes = [column.numeric ? "numeric" : "", column.kind ?? "", content === NONE ? "none" : ""];
      return el("td", { role: "cell", class: classes.join(" ").trim() || null, "data-name": column.name }, ...[content].flat());
    }),
  );
}

/** Rows sorted by a column. Rows without a value come last in both directions. */
function inOrder(rows, column, rising) {
  const sign = rising ? 1 : -1;
  return rows.toSorted((one, other) => {
    const [a, b] = [column.value(one), column.value(other)];
    if (a === null || b === null) return (a === null) - (b === null);
    return typeof a === "string" ? sign * a.localeCompare(b) : sign * (a - b);
  });
}

/** The table of all instructions of the run. */
function fillInstructions() {
  const rows = data.instructions.map((row, number) => ({ ...row, rank: number + 1, folded: row.text.toLocaleLowerCase() }));
  const all = data.run.validation_examples;
  const optional = (name, key) =>
    rows.some((row) => row[key] !== null)
      ? [{ name, value: (row) => row[key], cell: (row) => score(row[key]), numeric: true, falling: true }]
      : [];
  const columns = [
    { name: "rank", value: (row) => row.rank, cell: (row) => count(row.rank), numeric: true },
    { name: "instruction", value: (row) => row.folded, cell: (row) => [...badges(row), foreign(row.text, 400)], kind: "text" },
    { name: "score", value: (row) => row.score, cell: (row) => el("b", {}, score(row.score)), numeric: true, falling: true },
    {
      name: "95 % interval",
      value: (row) => (row.interval ? row.interval[1] - row.interval[0] : null),
      cell: (row) => (row.interval ? [bar(row), ` ${row.interval.map((end) => end.toFixed(2)).join(" to ")}`] : NONE),
      kind: "interval",
    },
    { name: "examples", value: (row) => row.examples, cell: (row) => `${row.examples} of ${all}`, numeric: true, falling: true },
    ...optional("confirmation", "confirmation"),
    ...optional("test", "test"),
    { name: "calls", value: (row) => row.calls, cell: (row) => count(row.calls), numeric: true, falling: true },
    { name: "round", value: (row) => row.round, cell: (row) => (row.round === null ? NONE : count(row.round)), numeric: true },
    { name: "written", value: (row) => row.written, cell: (row) => count(row.written), numeric: true, falling: true },
  ];
  const state = chosen("instructions", { words: "", table: { order: "rank", rising: true, page: 0 } });
  const search = el("input", { type: "search", oninput: find, placeholder: "words in an instruction", value: state.words });
  const table = pagedTable({
    caption: `Ranked by ${VALUE_NAME}` +
      (data.run.racing ? "; instructions eliminated in a race come last" : "") +
      ". Written: the number of times that the instruction was produced.",
    columns,
    rows: found(),
    controls: [el("label", {}, "Search ", search)],
    state: state.table,
  });
  function found() {
    const words = state.words.toLocaleLowerCase().split(/\s+/).filter(Boolean);
    return rows.filter((row) => words.every((word) => row.folded.includes(word)));
  }
  function find() {
    state.words = search.value;
    table.show(found());
  }
  document.getElementById("instruction-table").replaceWith(table.node);
}

/** A line from 0 to 1 with the interval and the score. */
function bar(row) {
  const [low, high] = row.interval.map((end) => 100 * end);
  return svg(
    "svg",
    { class: "bar", viewBox: "-1 0 102 10", preserveAspectRatio: "none", "aria-hidden": "true" },
    svg("line", { class: "track", x1: 0, x2: 100, y1: 5, y2: 5 }),
    svg("line", { class: "interval", x1: low, x2: high, y1: 5, y2: 5 }),
    svg("line", { class: "mark", x1: 100 * row.score, x2: 100 * row.score, y1: 0, y2: 10 }),
  );
}
