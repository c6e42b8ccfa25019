"""Tests of the surrogate's predictions before a round, and of the observed scores."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from instructzero.bo.surrogate import standardise
from instructzero.optimizers import REPAIRED, InstructZero
from instructzero.report.belief import MAX_FITS, belief_of
from instructzero.report.instructions import numbers_of, rows_of
from instructzero.report.source import read_source
from instructzero.types import Candidate, Evaluation, Proposal, Trial, Writing


def trial(number, point, scores):
    text = f"text {number}"
    return Trial(number, 0, Proposal(tuple(point)), Writing(text, text), Evaluation(scores, ("",) * len(scores)))


def at(point):
    return Candidate(Proposal(tuple(point)), Writing("a new text", "a new text"))


def test_belief_equals_surrogate_posterior_on_score_scale():
    rng = np.random.default_rng(0)
    points = rng.standard_normal((8, 3))
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    trials = [trial(n, z, tuple(float(n > k) for k in range(8))) for n, z in enumerate(points)]
    optimizer = InstructZero(dimension=3, seed=0, options=REPAIRED)
    optimizer.tell(trials)
    means, doubts = optimizer.belief([at(point) for point in points[:2]])
    values = torch.tensor([trial.score for trial in trials], dtype=torch.float64)
    standard, variance = optimizer._fitted().posterior(torch.from_numpy(points[:2]))
    assert standardise(values).std().item() == pytest.approx(1)
    assert means == pytest.approx((values.mean() + values.std() * standard).numpy())
    assert doubts == pytest.approx((values.std() * variance.sqrt()).numpy())


def test_belief_of_equal_scores_is_that_score():
    optimizer = InstructZero(dimension=2, seed=0, options=REPAIRED)
    optimizer.tell([trial(n, (n / 4, 1.0), (1.0, 0.0)) for n in range(4)])
    means, doubts = optimizer.belief([at((0.1, 1.0))])
    assert means == pytest.approx([0.5], abs=1e-6)
    assert np.isfinite(doubts).all()


def test_belief_of_outcomes_matches_journal_and_counts_hits(finished):
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
    assert belief["within"] == sum(distance <= 1 for distance in off)
    assert belief["within_two"] == sum(distance <= 2 for distance in off)


def test_belief_of_default_method_covers_continued_texts(finished):
    source = read_source(finished)
    belief = belief_of(source, numbers_of(rows_of(source)))
    shown = [trial for trial in source.history.trials if trial.round in belief["rounds"]]
    assert [point["evaluation"] for point in belief["points"]] == [trial.number + 1 for trial in shown]
    assert any(trial.proposal.rewrite is not None for trial in shown)


def test_belief_of_round_ignores_later_rounds(finished):
    source = read_source(finished)
    numbers = numbers_of(rows_of(source))
    whole = belief_of(source, numbers)
    first = whole["rounds"][0]
    history = replace(source.history, rounds=source.history.rounds[: first + 1])
    history.trials = [trial for trial in source.history.trials if trial.round <= first]
    early = belief_of(replace(source, history=history), numbers)
    assert early["points"] == [point for point in whole["points"] if point["round"] == first]


def test_belief_of_long_run_fits_at_most_max_fits(finished):
    source = read_source(finished)
    assert len(belief_of(source, numbers_of(rows_of(source)))["rounds"]) <= MAX_FITS


@pytest.mark.parametrize("method", ["uniform", "zopo", "evoprompt-ga"])
def test_belief_of_method_without_surrogate_gives_note(finished, method):
    source = read_source(finished)
    settings = source.settings.model_copy(update={"method": method, "initial": None, "batch": None})
    assert method in belief_of(replace(source, settings=settings), {})["note"]
