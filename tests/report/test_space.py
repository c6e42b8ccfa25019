"""Tests of the map of the search space."""

from dataclasses import replace

import numpy as np
import pytest

from instructzero.report.instructions import numbers_of, rows_of
from instructzero.report.source import read_source
from instructzero.report.space import add_tsne, principal_components, space_of


def test_principal_components_keep_planar_distances_and_give_variance_shares():
    rng = np.random.default_rng(0)
    flat = rng.standard_normal((30, 2)) * [5, 1]
    points = flat @ np.linalg.qr(rng.standard_normal((6, 6)))[0][:2]
    places, explained = principal_components(points)
    assert np.linalg.norm(places[3] - places[7]) == pytest.approx(np.linalg.norm(flat[3] - flat[7]))
    assert sum(explained) == pytest.approx(1)
    assert explained[0] == pytest.approx(places[:, 0].var() / places.var(axis=0).sum())


def test_principal_components_sign_ignores_order_of_points():
    points = np.random.default_rng(1).standard_normal((12, 4))
    places, _ = principal_components(points)
    turned, _ = principal_components(points[::-1])
    assert turned[::-1] == pytest.approx(places)


def test_principal_components_of_one_dimension_give_zero_second_axis():
    places, explained = principal_components(np.array([[0.0], [1.0], [3.0]]))
    assert places[:, 1].tolist() == [0, 0, 0]
    assert explained == [pytest.approx(1), 0]


def test_space_has_every_point_with_those_of_continuations_and_marks_best_of_round(finished):
    source = read_source(finished)
    numbers = numbers_of(rows_of(source))
    space = space_of(source, numbers)
    trials = source.history.trials
    assert [point["evaluation"] for point in space["points"]] == [trial.number + 1 for trial in trials]
    assert space["continued"] == sum(trial.proposal.rewrite is not None for trial in trials) > 0
    for number in {trial.round for trial in trials}:
        (leader,) = [point for point in space["points"] if point["round"] == number and point["leader"]]
        best = max(source.value(trial.instruction) for trial in trials if trial.round == number)
        assert source.value(trials[leader["evaluation"] - 1].instruction) == best


def test_space_leaves_out_texts_that_the_black_box_wrote(finished):
    source = read_source(finished)
    settings = source.settings.model_copy(update={"rewriter": "blackbox"})
    space = space_of(replace(source, settings=settings), numbers_of(rows_of(source)))
    alone = [trial.number + 1 for trial in source.history.trials if trial.proposal.rewrite is None]
    assert [point["evaluation"] for point in space["points"]] == alone
    assert space["continued"] == 0


@pytest.mark.parametrize(("count", "live", "has_tsne"), [(100, True, True), (101, True, False), (101, False, True)])
def test_live_maps_have_no_tsne_of_many_points(count, live, has_tsne):
    points = np.random.default_rng(0).standard_normal((count, 3))
    records = [{} for _ in points]
    add_tsne(records, points, points[:, :2], live=live)
    assert all(("tsne" in record) == has_tsne for record in records)


def test_space_without_effective_points_gives_note(finished):
    source = read_source(finished)
    settings = source.settings.model_copy(update={"method": "opro", "rewriter": "blackbox"})
    history = replace(source.history)
    history.trials = [trial for trial in source.history.trials if trial.proposal.rewrite is not None]
    assert set(space_of(replace(source, settings=settings, history=history), {})) == {"note"}
