from __future__ import annotations

import pytest

from instructzero.models.complaint import Complaint
from instructzero.models.parameters import Parameters

BOTH = {"max_tokens": 7, "temperature": 0.0}


@pytest.mark.parametrize(
    ("complaint", "after"),
    [
        (Complaint("no", "unsupported_parameter", "max_tokens"), {"max_completion_tokens": 7, "temperature": 0.0}),
        (Complaint("no", "unsupported_value", "temperature"), {"max_tokens": 7}),
        (Complaint("`temperature` is deprecated for this model."), {"max_tokens": 7}),
        (Complaint("Unrecognized request argument supplied: temperature"), {"max_tokens": 7}),
        (Complaint("This model doesn't support the parameter temperature"), {"max_tokens": 7}),
        (Complaint("Unsupported parameter: seed"), BOTH),
        (Complaint('[{"loc": ["body", "seed"], "msg": "Extra inputs are not permitted"}]'), BOTH),
    ],
)
def test_learn_changes_the_refused_parameter(complaint: Complaint, after: dict[str, object]) -> None:
    parameters = Parameters("max_tokens")
    assert parameters.learn(400, complaint, parameters.of(7, 0.0, 3))
    assert parameters.of(7, 0.0) == after
    assert ("seed" in parameters.of(7, 0.0, 3)) == (after != BOTH)


def test_seed_is_sent_below_2_to_the_31() -> None:
    parameters = Parameters("max_tokens")
    assert parameters.of(7, 0.0) == BOTH
    assert parameters.of(7, 0.0, 0) == {**BOTH, "seed": 0}
    assert parameters.of(7, 0.0, 2**62 + 5) == {**BOTH, "seed": 5}


def test_learn_from_a_validator_falls_back_to_the_older_name() -> None:
    parameters = Parameters("max_completion_tokens")
    detail = '[{"loc": ["body", "max_completion_tokens"], "msg": "Extra inputs are not permitted"}]'
    assert parameters.learn(422, Complaint(detail), parameters.of(7, 0.0))
    assert parameters.of(7, 0.0) == BOTH


@pytest.mark.parametrize(
    ("status", "complaint"),
    [
        (400, Complaint("temperature must be at most 1", "invalid_value", "temperature")),
        (400, Complaint("the model is not supported")),
        (400, Complaint("unsupported", "unsupported_parameter", "top_p")),
        (500, Complaint("no", "unsupported_parameter", "max_tokens")),
    ],
)
def test_learn_from_other_refusals_changes_nothing(status: int, complaint: Complaint) -> None:
    parameters = Parameters("max_tokens")
    assert not parameters.learn(status, complaint, BOTH)
    assert parameters.of(7, 0.0) == BOTH


def test_learn_ignores_a_refusal_of_a_parameter_that_was_not_sent() -> None:
    parameters = Parameters("max_tokens")
    assert parameters.learn(400, Complaint("unsupported temperature"), BOTH)
    assert not parameters.learn(400, Complaint("unsupported temperature"), parameters.of(7, 0.0))
    assert parameters.learn(400, Complaint("unsupported temperature"), BOTH)  # of a request that was in flight
