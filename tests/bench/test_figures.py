import re
from collections import Counter
from itertools import pairwise
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from instructzero.bench import figures
from instructzero.bench.ranks import Ranking
from instructzero.bench.scores import scores_at
from tests.bench.synthetic import cells

TABLE = {"instructzero": [0.9, 0.5, 0.4], "ape <b>$x$</b>": [0.8, 0.55, 0.6], "uniform": [0.2, 0.5, 0.3]}


def drawn(table):
    found = cells(table)
    scores = scores_at(found, 100)
    return {
        "curves": figures.anytime_curves(found, 100),
        "tasks": figures.heat_map(scores),
        **({"ranks": figures.critical_difference_diagram(Ranking.of(scores))} if len(table) > 1 else {}),
    }


@pytest.mark.parametrize("name", ["curves", "tasks", "ranks"])
def test_to_svg_has_every_method_as_text_and_the_colours_of_the_page(name):
    svg = figures.to_svg(drawn(TABLE)[name])
    texts = [element.text for element in ElementTree.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")]
    for method in TABLE:
        assert any(figures.short(method) in (text or "") for text in texts), texts
    assert figures.INK not in svg
    assert "currentColor" in svg
    ids = Counter(re.findall(r'\bid="([^"]+)"', svg))
    assert max(ids.values(), default=1) == 1


def test_to_svg_has_only_ids_that_are_referenced():
    svg = figures.to_svg(drawn(TABLE)["curves"])
    assert all(f"#{name}" in svg for name in re.findall(r'\bid="([^"]+)"', svg))


def test_figures_of_one_method_on_one_task_are_drawn():
    for figure in drawn({"a": [0.5]}).values():
        assert figures.to_svg(figure).startswith("<svg")


def test_looks_of_twelve_methods_are_distinct():
    looks = figures.looks([f"method {number}" for number in range(12)])
    assert len({(look["color"], str(look["linestyle"])) for look in looks.values()}) == 12


def test_interval_halves_remove_the_difficulty_of_tasks():
    gap = np.array([0.1, -0.1, 0.1, -0.1])
    hard = np.array([0.0, 0.3, 0.6, 0.9])
    values = np.stack([hard + 0.1 + gap / 2, hard - gap / 2], axis=1)[:, :, None]
    halves = figures.interval_halves(values)
    # Half the difference of the pair varies; with k = 2 each band is that of half the difference, times √2.
    expected = 1.96 * np.std(gap / 2 + 0.05, ddof=1) / 2 * np.sqrt(2)
    assert halves == pytest.approx(np.full((2, 1), expected))


def test_interval_halves_of_a_single_task_are_zero():
    assert figures.interval_halves(np.full((1, 3, 2), 0.5)).tolist() == [[0, 0]] * 3


def test_interval_halves_of_a_single_method_are_those_of_its_mean():
    values = np.array([0.2, 0.4, 0.9])[:, None, None]
    assert figures.interval_halves(values) == pytest.approx(1.96 * np.std([0.2, 0.4, 0.9], ddof=1) / np.sqrt(3))


@settings(deadline=None, max_examples=100)
@given(st.lists(st.floats(0, 1), max_size=12).map(sorted), st.floats(0.01, 0.08))
def test_spread_keeps_order_and_gap_and_moves_little(places, gap):
    moved = figures.spread(places, gap=gap, low=0, high=1)
    assert all(after - before >= gap - 1e-9 for before, after in pairwise(moved))
    if moved:
        assert min(moved) >= -1e-9
        assert max(moved) <= 1 + 1e-9
        assert max(abs(one - other) for one, other in zip(moved, places, strict=True)) <= gap * len(places)


def test_short_cuts_long_names():
    assert figures.short("a" * 24) == "a" * 24
    assert figures.short("a" * 25) == "a" * 23 + "…"


def test_spread_keeps_places_that_have_room():
    assert figures.spread([0.1, 0.5, 0.9], gap=0.1, low=0, high=1) == [0.1, 0.5, 0.9]
    assert figures.spread([], gap=0.1, low=0, high=1) == []
