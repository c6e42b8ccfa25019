import math
import sys

import numpy as np
import pytest

from instructzero.bench import figures
from instructzero.bench.paper_figures import (
    accuracies,
    by_task,
    explored,
    flattened,
    gains,
    improvements,
    top_instructions,
    top_scores,
)
from instructzero.records.history import History
from instructzero.types import Evaluation, Proposal, Trial, Writing
from tests.bench.synthetic import cell


def trial(number, text, scores, z=(0.0, 0.0)):
    predictions = ("",) * len(scores)
    return Trial(number, number // 5, Proposal(z), Writing(text, text), Evaluation(tuple(scores), predictions))


def history(trials):
    return History(trials=list(trials))


def rising(seed=0):
    """Return 150 trials with rising scores."""
    points = np.random.default_rng(seed).uniform(-1, 1, (150, 4))
    return history(
        trial(number, f"text {number}", [1.0] * (number // 15) + [0.0] * (10 - number // 15), tuple(z))
        for number, z in enumerate(points.tolist())
    )


def test_by_task_averages_seeds_at_the_largest_budget():
    found = [cell("ape", "x", {10: 0.9, 20: 0.2}, seed=0), cell("ape", "x", {10: 0.9, 20: 0.4}, seed=1)]
    assert by_task(found, "ape") == pytest.approx({"x": 0.3})


def test_gains_leave_out_tasks_that_both_solve_perfectly():
    table = {"x": (1.0, 1.0), "y": (1.0, 0.75), "z": (0.5, 0.75), "one": (0.5, None)}
    found = [
        cell(method, task, {10: score})
        for task, scores in table.items()
        for method, score in zip(("paper", "ape"), scores, strict=True)
        if score is not None
    ]
    assert gains(found, "paper", "ape") == [0.25, -0.25]


def test_top_scores_use_distinct_completely_scored_instructions():
    trials = [trial(number, f"text {number}", [0.0, 0.0]) for number in range(10)]
    trials += [trial(10, "good", [1.0, 1.0]), trial(11, "good", [1.0, 1.0]), trial(12, "raced", [1.0])]
    trials += [trial(25, "fair", [1.0, 0.0])]
    # First 11 distinct instructions, of which 2 are the top 15 %; then 12, and still 2.
    assert top_scores(history(trials)) == pytest.approx([0.5, 0.75, 0.75, 0.75, 0.75, 0.75])
    assert "raced" not in [found.instruction for found in history(trials).complete_trials()]


def test_top_scores_without_trials_are_nan():
    assert all(map(math.isnan, top_scores(history([]))))


@pytest.mark.parametrize("how", ["t-SNE", "PCA"])
def test_flattened_returns_two_dimensions(how, monkeypatch):
    if how == "PCA":
        monkeypatch.setitem(sys.modules, "sklearn.manifold", None)
    else:
        pytest.importorskip("sklearn")
    points = np.random.default_rng(0).normal(size=(12, 5))
    placed, name = flattened(points)
    assert (placed.shape, name) == ((12, 2), how)
    assert np.array_equal(placed, flattened(points)[0])


def test_flattened_by_pca_keeps_distances_in_a_plane(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn.manifold", None)
    plane = np.random.default_rng(0).normal(size=(6, 2))
    placed, _ = flattened(plane @ np.array([[1, 1, 0], [1, -1, 0]]) / math.sqrt(2))
    distances = [np.linalg.norm(values[:, None] - values, axis=-1) for values in (placed, plane)]
    assert distances[0] == pytest.approx(distances[1])


def test_explored_quotes_the_best_of_each_iteration(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn.manifold", None)
    svg = figures.to_svg(explored(rising(), "larger_animal"))
    # Iterations have 25 trials; the first trial with the highest score of an iteration is quoted.
    assert [f"text {number}”" in svg for number in (15, 45, 60, 74)] == [True, True, True, False]
    assert svg.count("accuracy 0.") == 3


def test_figures_show_every_method_and_task():
    methods = ("ape", "uniform", "paper", "instructzero")
    found = [
        cell(method, task, {10: 0.5}, instruction=f"{method} says $x$ & <more>")
        for method in methods
        for task in ("taxonomy_animal", "translation_en-fr", "sum")
    ]
    quoted, bars = figures.to_svg(improvements(found)), figures.to_svg(accuracies(found))
    assert all(f"{method} says $x$ &amp; &lt;more&gt;" in quoted for method in methods)
    assert all(text in bars for text in ("InstructZero (repaired)", "translation", "en-fr", "APE"))


def test_figures_of_a_single_method_without_the_quoted_task_are_drawn():
    found = [cell("uniform", "sum", {10: 0.5})]
    assert "<svg" in figures.to_svg(improvements(found))
    assert "<svg" in figures.to_svg(accuracies(found))


def test_top_instructions_label_lines_with_tasks():
    runs = {("paper", task, seed): rising(seed) for task in ("sum", "negation") for seed in range(2)}
    svg = figures.to_svg(top_instructions(runs))
    assert all(text in svg for text in ("sum", "negation", "InstructZero (as published)"))
