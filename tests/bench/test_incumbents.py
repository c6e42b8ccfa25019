"""What a search had found after so many calls."""

import pytest

from instructzero.bench.incumbents import standing_at, steps_of
from instructzero.records.history import History, Round
from instructzero.records.objective import Objective
from instructzero.types import Candidate, Evaluation, Proposal, Trial, Usage, Writing

PLAIN = "plain", Evaluation((0.0, 1.0), ("", ""), Usage(2))


def history(*rounds):
    """Of rounds, each the calls for its texts and trials of (instruction, scores), every score a call."""
    trials, found = [], []
    for number, (written, results) in enumerate(rounds):
        candidates = []
        for text, scores in results:
            candidate = Candidate(Proposal((0.0,)), Writing(text, text))
            evaluation = Evaluation(scores, ("",) * len(scores), Usage(len(scores)))
            trials.append(Trial(len(trials), number, candidate.proposal, candidate.writing, evaluation))
            candidates.append(candidate)
        found.append(Round(number, tuple(candidates), tuple(range(len(candidates))), Usage(written)))
    return History(rounds=found, trials=trials)


def steps(*rounds, plain=PLAIN, penalty=0.0):
    found = steps_of(history(*rounds), plain, 2, Objective(penalty))
    return [(calls, best[0][0]) for calls, best in found]


def test_the_earliest_of_the_best_is_the_incumbent():
    found = steps((0, [("a", (1.0, 1.0)), ("b", (1.0, 1.0))]), (0, [("c", (0.0, 0.0))]))
    assert found == [(0, "plain"), (2, "a"), (4, "a"), (6, "a")]


def test_a_trial_as_good_as_the_plain_instruction_takes_its_place_and_a_worse_one_does_not():
    assert steps((0, [("a", (0.0, 0.0)), ("b", (1.0, 0.0))])) == [(0, "plain"), (2, "plain"), (4, "b")]


def test_what_dropped_out_of_a_race_costs_and_is_no_incumbent():
    assert steps((0, [("a", (1.0,)), ("b", (1.0, 0.5))])) == [(0, "plain"), (3, "b")]


def test_texts_are_paid_before_the_first_trial_of_their_round():
    assert steps((5, [("a", (0.0, 0.0))]), (3, [("b", (1.0, 1.0))])) == [(0, "plain"), (7, "plain"), (12, "b")]


def test_length_counts_as_in_the_search():
    assert steps((0, [("x" * 100, (1.0, 0.6))]), penalty=0.5)[-1] == (2, "plain")


@pytest.mark.parametrize(("budget", "text"), [(1, "plain"), (2, "a"), (3, "a"), (4, "b"), (100, "b")])
def test_the_incumbent_of_a_budget_was_paid_within_it(budget, text):
    found = steps_of(history((0, [("a", (1.0, 0.5)), ("b", (1.0, 1.0))])), PLAIN, 2, Objective())
    assert standing_at(found, budget)[0][0] == text


def test_the_best_stand_in_their_order_once_each_with_the_plain_instruction_after_its_equals():
    trials = [("a", (0.0, 1.0)), ("b", (1.0, 1.0)), ("a", (0.0, 1.0)), ("c", (0.0, 0.0)), ("d", (1.0, 1.0))]
    standings = [best for _, best in steps_of(history((0, trials)), PLAIN, 2, Objective(), limit=4)]
    assert [text for text, _ in standings[-1]] == ["b", "d", "a", "plain"]
    assert [[text for text, _ in best] for best in standings[:3]] == [["plain"], ["a", "plain"], ["b", "a", "plain"]]
