"""Settings from environment variables: those that exist are used, others are named in a warning without their value."""

import pytest

from instructzero.config import Settings
from instructzero.config.environment import Environment, variable_of


def test_every_setting_has_a_variable():
    values = {name: f"value of {name}" for name in (*Settings.model_fields, "out")}
    found = Environment.read({variable_of(name): value for name, value in values.items()})
    assert found == Environment(values)


def test_other_variables_and_empty_ones_are_ignored():
    found = Environment.read({"HOME": "/", "INSTRUCTZERO": "x", "_INSTRUCTZERO_COMPLETE": "x", "INSTRUCTZERO_SEED": ""})
    assert found == Environment({})


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("INSTRUCTZERO_MAX_UDS", "did you mean INSTRUCTZERO_MAX_USD?"),
        ("INSTRUCTZERO_BLACK_BOX", "did you mean INSTRUCTZERO_BLACKBOX?"),
        ("INSTRUCTZERO_ZZZ", "'instructzero run --help' lists the settings"),
        ("INSTRUCTZERO_API_KEY", "keys are read from the variables of their services"),
        ("INSTRUCTZERO_WRITER_TOKEN", "keys are read from the variables of their services"),
    ],
)
def test_unknown_variable_is_named_with_the_nearest_one_and_without_its_value(name, hint):
    found = Environment.read({name: "hunter2"})
    (warning,) = found.warnings
    assert warning.startswith(f"{name} is no setting")
    assert hint in warning
    assert "hunter2" not in warning
    assert not found.values


def test_variable_of_the_tests_is_known():
    assert Environment.read({"INSTRUCTZERO_BENCHMARK_DATA": "/data"}) == Environment({})
