"""Methods and their parts on the embedded pair, over tasks and seeds: `python -m benchmarks.methods`.

Every cell is one run in its own directory; started again, the script runs the missing cells only. The runs on one task
and seed share their examples, the projection and the answers of the black box; all calls of a run are counted, also
those answered from the shared store. The script prints Markdown tables: mean scores at some numbers of evaluations, the
advantage of the first variant with 95 % intervals (bootstrap over tasks, with seeds averaged), and the calls needed to
reach the final score of uniform.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import re
import zlib
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.drawing import drawing
from benchmarks.machine import describe
from instructzero import optimize
from instructzero.bench.comparisons import bootstrap_interval
from instructzero.build import build_blackbox, build_task
from instructzero.calls.store import CallStore
from instructzero.config import make_settings
from instructzero.prompts import zero_shot
from instructzero.records.journal import Journal
from instructzero.scoring.evaluator import Evaluator

METHODS: Mapping[str, Mapping[str, Any]] = {
    "instructzero": {},
    "paper": {"method": "paper"},
    "uniform": {"method": "uniform", "stop_early": False},
}
POINTS: Mapping[str, Any] = {
    "method": "paper",
    "stop_early": True,
    "initial": 10,
    "batch": 5,
    "noise": "binomial",
    "lengthscale": "loo",
    "maximiser": "pool",
    "candidates": 8,
    "preimages": True,
}
"""The search of points with the repairs of `instructzero.optimizers.REPAIRED`."""

OF_POINTS: Mapping[str, Mapping[str, Any]] = {
    "kernel: corrected": {"kernel": "corrected"},
    "kernel: standard": {"kernel": "standard"},
    "S from predictions": {"similarity": "exact_match"},
    "noise: fitted": {"noise": "fitted"},
    "lengthscale: prior": {"lengthscale": "prior"},
    "acquisition: log-EI": {"acquisition": "log_ei"},
    "candidates by CMA-ES": {"maximiser": "cma"},
    "candidates by gradient": {"maximiser": "gradient"},
    "batch: fantasised": {"batch_choice": "fantasised"},
    "batch: Thompson": {"batch_choice": "thompson"},
    "no decoding first": {"candidates": 1},
    "no preimages": {"preimages": False},
    "sphere": {"geometry": "sphere"},
}
"""One part of `POINTS` changed; a table compares with it if `points` is the first of the variants."""

PARTS: Mapping[str, Mapping[str, Any]] = {
    "racing": {"racing": True},
    "32 initial": {"initial": 32},
    "batch of 4": {"batch": 4},
    "2 candidates each": {"candidates": 2},
    "no continuations": {"continued": 0.0},
    "all continuations": {"continued": 1.0},
    "soft prompt × 0.1": {"soft_scale": 0.1},
    "soft prompt after exemplars": {"placement": "after_exemplars"},
    "A normal": {"projection": "normal"},
    "d = 5": {"dimension": 5},
    "d = 20": {"dimension": 20},
    "t = 3": {"soft_tokens": 3},
    "t = 10": {"soft_tokens": 10},
}
"""One part of the default method changed."""

VARIANTS: Mapping[str, Mapping[str, Any]] = {
    **METHODS,
    **PARTS,
    "points": POINTS,
    **{name: {**POINTS, **part} for name, part in OF_POINTS.items()},
}
COMMON: Mapping[str, Any] = {"batch_size": 256, "racing": False, "confirmation": 0}
"""Settings of the search alone: every instruction is scored in full, and the best on validation is tested.

