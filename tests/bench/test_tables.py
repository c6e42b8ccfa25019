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


def test_markdown_has_best_values_bold_and_escapes_bars():
    table = Table(("task", "a|b"), (("x\ny", "0.5"), ("z", "0.25")), frozenset({(0, 1)}))
    assert table.markdown().splitlines() == ["| task | a\\|b |", "| --- | ---: |", "| x y | **0.5** |", "| z | 0.25 |"]


def test_csv_is_read_back_unchanged():
    table = Table(("task", "a"), (('say "hi", then\nleave', "0.5"),))
    assert list(csv.reader(io.StringIO(table.csv()))) == [list(table.header), *map(list, table.rows)]


def test_table_with_row_of_wrong_length_raises_error():
    with pytest.raises(ValueError, match="2 values in every row"):
        Table(("task", "a"), (("x",),))


def test_rows_hold_one_row_per_mark():
    found = rows([cell("a", "x", {10: 0.5, 20: 0.75}, seed=3, instruction="Say so.", usd=None)])
    records = [dict(zip(ROW, row, strict=True)) for row in found]
    assert [(record["budget"], record["test"], record["instruction"]) for record in records] == [
        (0, 0.1, "plain words"),
        (10, 0.5, "Say so."),
        (20, 0.75, "Say so."),
    ]
    assert {record["seed"] for record in records} == {3}
    assert {record["usd"] for record in records} == {None}
    assert to_csv(found).splitlines()[0] == "embedded,a,x,3,0,0.1,,0.1,20,1000,100,,12.0,plain words"


def test_task_table_ends_with_means_and_ranks():
    table = task_table(cells({"instructzero": [0.9, 0.5, 0.4], "ape": [0.8, 0.5, 0.6]}), 100)
    assert table.header == ("task", "instructzero", "ape", "plain")
    assert table.rows == (
        ("task-0", "0.900", "0.800", "0.100"),
        ("task-1", "0.500", "0.500", "0.100"),
        ("task-2", "0.400", "0.600", "0.100"),
        ("mean", "0.600", "0.633", "0.100"),
        ("average rank", "1.50", "1.50", ""),
    )
    assert table.best == {(0, 1), (2, 2)}  # no value is the best if all are equal


def test_pair_table_counts_for_the_method_of_the_row():
    table = pair_table(scores_at(cells({"instructzero": [0.9, 0.5, 0.4], "ape": [0.8, 0.5, 0.6]}), 100))
    assert table.rows == (("instructzero", "", "1–1–1"), ("ape", "1–1–1", ""))


def test_difference_table_has_verdicts():
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
    assert [row[-1] for row in table.rows] == ["better", "worse", "not significant", "not significant"]
    assert table.rows[0][:5] == ("b", "+0.100", "+0.050 to +0.150", "0.001", "5–1–2")


def test_reach_table_has_calls_or_never():
    table = reach_table([Reach("a", "b", 0.75, 1200, 2400), Reach("b", "a", 0.9, None, 2100)])
    assert table.rows == (("a", "b", "0.750", "2,400", "1,200"), ("b", "a", "0.900", "2,100", "never"))


def test_cost_table_with_unknown_price_says_unknown():
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
def test_p_value_of_small_values_is_a_bound(value, text):
    assert p_value(value) == text
