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


def test_rank_words_name_methods_ranked_significantly_worse_and_the_others():
    words = rank_words(Ranking.of(scores_of({**APART, "capo": [0.89] * 8})), seeds=3)
    assert words == (
        "Over 8 tasks with 3 seeds each, instructzero (1.00) has the best average rank of 4 methods, "
        "followed by capo (2.00) and ape (3.50). The methods differ significantly (Friedman test, p < 0.001); two of "
        "them do if their ranks are at least 1.66 apart (Nemenyi test). "
        "instructzero ranks significantly better than ape and uniform, but not better than capo."
    )


def test_rank_words_without_significant_difference_say_so():
    words = rank_words(Ranking.of(scores_of({"a": [0.5, 0.6], "b": [0.6, 0.5], "c": [0.5, 0.5]})), seeds=1)
    assert "with 1 seed each" in words
    assert "The methods do not differ significantly (Friedman test, p = " in words


def test_rank_words_name_methods_that_share_the_first_place():
    words = rank_words(Ranking.of(scores_of({"a": [0.5, 0.6], "b": [0.6, 0.5]})), seeds=1)
    assert words == (
        "Over 2 tasks with 1 seed each, a (1.50) and b (1.50) share the best average rank of 2 methods. "
        "The methods do not differ significantly (sign test, p = 1.000)."
    )


def test_difference_words_group_methods_by_verdict():
    scores = scores_of({**APART, "capo": [0.95] * 8, "opro": [1.0, 0.8] * 4})
    words = difference_words(scores, compare_all(scores, "instructzero"))
    assert words == (
        "The mean test score of instructzero is 0.900: significantly higher than that of ape (+0.350) and uniform "
        "(+0.350); significantly lower than that of capo (-0.050); not significantly different from that of opro "
        "(+0.000)."
    )


def test_sections_explain_the_confirmation_only_if_there_is_one():
    without = cells(APART)
    confirmed = [
        replace(found, marks=tuple(replace(mark, confirmation=0.5) for mark in found.marks)) for found in without
    ]
    explained = [
        any("confirmation" in str(part) for part in sections(found)[0].parts) for found in (without, confirmed)
    ]
    assert explained == [False, True]


def test_difference_words_with_few_tasks_say_so():
    scores = scores_of({"instructzero": [0.9] * 3, "ape": [0.1] * 3})
    assert "With fewer than 6 tasks no difference can be significant." in difference_words(
        scores, compare_all(scores, "ape")
    )


def test_win_table_separates_wins_from_shared_wins_and_ties_of_all():
    scores = Scores(("a", "b", "c"), ("x", "y", "z"), ((0.9, 0.1, 0.2), (0.5, 0.5, 0.2), (0.3, 0.3, 0.3)))
    assert [row[1:] for row in win_table(scores).rows] == [
        ("1", "x", "1", "y"),
        ("0", "", "1", "y"),
        ("0", "", "0", ""),
    ]


def test_loss_table_lists_task_gap_and_rivals():
    scores = Scores(("instructzero", "a", "b"), ("x", "y", "z"), ((0.5, 0.6, 0.8), (0.9, 0.95, 0.1), (0.5, 0.5, 0.4)))
    assert loss_table(scores, "instructzero").rows == (
        ("x", "0.500", "0.300", "b 0.800, a 0.600"),
        ("y", "0.900", "0.050", "a 0.950"),
    )


def test_sections_cover_every_budget_of_every_pair_of_models():
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


def test_sections_have_text_tables_and_figures():
    (section, _) = sections(cells(APART))
    drawings = [part.name for part in section.parts if isinstance(part, Drawing)]
    assert drawings == ["embedded-100-ranks", "embedded-100-curves", "embedded-100-tasks"]
    assert "No rival scores higher than instructzero on any task." in section.parts
    assert sum(isinstance(part, Captioned) for part in section.parts) == 5


def test_sections_count_runs_that_cannot_be_compared():
    (section, _) = sections([*cells({"a": [0.1, 0.2], "b": [0.3]})])
    assert section.parts[0].startswith("The comparison covers 2 of 3 finished runs")


def test_sections_without_common_task_say_only_that():
    (section, _) = sections([cell("a", "x", {10: 0.1}), cell("b", "y", {10: 0.1})])
    assert len(section.parts) == 1


def test_sections_of_a_single_method_have_no_comparisons():
    (section, _) = sections(cells({"a": [0.1, 0.2]}))
    assert [part.name for part in section.parts if isinstance(part, Drawing)] == [
        "embedded-100-curves",
        "embedded-100-tasks",
    ]


@pytest.mark.parametrize(("names", "text"), [([], ""), (["a"], "a"), (["a", "b"], "a and b")])
def test_listed_joins_names_as_in_a_sentence(names, text):
    assert listed(names) == text
