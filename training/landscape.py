"""The page about the embedded pair, from the findings of `training.measure`: `python -m training.landscape`.

It writes the tables of `docs/embedded-pair.md`, and a picture with the score distribution over random soft prompts of
every task.
"""

import argparse
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import StatisticsError, correlation, mean, median

import matplotlib as mpl
from matplotlib import pyplot as plt

from benchmarks.machine import describe
from training.corpus.registry import SHIPPED, TASKS
from training.fluency import is_fluent
from training.measure import OUT, Findings, load

DOCS = Path("docs")
PAGE, PICTURE = DOCS / "embedded-pair.md", DOCS / "images" / "landscape.png"
LOOKED_AT = 200  # the number of soft prompts whose texts are counted
TABLE_START, TABLE_END = "<!-- measured -->", "<!-- end -->"


@dataclass(frozen=True)
class Row:
    """The figures of one task; scores and shares in [0, 1]."""

    task: str
    best_clear: float
    clear: float
    vague: float
    wrong: float
    plain: float
    texts: int  # the number of different texts of the first soft prompts
    fluent: float
    middle: float  # the median over all soft prompts
    best: float
    at_best: float
    distance: float  # correlation of the distance in z with the difference in score

    @classmethod
    def of(cls, findings: Findings) -> "Row":
        """Compute the figures from the findings."""
        first = findings.written.texts[:LOOKED_AT]
        scores, scored = findings.soft_scores, findings.scored
        clear = scored.clear.values()
        return cls(
            findings.task,
            max(clear),
            mean(clear),
            mean(scored.vague.values()),
            mean(scored.wrong.values()),
            findings.plain_score,
            len(set(first)),
            mean(map(is_fluent, first)),
            median(scores),
            max(scores),
            mean(score >= max(scores) - 1e-9 for score in scores),
            _correlation(findings),
        )


def _correlation(findings: Findings) -> float:
    """Return Pearson's correlation of distances in z with score differences; 0 if it is undefined."""
    scores, pairs = findings.scored.written, findings.written.pairs
    differences = [abs(scores[one] - scores[other]) for _, one, other in pairs]
    try:
        return correlation([distance for distance, _, _ in pairs], differences)
    except StatisticsError:
        return 0.0


COLUMNS: Mapping[str, Callable[[Row], float]] = {
    "best clear": lambda row: row.best_clear,
    "clear": lambda row: row.clear,
    "vague": lambda row: row.vague,
    "wrong": lambda row: row.wrong,
    "plain": lambda row: row.plain,
    "texts": lambda row: row.texts,
    "fluent": lambda row: row.fluent,
    "median": lambda row: row.middle,
    "best": lambda row: row.best,
    "at best": lambda row: row.at_best,
    "distance": lambda row: row.distance,
}


def _cell(name: str, value: float) -> str:
    if name == "texts":
        return f"{value:.0f}"
    return f"{100 * value:.1f} %" if name == "at best" else f"{value:.2f}"


def table(rows: Sequence[Row]) -> str:
    """Return the rows as a Markdown table, the mean of all tasks last."""
    lines = ["| task | " + " | ".join(COLUMNS) + " |", "|---" * (len(COLUMNS) + 1) + "|"]
    for row in rows:
        lines.append(f"| {row.task} | " + " | ".join(_cell(name, of(row)) for name, of in COLUMNS.items()) + " |")
    means = [_cell(name, mean(of(row) for row in rows)) for name, of in COLUMNS.items()]
    return "\n".join([*lines, "| **mean** | " + " | ".join(means) + " |"])


@dataclass(frozen=True)
class Aim:
    """A property that the pair should have, the measured value, and True if it holds."""

    what: str
    found: str
    holds: bool