A search stops once an instruction is right on all validation examples. The methods of the paper and uniform continue,
because their calls are the reference for the others.
"""
TASKS = (
    "active_to_passive antonyms cause_and_effect diff first_word_letter larger_animal letters_list negation "
    "num_to_verbal orthography_starts_with periodic_elements rhymes second_word_letter sentiment "
    "singular_to_plural sum synonyms taxonomy_animal translation_en-de word_sorting"
).split()
"""Twenty tasks with short inputs. The others take longer; select them with `--tasks`."""


@dataclass(frozen=True)
class Cell:
    """One run: best validation scores and calls after every evaluation, and test scores by mark."""

    task: str
    seed: int
    best: list[float]
    calls: list[int]
    test: dict[int, float]

    def at(self, evaluations: int) -> float:
        """Return the best validation score after ``evaluations``, or after all if the run had fewer."""
        return self.best[min(evaluations, len(self.best)) - 1]

    def after_calls(self, calls: int) -> float:
        """Return the best validation score within a number of calls; 0 before the first evaluation."""
        return max((score for score, spent in zip(self.best, self.calls, strict=True) if spent <= calls), default=0.0)


def run_cell(variant: str, task: str, seed: int, evaluations: int, marks: Sequence[int], out: Path) -> Cell:
    """Run one cell, or read it from its directory."""
    folder = out / re.sub(r"[^\w.=×-]+", "-", variant) / f"{task}-{seed}"
    kept = folder / "cell.json"
    if not kept.exists():
        _share_answers(folder, out / "answers" / f"{task}-{seed}.sqlite")
        # Every cell has its own seed: with one projection for all tasks, they would be easy or hard together.
        number = zlib.crc32(f"{task}/{seed}".encode())
        values = {"task": task, "seed": number, "evaluations": evaluations, **COMMON, **VARIANTS[variant]}
        optimize(directory=folder, **values)
        trials = Journal(folder / "journal.jsonl").history.trials
        best = list(accumulate((trial.score for trial in trials), max))
        found = {mark: max(trials[:mark], key=lambda trial: trial.score).instruction for mark in marks}
        tests = _test_scores(values, sorted(set(found.values())), folder / "calls.sqlite")
        calls = list(accumulate(trial.evaluation.usage.calls for trial in trials))
        record = {"best": best, "calls": calls, "test": {mark: tests[text] for mark, text in found.items()}}
        kept.write_text(json.dumps(record) + "\n", encoding="utf-8")
    record = json.loads(kept.read_text(encoding="utf-8"))
    record["test"] = {int(mark): score for mark, score in record["test"].items()}
    return Cell(task, seed, **record)


def _share_answers(folder: Path, shared: Path) -> None:
    """Link the call store of the run in ``folder`` to the one that all variants share."""
    folder.mkdir(parents=True, exist_ok=True)
    shared.parent.mkdir(parents=True, exist_ok=True)
    if not (folder / "calls.sqlite").is_symlink():
        (folder / "calls.sqlite").symlink_to(os.path.relpath(shared, folder))


def _test_scores(values: Mapping[str, Any], instructions: Sequence[str], calls: Path) -> dict[str, float]:
    """Return the mean scores of the instructions on the held-out test examples."""
    settings = make_settings(values)
    task = build_task(settings)
    options = {"render": zero_shot, "max_tokens": settings.answer_tokens}
    with (
        CallStore(calls) as store,
        Evaluator.of(build_blackbox(settings), store, task.metric, **options) as evaluator,
    ):
        evaluations = evaluator.evaluate(instructions, task.test)
        return {text: evaluation.mean for text, evaluation in zip(instructions, evaluations, strict=True)}


def run_all(variants: Sequence[str], arguments: argparse.Namespace) -> dict[str, list[Cell]]:
    """Run all cells in a process pool, those of one task and seed in turn; return them by variant."""
    pairs = [(task, seed) for seed in range(arguments.seeds) for task in arguments.tasks]
    cells: dict[str, list[Cell]] = {variant: [] for variant in variants}
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(arguments.processes, mp_context=context, initializer=_one_thread) as pool:
        jobs = [
            pool.submit(_run_variants, variants, task, seed, arguments.evaluations, arguments.marks, arguments.out)
            for task, seed in pairs
        ]
        for number, (job, (task, seed)) in enumerate(zip(jobs, pairs, strict=True), start=1):
            for variant, cell in zip(variants, job.result(), strict=True):
                cells[variant].append(cell)
            if not arguments.quiet:
                summary = ", ".join(f"{name} {found[-1].best[-1]:.2f}" for name, found in cells.items())
                print(f"{number}/{len(pairs)} {task} {seed}: {summary}", flush=True)
    return cells


def _one_thread() -> None:
    import torch

    torch.set_num_threads(1)


def _run_variants(
    variants: Sequence[str], task: str, seed: int, evaluations: int, marks: Sequence[int], out: Path
) -> list[Cell]:
    return [run_cell(variant, task, seed, evaluations, marks, out) for variant in variants]


def interval(first: Sequence[Cell], second: Sequence[Cell], value: Any) -> tuple[float, float, float]:
    """Return the mean difference first − second and its 95 % interval: bootstrap over tasks, with seeds averaged."""
    by_task: dict[str, list[float]] = {}
    for one, other in zip(first, second, strict=True):
        by_task.setdefault(one.task, []).append(value(one) - value(other))
    means = np.array([np.mean(differences) for differences in by_task.values()])
    return float(means.mean()), *bootstrap_interval(means)


def _table(cells: Mapping[str, Sequence[Cell]], marks: Sequence[int]) -> list[str]:
    names = list(cells)
    kinds = [(f"{kind} at {mark}", _value(kind, mark)) for mark in marks for kind in ("validation", "test")]
    gained = [f"{name}: {names[0]} is better by" for name, _ in kinds]
    header = ["variant", f"calls at {marks[-1]}", *(name for name, _ in kinds), *gained, f"{names[0]} is better"]
    lines = [f"| {' | '.join(header)} |", "|" + "---|" * len(header)]
    for name in names:
        means = [f"{np.mean([value(cell) for cell in cells[name]]):.3f}" for _, value in kinds]
        gains = [_gain(cells[names[0]], cells[name], value) if name != names[0] else "" for _, value in kinds]
        calls = f"{np.mean([cell.calls[min(marks[-1], len(cell.calls)) - 1] for cell in cells[name]]):,.0f}"
        verdict = "" if name == names[0] else _verdict(cells[names[0]], cells[name], marks[-1])
        lines.append(f"| {' | '.join([name, calls, *means, *gains, verdict])} |")
    return lines


def _verdict(first: Sequence[Cell], second: Sequence[Cell], mark: int) -> str:
    """Return the verdict: on which side one of the intervals at ``mark`` excludes 0, if any."""
    intervals = [interval(first, second, _value(kind, mark)) for kind in ("validation", "test")]
    if any(low > 0 for _, low, _ in intervals):
        return "yes"
    return "no, it harms" if any(high < 0 for *_, high in intervals) else "not shown"


def _value(kind: str, mark: int) -> Any:
    return (lambda cell: cell.at(mark)) if kind == "validation" else (lambda cell: cell.test[mark])


def _gain(first: Sequence[Cell], second: Sequence[Cell], value: Any) -> str:
    mean, low, high = interval(first, second, value)
    return f"{mean:+.3f} [{low:+.3f}, {high:+.3f}]"


def calls_to_reach(cells: Sequence[Cell], score: float) -> int | None:
    """Return the smallest number of calls per run with a mean best validation score of at least ``score``."""
    maximum = max(cell.calls[-1] for cell in cells)
    grid = range(20, maximum + 1, 20)
    return next(
        (calls for calls in grid if np.mean([cell.after_calls(calls) for cell in cells]) >= score - 1e-12), None
    )


def draw(cells: Mapping[str, Sequence[Cell]], path: Path) -> None:
    """Draw the mean best validation score against the calls of the search."""
    with drawing(path, (9, 4.2)) as (figure, axes):
        for name, found in cells.items():
            calls = range(20, max(cell.calls[-1] for cell in found) + 1, 20)
            means = [np.mean([cell.after_calls(spent) for cell in found]) for spent in calls]
            axes.plot(calls, means, label=name)
        axes.set(xlabel="calls to the black box in the search", ylabel="best validation score, mean over the runs")
        axes.set_title(f"{len(next(iter(cells.values())))} runs a method on the embedded pair", fontsize=10)
        axes.grid(alpha=0.3)
        figure.legend(loc="outside lower center", ncols=4, fontsize=8)


def draw_differences(cells: Mapping[str, Sequence[Cell]], mark: int, path: Path) -> None:
    """Draw the gain of every other variant over the first, on validation at ``mark``, with its interval."""
    base, *others = cells
    gains = {name: interval(cells[name], cells[base], _value("validation", mark)) for name in others}
    names = sorted(gains, key=lambda name: gains[name][0])
    with drawing(path, (9, 1 + 0.27 * len(names))) as (_, axes):
        means = np.array([gains[name][0] for name in names])
        ends = np.array([gains[name][1:] for name in names]).T
        axes.errorbar(means, range(len(names)), xerr=abs(ends - means), fmt="o", capsize=3)
        axes.axvline(0, color="black", linewidth=0.8)
        axes.set_yticks(range(len(names)), names)
        axes.set(xlabel=f"best validation score after {mark} evaluations, less that of {base} (95 % interval)")
        axes.grid(alpha=0.3)


def main() -> None:
    """Parse the command line and run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--variants", nargs="*", default=list(METHODS), choices=list(VARIANTS))
    parser.add_argument("--tasks", nargs="*", default=TASKS)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--evaluations", type=int, default=150)
    parser.add_argument("--marks", type=int, nargs="*", default=[50, 150])
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--out", type=Path, default=Path("runs/methods"))
    parser.add_argument("--plot", type=Path, help="where to draw score against calls (.png, .svg or .pdf)")
    parser.add_argument("--plot-differences", type=Path, help="where to draw the gain of every variant over the first")
    parser.add_argument("--quiet", action="store_true", help="print the tables only")
    arguments = parser.parse_args()
    cells = run_all(arguments.variants, arguments)
    print(f"\n{describe()}; {len(arguments.tasks)} tasks, {arguments.seeds} seeds\n")
    print("\n".join(_table(cells, arguments.marks)))
    if "uniform" in cells:
        score = float(np.mean([cell.best[-1] for cell in cells["uniform"]]))
        spent = float(np.mean([cell.calls[-1] for cell in cells["uniform"]]))
        print(f"\nuniform reaches {score:.3f} with {spent:,.0f} calls a run;")
        for name, found in cells.items():
            print(f"  {name}: {calls_to_reach(found, score)} calls to reach it")
    if arguments.plot:
        draw(cells, arguments.plot)
    if arguments.plot_differences:
        draw_differences(cells, arguments.marks[-1], arguments.plot_differences)


if __name__ == "__main__":
    main()
