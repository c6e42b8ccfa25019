"""Waits that services ask for; the refusals are those of real services, as users reported them."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from instructzero.errors import TransientError
from instructzero.models.complaint import Complaint
from instructzero.models.service import Service
from instructzero.models.waits import clock, duration, in_words, seconds_asked, seconds_to_wait

SERVICE = Service("https://host/v1", "m", "MY_KEY", "")
GEMINI = (
    "You exceeded your current quota, please check your plan and billing details. For more information on this error, "
    "head to: https://ai.google.dev/gemini-api/docs/rate-limits.\n* Quota exceeded for metric: "
    "generativelanguage.googleapis.com/generate_content_free_tier_requests, limit: 20\nPlease retry in 36.429760048s."
)


def refused(body: Any, headers: dict[str, str] | None = None, status: int = 429) -> TransientError:
    error = SERVICE.failure(status, headers or {}, Complaint.read(json.dumps(body).encode()))
    assert isinstance(error, TransientError)
    return error


def gemini(quota: str, message: str = GEMINI) -> dict[str, Any]:
    violation = {"quotaMetric": "generate_content_free_tier_requests", "quotaId": quota, "quotaValue": "20"}
    details = [
        {"@type": "type.googleapis.com/google.rpc.QuotaFailure", "violations": [violation]},
        {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "36s"},
    ]
    return {"error": {"code": 429, "message": message, "status": "RESOURCE_EXHAUSTED", "details": details}}


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "20"}, 20.0),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after-ms": "1500", "retry-after": "9"}, 1.5),
        ({"retry-after-ms": "soon", "retry-after": "9"}, 9.0),
        ({"retry-after": "-3"}, 0.0),
        ({"retry-after": "Wed, 21 Oct 2015 07:28:30 GMT", "date": "Wed, 21 Oct 2015 07:28:00 GMT"}, 30.0),
        ({"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}, 0.0),
        ({"retry-after-ms": "25200000"}, 25200.0),
        ({"retry-after": "30s"}, 30.0),
        ({"retry-after": "1h30m"}, 5400.0),
        ({"retry-after": "1e300"}, None),
        ({"retry-after": "Wed, 21 Oct 2099 07:28:30 GMT", "date": "Wed, 21 Oct 2015 07:28:00 GMT"}, None),
        ({"retry-after": "inf"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "later"}, None),
        ({"retry-after": ""}, None),
        ({}, None),
    ],
)
def test_seconds_to_wait_reads_all_forms_of_retry_after(headers: dict[str, str], seconds: float | None) -> None:
    assert seconds_to_wait(headers) == seconds


@pytest.mark.parametrize("wrapped", [False, True])
@pytest.mark.parametrize(
    ("quota", "used_up"),
    [
        ("GenerateRequestsPerMinutePerProjectPerModel-FreeTier", False),
        ("GenerateContentInputTokensPerModelPerMinute-FreeTier", False),
        ("GenerateRequestsPerDayPerProjectPerModel-FreeTier", True),
    ],
)
def test_gemini_refusal_gives_retry_delay_and_kind_of_quota(wrapped: bool, quota: str, used_up: bool) -> None:
    body = gemini(quota)
    error = refused([body] if wrapped else body)
    assert error.retry_after == 36.0
    assert error.quota_used_up is used_up
    assert error.throttled


def test_gemini_wait_in_words_is_read_without_retry_info() -> None:
    assert refused({"error": {"code": 429, "message": GEMINI}}).retry_after == 36.429760048


@pytest.mark.parametrize(
    ("message", "seconds", "used_up"),
    [
        (
            "Rate limit reached for gpt-4o in organization org-x on requests per day (RPD): Limit 200, Used 200, "
            "Requested 1. Please try again in 7m12s. Visit https://platform.openai.com/account/rate-limits.",
            432.0,
            True,
        ),
        ("Rate limit reached for m on requests per min (RPM): Limit 3, Used 3. Please try again in 20s.", 20.0, False),
        ("Rate limit reached for m on tokens per min (TPM): Limit 9, Used 9. Please try again in 6m0s.", 360.0, False),
        ("Rate limit reached for m on tokens per min (TPM). Please try again in 120ms.", 0.12, False),
        (
            "Rate limit reached for model `llama-3.3-70b-versatile` in organization `org_x` service tier `on_demand` "
            "on tokens per day (TPD): Limit 100000, Used 97050, Requested 3619. Please try again in 9m38.016s. Need "
            "more tokens? Upgrade to Dev Tier today at https://console.groq.com/settings/billing",
            578.016,
            True,
        ),
        (
            "Rate limit reached for model `m` on tokens per minute (TPM): Limit 7000, Used 6148, Requested 7895. "
            "Please try again in 1m0.363142857s. Visit https://console.groq.com/docs/rate-limits for more information.",
            60.363142857,
            False,
        ),
        (
            "Requests to the ChatCompletions_Create Operation under Azure OpenAI API version 2023-05-15 have exceeded "
            "token rate limit of your current AIServices S0 pricing tier. Please retry after 86400 seconds. Please "
            "contact Azure support service if you would like to further increase the default rate limit.",
            86400.0,
            False,
        ),
        ("Your requests to gpt-4.1-nano have exceeded the call rate limit. Please retry after 3 seconds.", 3.0, False),
        ("Quota exceeded for quota metric 'Requests' and limit 'Requests per day per user per tier'.", None, True),
        ("Rate limit exceeded: free-models-per-day. Add 10 credits to unlock 1000 free requests.", None, True),
        ("Rate limit exceeded: free-models-per-min.", None, False),
        ("This request would exceed your organization's rate limit of 50 requests per minute.", None, False),
        ("You have reached your monthly usage limit.", None, True),
        ("Too many requests. Try again in about 2 hours.", 7200.0, False),
        ("Too many requests. Try again in 1 hour and 20 minutes.", 4800.0, False),
        ("Slow down and retry your request after 24 seconds.", 24.0, False),
        ("Your limit resets in 2 weeks, on the first of the month.", 1209600.0, False),
        ("Limit of 250 requests/day reached.", None, True),
        ("Only 50 requests per 24 hours are free.", None, True),
        ("tokens_per_day_limit_reached", None, True),
        ("Rate limit of 60 requests/minute reached; see https://host/docs/day", None, False),
        ("Please reduce your message size and try again. Visit the page of limits.", None, False),
        ("Resource has been exhausted (e.g. check quota). Please try again later.", None, False),
    ],
)
def test_wait_and_kind_of_quota_are_read_from_words(message: str, seconds: float | None, used_up: bool) -> None:
    error = refused({"error": {"message": message, "type": "requests", "code": "rate_limit_exceeded"}})
    assert error.retry_after == (None if seconds is None else pytest.approx(seconds))
    assert error.quota_used_up is used_up


def test_openrouter_reset_is_a_time_in_milliseconds() -> None:
    reset = str(int((time.time() + 500) * 1000))
    headers = {"X-RateLimit-Limit": "50", "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": reset}
    body = {
        "error": {"message": "Rate limit exceeded: free-models-per-day", "code": 429, "metadata": {"headers": headers}}
    }
    error = refused(body)
    assert error.retry_after == pytest.approx(500, abs=5)
    assert error.quota_used_up


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "6m0s"}, 360.0),
        (
            {"x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "1s", "x-ratelimit-reset-requests": "1h"},
            1.0,
        ),
        ({"x-ratelimit-remaining-requests": "14370", "x-ratelimit-reset-requests": "2m59.56s"}, None),
        ({"x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "0"}, None),
        ({"x-ratelimit-remaining-tokens": "-1", "x-ratelimit-reset-tokens": "0"}, None),
        ({"retry-after": "2", "x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "6m0s"}, 2.0),
    ],
)
def test_reset_headers_count_where_nothing_remains(headers: dict[str, str], seconds: float | None) -> None:
    assert seconds_asked(headers, "Rate limit reached", "") == seconds


def test_reset_headers_of_other_failures_do_not_count() -> None:
    headers = {"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "6m0s"}
    assert refused({"error": {"message": "out of order"}}, headers, status=500).retry_after is None
    assert refused({"error": {"message": "Overloaded"}}, {"retry-after": "7"}, status=529).retry_after == 7.0


@pytest.mark.parametrize(("status", "overloaded"), [(429, True), (503, True), (529, True), (500, False), (408, False)])
def test_overload_is_told_from_other_failures(status: int, overloaded: bool) -> None:
    assert refused({"error": {"message": "no"}}, status=status).overloaded is overloaded


@pytest.mark.parametrize("text", ["", "soon", "5", "0", "-3s", "6m later", "1x2s", "s", "NaNs"])
def test_duration_of_other_texts_is_none(text: str) -> None:
    assert duration(text) is None


@given(st.integers(0, 30), st.integers(0, 59), st.integers(0, 59))
def test_duration_reads_hours_minutes_and_seconds(hours: int, minutes: int, seconds: int) -> None:
    assert duration(f"{hours}h{minutes}m{seconds}s") == 3600 * hours + 60 * minutes + seconds


@given(st.text(), st.text(), st.dictionaries(st.text(), st.text()))
def test_any_text_gives_a_wait_or_none(message: str, details: str, headers: dict[str, str]) -> None:
    seconds = seconds_asked(headers, message, details)
    assert seconds is None or 0 <= seconds < 10**7


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.3, "1 s"), (99, "99 s"), (100, "2 min"), (300, "5 min"), (3600, "1 h"), (25920, "7 h 12 min"), (86400, "24 h")],
)
def test_in_words(seconds: float, words: str) -> None:
    assert in_words(seconds) == words


def test_clock_names_another_day() -> None:
    assert len(clock(0)) == len("12:34")
    assert clock(86400).startswith(time.strftime("%Y-%m-%d", time.localtime(time.time() + 86400)))