def aims(rows: Sequence[Row]) -> list[Aim]:
    """Check the properties that make the pair a test bench: it follows instructions, and search is worthwhile."""

    def average(of: Callable[[Row], float]) -> float:
        return mean(of(row) for row in rows)

    best, vague, wrong, plain = (average(COLUMNS[name]) for name in ("best clear", "vague", "wrong", "plain"))
    able = sum(row.best_clear >= 0.7 for row in rows)
    texts, fluent = average(lambda row: row.texts), average(lambda row: row.fluent)
    rare = sum(row.at_best < 0.05 and row.best - row.middle >= 0.3 for row in rows)
    near = average(lambda row: row.distance)
    return [
        Aim("best held-out clear phrasing, mean ≥ 0.90", f"{best:.3f}", best >= 0.9),
        Aim("best held-out clear phrasing ≥ 0.70 on at least 28 tasks", f"{able} of {len(rows)}", able >= 28),
        Aim("vague phrasings, mean ≤ 0.60", f"{vague:.3f}", vague <= 0.6),
        Aim("another task's instruction, mean ≤ 0.15", f"{wrong:.3f}", wrong <= 0.15),
        Aim("instruction without a soft prompt, mean 0.30 to 0.75", f"{plain:.3f}", 0.3 <= plain <= 0.75),
        Aim(f"different texts under {LOOKED_AT} soft prompts, mean ≥ 40", f"{texts:.0f}", texts >= 40),
        Aim("fluent texts, mean ≥ 80 %", f"{100 * fluent:.1f} %", fluent >= 0.8),
        Aim("best reached by < 5 % and 0.3 above the median, on ≥ 20 tasks", f"{rare} of {len(rows)}", rare >= 20),
        Aim("score differs more the farther apart z are: correlation > 0", f"{near:.2f}", near > 0),
    ]


def aims_table(found: Sequence[Aim]) -> str:
    """Return the aims as a Markdown table."""
    lines = [f"| {aim.what} | {aim.found} | {'yes' if aim.holds else '**no**'} |" for aim in found]
    return "\n".join(["| aim | measured | holds |", "|---|---|---|", *lines])


def draw(findings: Sequence[Findings], path: Path) -> None:
    """Draw a histogram per task of the scores of random soft prompts, with the plain instruction's score."""
    columns = 4
    lines = -(-len(findings) // columns)
    figure, grid = plt.subplots(lines, columns, figsize=(12, 1.75 * lines), sharex=True, layout="constrained")
    for axes, found in zip(grid.flat, findings, strict=False):
        scores = found.soft_scores
        axes.hist(scores, bins=[index / 30 - 1 / 60 for index in range(32)], color="#4c72b0")
        axes.axvline(found.plain_score, color="gray", linestyle="--", linewidth=1.2)
        axes.axvline(max(scores), color="tab:red", linewidth=1.2)
        share = mean(score >= max(scores) - 1e-9 for score in scores)
        axes.set_title(f"{found.task}  (best {max(scores):.2f}: {100 * share:.1f} %)", fontsize=8.5)
        axes.set_yticks([])
        axes.spines[["top", "right", "left"]].set_visible(False)
    for axes in grid.flat[len(findings) :]:
        axes.set_visible(False)
    figure.supxlabel(
        "score of the instruction that a random soft prompt led to (red: the best; dashed: without a soft prompt)",
        fontsize=9,
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=90)
    plt.close(figure)


def measured(findings: Sequence[Findings]) -> str:
    """Return the measured part of the page."""
    rows = [Row.of(found) for found in findings]
    closed = ", ".join(f"`{found.task}`" for found in findings if TASKS[found.task].is_closed)
    examples, soft = max(found.scored.examples for found in findings), len(findings[0].written.texts)
    machine = (
        f"Machine: {describe()}. Scores are means over {examples} test examples, {soft:,} random soft prompts a task. "
    )
    seen = (
        f"The closed tables ({closed}) are tested on rows that were trained; all other tasks on inputs that were not."
    )
    return f"{machine}{seen}\n\n{aims_table(aims(rows))}\n\n{table(rows)}"


def renew(page: Path, text: str) -> None:
    """Replace the text between the marks."""
    before, start, rest = page.read_text(encoding="utf-8").partition(TABLE_START)
    _, end, after = rest.partition(TABLE_END)
    if not start or not end:
        raise SystemExit(f"expected {TABLE_START} and {TABLE_END} in {page}, got a page without; restore both")
    page.write_text(f"{before}{start}\n{text}\n{end}{after}", encoding="utf-8")


def main() -> None:
    """Read the findings and write the page and the picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--findings", type=Path, default=OUT)
    parser.add_argument("--tasks", nargs="*", default=sorted(SHIPPED))
    parser.add_argument("--print", action="store_true", help="print the tables, write nothing")
    options = parser.parse_args()
    findings = [load(options.findings, name) for name in options.tasks]
    if options.print:
        print(measured(findings))
        return
    mpl.use("agg")
    draw(findings, PICTURE)
    renew(PAGE, measured(findings))


if __name__ == "__main__":
    main()
