"""The surrogate's belief before a round, and what came out."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from instructzero.bo.surrogate import standardise
from instructzero.optimizers import REPAIRED, InstructZero
from instructzero.report.belief import MOST_FITS, belief_of
from instructzero.report.instructions import numbers_of, rows_of
from instructzero.report.source import read_source
from instructzero.types import Evaluation, Proposal, Trial, Writing


def trial(number, point, scores):
    text = f"text {number}"
    return Trial(number, 0, Proposal(tuple(point)), Writing(text, text), Evaluation(scores, ("",) * len(scores)))


def test_it_is_the_surrogates_posterior_on_the_scale_of_the_scores():
    rng = np.random.default_rng(0)
    points = rng.standard_normal((8, 3))
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    trials = [trial(n, z, tuple(float(n > k) for k in range(8))) for n, z in enumerate(points)]
    optimizer = InstructZero(dimension=3, seed=0, options=REPAIRED)
    optimizer.tell(trials)
    means, doubts = optimizer.belief(points[:2])
    values = torch.tensor([each.score for each in trials], dtype=torch.float64)
    standard, variance = optimizer._fitted().posterior(torch.from_numpy(points[:2]))
    assert standardise(values).std().item() == pytest.approx(1)
    assert means == pytest.approx((values.mean() + values.std() * standard).numpy())
    assert doubts == pytest.approx((values.std() * variance.sqrt()).numpy())


def test_of_equal_scores_it_is_that_score():
    optimizer = InstructZero(dimension=2, seed=0, options=REPAIRED)
    optimizer.tell([trial(n, (n / 4, 1.0), (1.0, 0.0)) for n in range(4)])
    means, doubts = optimizer.belief(np.array([[0.1, 1.0]]))
    assert means == pytest.approx([0.5], abs=1e-6)
    assert np.isfinite(doubts).all()


def test_each_outcome_is_the_score_of_its_evaluation_and_is_counted(finished):
    source = read_source(finished)
    rows = rows_of(source)
    belief = belief_of(source, numbers_of(rows))
    assert belief["points"]
    for point in belief["points"]:
        found = source.history.trials[point["evaluation"] - 1]
        assert (point["round"], point["outcome"]) == (found.round, found.score)
        assert rows[point["row"]]["text"] == found.instruction
        assert point["sd"] > point["doubt"]
    off = [abs(point["outcome"] - point["mean"]) / point["sd"] for point in belief["points"]]
    assert belief["within"] == sum(each <= 1 for each in off)
    assert belief["within_two"] == sum(each <= 2 for each in off)


def test_it_depends_on_nothing_that_came_later(finished):
    source = read_source(finished)
    numbers = numbers_of(rows_of(source))
    whole = belief_of(source, numbers)
    first = whole["rounds"][0]
    history = replace(source.history, rounds=source.history.rounds[: first + 1])
    history.trials = [each for each in source.history.trials if each.round <= first]
    early = belief_of(replace(source, history=history), numbers)
    assert early["points"] == [point for point in whole["points"] if point["round"] == first]


def test_a_long_run_is_sampled(finished):
    source = read_source(finished)
    assert len(belief_of(source, numbers_of(rows_of(source)))["rounds"]) <= MOST_FITS


@pytest.mark.parametrize("method", ["uniform", "zopo", "evoprompt-ga"])
def test_a_method_without_such_a_surrogate_says_so(finished, method):
    source = read_source(finished)
    settings = source.settings.model_copy(update={"method": method, "initial": None, "batch": None})
    assert method in belief_of(replace(source, settings=settings), {})["note"]
