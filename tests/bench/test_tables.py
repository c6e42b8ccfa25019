import csv
import io

import pytest

from instructzero.bench.comparisons import Comparison, Reach
from instructzero.bench.scores import scores_at
from instructzero.bench.tables import (
    ROW,
    Table,
    cost_table,
    difference_table,
    p_value,
    pair_table,
    reach_table,
    rows,
    task_table,
    to_csv,
)
from tests.bench.synthetic import cell, cells


def test_markdown_has_the_best_in_bold_and_no_stray_bars():
    table = Table(("task", "a|b"), (("x\ny", "0.5"), ("z", "0.25")), frozenset({(0, 1)}))
    assert table.markdown().splitlines() == ["| task | a\\|b |", "| --- | ---: |", "| x y | **0.5** |", "| z | 0.25 |"]


def test_csv_reads_back():
    table = Table(("task", "a"), (('say "hi", then\nleave', "0.5"),))
    assert list(csv.reader(io.StringIO(table.csv()))) == [list(table.header), *map(list, table.rows)]


def test_a_row_of_another_length_is_refused():
    with pytest.raises(ValueError, match="2 values in every row"):
        Table(("task", "a"), (("x",),))


def test_rows_name_what_each_mark_found():
    found = rows([cell("a", "x", {10: 0.5, 20: 0.75}, seed=3, instruction="Say so.", usd=None)])
    records = [dict(zip(ROW, row, strict=True)) for row in found]
    assert [(each["budget"], each["test"], each["instruction"]) for each in records] == [
        (0, 0.1, "plain words"),
        (10, 0.5, "Say so."),
        (20, 0.75, "Say so."),
    ]
    assert {each["seed"] for each in records} == {3}
    assert {each["usd"] for each in records} == {None}
    assert to_csv(found).splitlines()[0] == "embedded,a,x,3,0,0.1,,0.1,20,1000,100,,12.0,plain words"


def test_the_task_table_ends_with_means_and_ranks():
    table = task_table(cells({"instructzero": [0.9, 0.5, 0.4], "ape": [0.8, 0.5, 0.6]}), 100)
    assert table.header == ("task", "instructzero", "ape", "plain")
    assert table.rows == (
        ("task-0", "0.900", "0.800", "0.100"),
        ("task-1", "0.500", "0.500", "0.100"),
        ("task-2", "0.400", "0.600", "0.100"),
        ("mean", "0.600", "0.633", "0.100"),
        ("average rank", "1.50", "1.50", ""),
    )
    assert table.best == {(0, 1), (2, 2)}  # where all are equal, none is the best


def test_pairs_are_counted_from_the_row_s_side():
    table = pair_table(scores_at(cells({"instructzero": [0.9, 0.5, 0.4], "ape": [0.8, 0.5, 0.6]}), 100))
    assert table.rows == (("instructzero", "", "1–1–1"), ("ape", "1–1–1", ""))


def test_verdicts_say_what_is_shown():
    def pair(difference, low, high, p_value):
        return Comparison("a", "b", 5, 1, 2, difference, low, high, p_value)

    table = difference_table(
        [
            pair(0.1, 0.05, 0.15, 0.001),
            pair(-0.1, -0.2, -0.05, 0.01),
            pair(0.1, 0.01, 0.2, 0.2),
            pair(0.1, -0.1, 0.2, 0.01),
        ]
    )
    assert [row[-1] for row in table.rows] == ["better", "worse", "not shown", "not shown"]
    assert table.rows[0][:5] == ("b", "+0.100", "+0.050 to +0.150", "0.001", "5–1–2")


def test_calls_to_reach_are_said_or_never():
    table = reach_table([Reach("a", "b", 0.75, 1200, 2400), Reach("b", "a", 0.9, None, 2100)])
    assert table.rows == (("a", "b", "0.750", "2,400", "1,200"), ("b", "a", "0.900", "2,100", "never"))


def test_a_cost_that_is_not_known_is_not_averaged():
    found = [
        cell("a", "x", {10: 0.5}, usd=0.5),
        cell("a", "y", {30: 0.5}, usd=1.5),
        cell("b", "x", {10: 0.5}, usd=None),
    ]
    assert cost_table(found).rows == (
        ("a", "2", "20", "1,100", "$1.0000", "12.0"),
        ("b", "1", "10", "1,100", "unknown", "12.0"),
    )


@pytest.mark.parametrize(("value", "text"), [(0.0004, "< 0.001"), (0.0412, "0.041"), (1.0, "1.000")])
def test_small_p_values_are_bounded(value, text):
    assert p_value(value) == text
