"""Settings become a method with its parts."""

import pytest

import instructzero
from instructzero.build import build_optimizer
from instructzero.config import make_settings
from instructzero.errors import ConfigurationError
from instructzero.models.scripted import ScriptedBlackBox, ScriptedWriter, obey

PARTS = [
    {"kernel": "standard"},
    {"kernel": "coupled"},
    {"similarity": "exact_match"},
    {"similarity": "f1"},
    {"noise": "fitted"},
    {"lengthscale": "prior"},
    {"acquisition": "ei"},
    {"maximiser": "cma"},
    {"maximiser": "gradient"},
    {"candidates": 1},
    {"batch_choice": "best"},
    {"batch_choice": "thompson"},
    {"preimages": True},
    {"geometry": "box"},
    {"soft_scale": 0.1},
    {"dimension": 5},
    {"soft_tokens": 3},
]


@pytest.mark.parametrize("part", PARTS, ids=lambda part: "-".join(map(str, *part.items())))
def test_every_part_of_the_search_is_one_setting_away(scripted, tmp_path, part):
    """A run with the part ends as any other: nothing twice, the best found among what was evaluated."""
    settings = {name: value for name, value in scripted.items() if name not in ("task", "writer", "blackbox")}
    result = instructzero.optimize(
        scripted["task"],
        writer=ScriptedWriter(),
        blackbox=ScriptedBlackBox(obey),
        directory=tmp_path / "run",
        **{**settings, "evaluations": 7, **part},
    )
    assert result.validation_score == max(trial.score for trial in result.trials)
    assert len(result.trials) <= 7


def test_a_part_changes_what_is_asked_for():
    plain, other = (make_settings({"task": "sum", **parts}) for parts in ({}, {"initial": 7}))
    assert len(build_optimizer(plain).ask(100)) == 40
    assert len(build_optimizer(other).ask(100)) == 14


def test_the_paper_is_left_as_it_is():
    assert len(build_optimizer(make_settings({"task": "sum", "method": "paper"})).ask(100)) == 25


def test_uniform_refuses_parts_that_it_does_not_have():
    settings = make_settings({"task": "sum", "method": "uniform", "kernel": "standard"})
    with pytest.raises(ConfigurationError, match="'uniform' has no kernel, got 'standard'; leave --kernel out"):
        build_optimizer(settings)
