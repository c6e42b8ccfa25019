"""The course of a run as a picture; `python -m benchmarks.figure runs/antonyms docs/images/run.png`."""

from __future__ import annotations

import argparse
import textwrap
from itertools import accumulate
from pathlib import Path

from benchmarks.drawing import drawing
from instructzero.records.history import History
from instructzero.records.journal import Journal


def draw(history: History, task: str, path: Path) -> None:
    """Draw the validation score of every evaluation, the best so far, and the plain instruction's score."""
    scores = [trial.score for trial in history.trials]
    examples = history.validation_examples
    complete = [trial.evaluation.is_complete(examples) for trial in history.trials]
    found = [score if whole else 0.0 for score, whole in zip(scores, complete, strict=True)]
    with drawing(path, (9, 4.2)) as (figure, axes):
        rounds = [trial.round for trial in history.trials]
        sizes = [22 if whole else 6 for whole in complete]
        axes.scatter(
            range(1, len(scores) + 1),
            scores,
            c=rounds,
            cmap="viridis",
            s=sizes,
            label="an instruction (colour: round; small: scored on a part of the examples)",
        )
        axes.step(
            range(1, len(scores) + 1), list(accumulate(found, max)), where="post", color="tab:red", label="best so far"
        )
        if history.plain is not None:
            level = history.plain[1].mean
            axes.axhline(level, color="gray", linestyle="--", label=f"plain instruction ({level:.2f})")
        best = max(history.complete_trials(), key=lambda trial: trial.score)
        axes.set_title("\n".join(textwrap.wrap(f"{task}: “{best.instruction}” ({best.score:.2f})", 95)), fontsize=10)
        axes.set(xlabel="evaluations", ylabel="validation score", ylim=(-0.03, 1.03))
        figure.legend(loc="outside lower center", ncols=3, fontsize=8)


def main() -> None:
    """Parse the command line and draw the picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("directory", type=Path, help="a run directory")
    parser.add_argument("picture", type=Path, help="where to write the picture (.png, .svg or .pdf)")
    arguments = parser.parse_args()
    history = Journal(arguments.directory / "journal.jsonl").history
    if not history.trials or history.header is None:
        raise SystemExit(f"expected a run with evaluations in {arguments.directory}, got none")
    draw(history, history.header["task"], arguments.picture)


if __name__ == "__main__":
    main()
