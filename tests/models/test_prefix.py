"""Groups of prompts with a common beginning, which is read once."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from instructzero.models.prefix import cluster, common_length

ROWS = st.lists(st.lists(st.integers(0, 2), min_size=1, max_size=12).map(tuple), max_size=12).map(sorted)


@settings(max_examples=200, deadline=None)
@given(rows=ROWS)
def test_groups_hold_all_rows_in_order_with_their_common_beginning(rows: list[tuple[int, ...]]) -> None:
    groups = cluster(rows)
    assert sum(count for _, _, count in groups) == len(rows)
    start = 0
    for first, length, count in groups:
        members = rows[start : start + count]
        assert members[0] == first
        assert all(row[:length] == first[:length] and len(row) > length for row in members)
        start += count


@settings(max_examples=100, deadline=None)
@given(rows=ROWS)
def test_groups_never_cost_more_tokens_than_the_rows_have(rows: list[tuple[int, ...]]) -> None:
    saved = sum(length * (count - 1) for _, length, count in cluster(rows))
    assert 0 <= saved < max(1, sum(map(len, rows)))


def test_a_long_common_beginning_does_not_hide_those_of_the_groups() -> None:
    rows = [(*range(20), *[30 + group] * 12, 50 + number) for group in range(3) for number in range(4)]
    assert [(length, count) for _, length, count in cluster(rows)] == [(32, 4)] * 3


def test_a_short_common_beginning_does_not_join_strangers() -> None:
    assert [count for _, _, count in cluster([(1, 2, 3, 4, 5, 6), (1, 9, 9, 9, 9, 9)])] == [1, 1]


def test_common_length_leaves_a_token_of_each_row() -> None:
    assert common_length((1, 2, 3), (1, 2, 3)) == 2
    assert common_length((1, 2), (1, 2, 3, 4)) == 1
    assert common_length((1,), (1, 2)) == 0
