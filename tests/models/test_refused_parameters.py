"""The refusals of many services: which parameter is left out or renamed, and which is a matter of the user's."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from instructzero.errors import RefusedQuestion
from instructzero.models.complaint import Complaint
from instructzero.models.dialects import refused_field
from instructzero.models.parameters import Parameters
from instructzero.models.service import Reply, Service
from tests.models.service_refusals import OWN_FIELDS, REFUSALS, Refusal

ASKED = {"model": "m", "messages": [], "max_tokens": 32, "temperature": 0.0, "seed": 7}
TEMPERATURE = [
    "temperature is not supported",
    "This model only supports temperature=1",
    "`temperature` must be > 0",
    "temperature must be 1",
    "Temperature of 0 is not allowed",
    "Value error, temperature must be in (0, 2]",
    "temperature should be set to 1",
    "Field temperature is fixed at 1.0 for reasoning models",
    "sampling parameters (temperature, top_p) are not supported by reasoning models",
    "The parameter `temperature` cannot be modified for this model",
    "temperature: Input should be greater than 0",
    '[{"loc": ["body", "temperature"], "msg": "ensure this value is greater than 0", "type": "number.not_gt"}]',
    "0 is less than the minimum of 0.1 - 'temperature'",
    "create() got an unexpected keyword argument 'temperature'",
    "temperature is not configurable for this model",
    "do not set temperature",
    "temperature must be a positive number",
    "temperature=0 is invalid",
    "Invalid value for temperature: must be at least 0.01",
    "temperature is forbidden",
    "The value of temperature must be exactly 1",
    "reasoning models reject temperature",
    "temperature: value 0.0 is too low (minimum: 0.01)",
    "temperature is unsupported in this mode",
    "temperature 参数不支持",
    "This model requires temperature to be 1.0",
    "`temperature` has to be a strictly positive float, but is 0.0",
    "temperature can not be zero",
    "Only temperature=1 is supported",
    "temperature needs to be larger than zero",
    "You can't use temperature with this model",
    "temperature must equal 1",
]
SEED = [
    "seed is not supported",
    "Unknown parameter: 'seed'.",
    "seed not allowed",
    "`seed` cannot be used with this model",
    "seed: Extra fields not permitted",
    "invalid seed",
]
LIMIT = [
    "max_tokens is deprecated, use max_completion_tokens",
    "Please use max_completion_tokens instead of max_tokens",
    "'max_tokens' is no longer supported",
    "Unrecognized field max_tokens",
    "max_tokens is not allowed here",
    "invalid parameter: max_tokens. Use max_completion_tokens",
    "This model does not support max_tokens; set max_completion_tokens instead (at most 4096)",
]
VALUES = [
    "max_tokens must be less than 4096",
    "max_tokens 5000 is not supported; maximum is 4096",
    "max_tokens is too large for this model",
    "max_tokens not supported above 4096",
    "max_tokens exceeds limit",
    "invalid max_tokens",
    "Unsupported value: 'max_tokens' must be at most 8",
    "requested max_tokens is unexpected: larger than 512",
    "temperature must be between 0 and 2, and top_p between 0 and 1",
    "temperature too high, max 1",
]
TENTHS = st.integers(0, 20).map(lambda number: number / 10)


def status_of(refusal: Refusal) -> int:
    return 400 if refusal.status == 200 else refusal.status


@pytest.mark.parametrize("refusal", REFUSALS, ids=lambda refusal: f"{refusal.service}-{refusal.learned or 'nothing'}")
def test_parameter_is_learned_from_refusal(refusal: Refusal) -> None:
    own = {name: value for name, value in refusal.sent.items() if name in ("top_p", "thinking")}
    complaint = Complaint.read(refusal.content)
    parameters = Parameters("max_completion_tokens" if "max_completion_tokens" in refusal.sent else "max_tokens", own)
    assert parameters.learn(status_of(refusal), complaint, refusal.request) == refusal.learned
    assert refusal.learned not in parameters.of(300, 0.0, 7) or not refusal.learned


@pytest.mark.parametrize("refusal", OWN_FIELDS, ids=lambda refusal: f"{refusal.service}-{refusal.learned}")
def test_field_of_user_is_found_and_never_learned(refusal: Refusal) -> None:
    complaint = Complaint.read(refusal.content)
    assert refused_field(status_of(refusal), complaint, refusal.request, refusal.sent) == refusal.learned
    assert not Parameters("max_tokens", refusal.sent).learn(status_of(refusal), complaint, refusal.request)


@given(TENTHS, TENTHS, TENTHS)
def test_temperature_is_refused_if_it_is_outside_of_the_named_range(low: float, high: float, value: float) -> None:
    outside = not low <= value <= high
    asked = ASKED | {"temperature": value}
    for message in (
        f"temperature must be between {low} and {high}",
        f"Invalid temperature value, the valid range of temperature is [{low}, {high}]",
        f"`temperature` must be >= {low} and <= {high}, got {value}",
        f"temperature: {low} <= temperature <= {high}",
    ):
        assert refused_field(400, Complaint(message), asked, {}) == ("temperature" if outside else "")


@given(TENTHS, TENTHS, TENTHS)
def test_ends_of_an_open_range_are_refused(low: float, high: float, value: float) -> None:
    outside = not low < value < high
    for message in (
        f"temperature must be in range ({low}, {high})",
        f"temperature has to be greater than {low} and less than {high}",
    ):
        found = refused_field(400, Complaint(message), ASKED | {"temperature": value}, {})
        assert found == ("temperature" if outside else "")


@pytest.mark.parametrize(
    "message",
    [
        "The prompt was flagged: 'Which temperature is not supported by human skin?'",
        "This model's maximum context length is 512 tokens; the unknown text about temperature has 9000 tokens",
        "The model `temperature-9` does not exist",
        "your account is not allowed to use this model",
        "could not parse the JSON body",
    ],
)
def test_refusal_for_another_reason_leaves_the_parameters_alone(message: str) -> None:
    assert refused_field(400, Complaint(message), ASKED, {}) == ""


@pytest.mark.parametrize("status", [401, 403, 404, 429, 500])
def test_other_statuses_refuse_no_parameter(status: int) -> None:
    assert refused_field(status, Complaint("Unsupported parameter: temperature"), ASKED, {}) == ""


@pytest.mark.parametrize("message", TEMPERATURE)
def test_refused_temperature_is_understood_in_many_words(message: str) -> None:
    assert refused_field(400, Complaint(message), ASKED, {}) == "temperature"


@pytest.mark.parametrize("message", SEED)
def test_refused_seed_is_understood_in_many_words(message: str) -> None:
    assert refused_field(422, Complaint(message), ASKED, {}) == "seed"


@pytest.mark.parametrize("message", LIMIT)
def test_refused_name_of_the_limit_is_understood_in_many_words(message: str) -> None:
    assert refused_field(400, Complaint(message), ASKED, {}) == "max_tokens"


@pytest.mark.parametrize("message", VALUES)
def test_refused_value_of_the_limit_and_kept_bounds_refuse_no_name(message: str) -> None:
    assert refused_field(400, Complaint(message), ASKED, {}) == ""


def test_field_that_is_only_a_key_of_the_error_is_not_blamed() -> None:
    raw = '{"error": {"message": "Some tool is not supported"}}'
    body = {"error": {"message": "Provider returned error", "code": 400, "metadata": {"raw": raw}}}
    complaint = Complaint.read(json.dumps(body).encode())
    own = {"metadata": {"team": "search"}}
    assert refused_field(400, complaint, ASKED | own, own) == ""


UNHEARD = [
    "this engine samples at temperature 1.0 and nothing else",
    "temperature: greedy decoding has been retired",
    [{"type": "value_error", "loc": ["body", "temperature"], "msg": "Value error, leave sampling to us", "input": 0}],
]


@pytest.mark.parametrize("detail", UNHEARD)
def test_first_refusal_that_names_the_temperature_counts_in_any_words(detail: object) -> None:
    complaint = Complaint.read(json.dumps({"detail": detail}).encode())
    parameters = Parameters("max_tokens")
    assert parameters.learn(422, complaint, ASKED) == "temperature"
    assert "temperature" not in parameters.of(32, 0.0, 7)


@given(st.sampled_from(VALUES))
def test_first_refusal_of_a_value_of_the_user_is_not_learned(message: str) -> None:
    assert not refused_field(400, Complaint(message), ASKED, {}, untried=True)


def test_later_refusal_that_quotes_a_question_is_no_refusal_of_the_temperature() -> None:
    replies = [Reply(200, {}, b"{}"), Reply(400, {}, b'{"error": {"message": "cannot parse: temperature in Rome?"}}')]
    parameters, service = Parameters("max_tokens"), Service("http://host/v1", "m", "MY_KEY", "")

    async def post(body: Mapping[str, Any]) -> Reply:
        return replies.pop(0)

    asyncio.run(parameters.negotiated(lambda: ASKED, post, service))
    with pytest.raises(RefusedQuestion):
        asyncio.run(parameters.negotiated(lambda: ASKED, post, service))
    assert parameters.takes_temperature


def test_refusals_of_requests_in_flight_are_understood_after_the_first_answer() -> None:
    parameters, service = Parameters("max_tokens"), Service("http://host/v1", "m", "MY_KEY", "")
    refusal = Reply(422, {}, json.dumps({"detail": UNHEARD[0]}).encode())
    answered = asyncio.Event()

    async def post(body: Mapping[str, Any]) -> Reply:
        if "temperature" not in body:
            answered.set()
            return Reply(200, {}, b"{}")
        if body["late"]:
            await answered.wait()
        return refusal

    async def both() -> list[Reply]:
        def sent(late: bool) -> dict[str, Any]:
            return {**parameters.of(32, 0.0), "late": late}

        asked = (parameters.negotiated(partial(sent, late), post, service) for late in (False, True))
        return await asyncio.gather(*asked)

    assert [reply.status for reply in asyncio.run(both())] == [200, 200]
