"""The variants of the default method differ from it in one decision, and keep the contract of an optimizer."""

import pytest

from benchmarks import variants
from instructzero.optimizers.methods.instructzero import METHOD
from instructzero.optimizers.registry import Materials
from tests.optimizers.test_conformance import SHOWN, evaluated_round, represent, run

MATERIALS = Materials(represent, SHOWN)
ARGUMENTS = {"dimension": 4, "initial": 6, "batch": 5}
NAMES = ["RANDOM", "IMPROVEMENT", "PARENTS"]


def texts(method, seed):
    trials, _ = run(method.make({**ARGUMENTS, "seed": seed}, MATERIALS), rounds=5)
    return [trial.instruction for trial in trials]


@pytest.mark.parametrize("name", NAMES)
def test_variant_begins_as_the_default_and_then_differs(name):
    found, default = ([texts(method, seed) for seed in range(4)] for method in (getattr(variants, name), METHOD))
    assert [run_[:6] for run_ in found] == [run_[:6] for run_ in default]
    assert found != default
    assert found == [texts(getattr(variants, name), seed) for seed in range(4)]


def test_race_variant_leaves_the_decision_to_the_race():
    optimizer = variants.RACE.make({**ARGUMENTS, "seed": 0}, MATERIALS)
    trials, _ = run(optimizer, rounds=2)
    new, _ = evaluated_round(optimizer, trials)
    assert optimizer.promising({trial.instruction: trial.evaluation for trial in new}, 3) is None
    assert texts(variants.RACE, 0) == texts(METHOD, 0)
