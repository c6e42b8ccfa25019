from dataclasses import replace

import pytest

from instructzero.bench.comparisons import compare_all
from instructzero.bench.findings import (
    Captioned,
    Drawing,
    difference_words,
    listed,
    loss_table,
    rank_words,
    sections,
    win_table,
)
from instructzero.bench.ranks import Ranking
from instructzero.bench.scores import Scores, scores_at
from tests.bench.synthetic import cell, cells

APART = {"instructzero": [0.9] * 8, "ape": [0.5, 0.6] * 4, "uniform": [0.6, 0.5] * 4}


def scores_of(table):
    return scores_at(cells(table), 100)


def test_words_name_who_ranks_better_and_who_is_not_shown_to():
    words = rank_words(Ranking.of(scores_of({**APART, "capo": [0.89] * 8})), seeds=3)
    assert words == (
        "Over 8 tasks with 3 seeds each, instructzero (1.00) has the best average rank of 4 methods, "
        "before capo (2.00) and ape (3.50). The methods differ (Friedman's test, p < 0.001), two of them when their "
        "ranks are 1.66 apart: "
        "instructzero is shown to rank better than ape and uniform, but not better than capo."
    )


def test_words_say_when_nothing_is_shown():
    words = rank_words(Ranking.of(scores_of({"a": [0.5, 0.6], "b": [0.6, 0.5], "c": [0.5, 0.5]})), seeds=1)
    assert "with 1 seed each" in words
    assert "That may be chance: no method is shown to rank better than another (Friedman's test, p = " in words


def test_a_shared_first_place_is_said():
    words = rank_words(Ranking.of(scores_of({"a": [0.5, 0.6], "b": [0.6, 0.5]})), seeds=1)
    assert words == (
        "Over 2 tasks with 1 seed each, a (1.50) and b (1.50) share the best average rank of 2 methods. "
        "That may be chance: no method is shown to rank better than another (sign test, p = 1.000)."
    )


def test_words_on_the_mean_scores_follow_the_verdicts():
    scores = scores_of({**APART, "capo": [0.95] * 8, "opro": [1.0, 0.8] * 4})
    words = difference_words(scores, compare_all(scores, "instructzero"))
    assert words == (
        "The mean test score of instructzero is 0.900: better than ape (+0.350) and uniform (+0.350); worse than "
        "capo (-0.050); not shown to differ from opro (+0.000)."
    )


def test_the_confirmation_is_told_where_there_was_one():
    without = cells(APART)
    confirmed = [replace(each, marks=tuple(replace(mark, confirmation=0.5) for mark in each.marks)) for each in without]
    told = [any("confirmation" in str(part) for part in sections(found)[0].parts) for found in (without, confirmed)]
    assert told == [False, True]


def test_few_tasks_are_said_to_be_few():
    scores = scores_of({"instructzero": [0.9] * 3, "ape": [0.1] * 3})
    assert "Fewer than 6 tasks cannot show any difference." in difference_words(scores, compare_all(scores, "ape"))


def test_wins_are_told_from_shared_ones_and_from_draws_of_all():
    scores = Scores(("a", "b", "c"), ("x", "y", "z"), ((0.9, 0.1, 0.2), (0.5, 0.5, 0.2), (0.3, 0.3, 0.3)))
    assert [row[1:] for row in win_table(scores).rows] == [
        ("1", "x", "1", "y"),
        ("0", "", "1", "y"),
        ("0", "", "0", ""),
    ]


def test_losses_name_the_task_the_gap_and_the_rivals():
    scores = Scores(("instructzero", "a", "b"), ("x", "y", "z"), ((0.5, 0.6, 0.8), (0.9, 0.95, 0.1), (0.5, 0.5, 0.4)))
    assert loss_table(scores, "instructzero").rows == (
        ("x", "0.500", "0.300", "b 0.800, a 0.600"),
        ("y", "0.900", "0.050", "a 0.950"),
    )


def test_every_budget_of_every_pair_of_models_has_a_section():
    found = [
        cell(method, f"t{number}", {10: 0.1, 1000: 0.2 * place}, models=models)
        for models in ("small", "large")
        for place, method in enumerate(["instructzero", "ape"])
        for number in range(2)
    ]
    assert [section.title for section in sections(found)] == [
        "large, 10 calls", "large, 1,000 calls", "large, cost and time",
        "small, 10 calls", "small, 1,000 calls", "small, cost and time",
    ]  # fmt: skip


def test_a_section_has_words_tables_and_figures():
    (section, _) = sections(cells(APART))
    drawings = [part.name for part in section.parts if isinstance(part, Drawing)]
    assert drawings == ["embedded-100-ranks", "embedded-100-curves", "embedded-100-tasks"]
    assert "No rival beats instructzero on any task." in section.parts
    assert sum(isinstance(part, Captioned) for part in section.parts) == 5


def test_runs_that_cannot_be_compared_are_counted():
    (section, _) = sections([*cells({"a": [0.1, 0.2], "b": [0.3]})])
    assert section.parts[0].startswith("Compared are 2 of 3 finished runs")


def test_without_a_common_task_only_that_is_said():
    (section, _) = sections([cell("a", "x", {10: 0.1}), cell("b", "y", {10: 0.1})])
    assert len(section.parts) == 1


def test_a_method_alone_is_reported_without_comparisons():
    (section, _) = sections(cells({"a": [0.1, 0.2]}))
    assert [part.name for part in section.parts if isinstance(part, Drawing)] == [
        "embedded-100-curves",
        "embedded-100-tasks",
    ]


@pytest.mark.parametrize(("names", "text"), [([], ""), (["a"], "a"), (["a", "b"], "a and b")])
def test_lists_read_as_in_a_sentence(names, text):
    assert listed(names) == text
