"""Runs at services that are small, tired or out of quota: nothing paid is lost, and no wait is silent."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import instructzero
from instructzero.errors import EndpointError
from instructzero.models.scripted import ScriptedWriter, obey
from instructzero.records.observers import Observer
from instructzero.records.result import Result
from instructzero.records.wait_file import read_wait
from instructzero.testing import Endpoint, Reply
from instructzero.watch.followed import FollowedRun
from instructzero.watch.pages import overview, progress_line

WORDS = [(word, word[::-1]) for word in "ape bee cat dog eel fox gnu hen ibex jay koi lynx moth newt owl pug".split()]
SMALL: dict[str, Any] = {"evaluations": 4, "initial": 2, "batch": 2, "validation": 8, "racing": False}
PER_DAY = "Rate limit reached for m on requests per day (RPD): Limit 5, Used 5. Please try again in 7h12m0s."
GEMINI = {
    "error": {
        "code": 429,
        "message": "You exceeded your current quota. Quota exceeded for metric: free_tier_requests, limit: 250",
        "status": "RESOURCE_EXHAUSTED",
        "details": [
            {
                "@type": "type.googleapis.com/google.rpc.QuotaFailure",
                "violations": [{"quotaId": "RequestsPerDay-Free"}],
            },
            {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "34s"},
        ],
    }
}


def run(endpoint: Endpoint, folder: Path, **settings: Any) -> Result:
    return instructzero.optimize(
        WORDS,
        writer=ScriptedWriter(),
        blackbox="openai:m",
        base_url=endpoint.base_url,
        directory=folder,
        **{**SMALL, **settings},
    )


def refusing(reply: Reply, first: int, last: float = float("inf")) -> Callable[[str], str | Reply]:
    """Return a script that answers, but from request ``first`` to request ``last`` sends ``reply``."""
    requests = 0

    def script(prompt: str) -> str | Reply:
        nonlocal requests
        requests += 1
        return reply if first <= requests <= last else obey(prompt)

    return script


def test_service_with_one_slot_gets_every_question_once(tmp_path: Path) -> None:
    """Sent at once, 32 requests would take 1.6 s, more than twice the timeout."""

    def one_at_a_time(prompt: str) -> str:
        time.sleep(0.05)  # in the thread of the endpoint, so that all requests wait
        return obey(prompt)

    with Endpoint(one_at_a_time) as endpoint:
        result = run(endpoint, tmp_path / "run", timeout=0.7, concurrency=32)
        assert max(endpoint.received.values()) == 1
        assert endpoint.received == endpoint.billed
    with Endpoint(obey) as endpoint:
        run(endpoint, tmp_path / "quick", concurrency=32)
    assert result.test_score is not None
    slow, quick = (journal(tmp_path / name) for name in ("run", "quick"))
    assert slow == quick


def journal(folder: Path) -> list[bytes]:
    """Return the journal without the header, which contains the address."""
    return (folder / "journal.jsonl").read_bytes().splitlines()[1:]


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (Reply.refusal(PER_DAY, status=429, code="rate_limit_exceeded"), "it asks to wait 7 h 12 min"),
        (Reply([GEMINI], 429), "this quota is one of a day or longer"),  # type: ignore[arg-type]
    ],
)
def test_daily_quota_stops_at_once_with_the_reason_and_resumes(tmp_path: Path, reply: Reply, words: str) -> None:
    with Endpoint(refusing(reply, first=6)) as endpoint:
        with pytest.raises(EndpointError, match=words) as caught:
            run(endpoint, tmp_path / "run")
        said = reply.content["error"]["message"] if isinstance(reply.content, dict) else GEMINI["error"]["message"]
        assert str(said).rstrip(".") in str(caught.value)
        assert "every answer so far is kept: resume" in str(caught.value)
        assert endpoint.billed.total() <= 5
        assert endpoint.received.total() <= 5 + 8
        endpoint.script = obey
        run(endpoint, tmp_path / "run")
        assert max(endpoint.billed.values()) == 1


class Waiting(Observer):
    """Receives waits, and then does something."""

    def __init__(self, then: Callable[[], None]) -> None:
        self.waits: list[tuple[str, float, str]] = []
        self._then = then

    def waiting(self, role: str, seconds: float, reason: str) -> None:
        self.waits.append((role, seconds, reason))
        self._then()


@pytest.mark.usefixtures("ctrl_c")
def test_wait_of_minutes_is_shown_at_once_and_ctrl_c_ends_it(tmp_path: Path) -> None:
    folder, pages = tmp_path / "run", list[str]()

    def look_and_interrupt() -> None:
        followed = FollowedRun(folder)
        followed.refresh()
        pages.extend((progress_line(followed), overview([followed])))
        signal.raise_signal(signal.SIGINT)

    observer = Waiting(look_and_interrupt)
    busy = Reply.refusal("Too many requests per minute. Please retry in 120s.", status=429)
    with Endpoint(refusing(busy, first=20)) as endpoint:
        with pytest.raises(KeyboardInterrupt):
            run(endpoint, folder, observer=observer)
        ((role, seconds, reason),) = observer.waits
        assert (role, seconds) == ("black box", 120.0)
        assert "Too many requests per minute" in reason
        assert all("The run waits for the black box until " in page and "per minute" in page for page in pages)
        assert read_wait(folder) is None
        endpoint.script = obey
        run(endpoint, folder)
        assert max(endpoint.billed.values()) == 1


def test_longest_wait_of_a_run_is_its_setting(tmp_path: Path) -> None:
    busy = Reply.refusal("Please retry in 2s.", status=429)
    words = r"asks to wait 2 s, and the longest wait is 1 s \(--max-wait\)"
    with Endpoint(refusing(busy, first=3)) as endpoint, pytest.raises(EndpointError, match=words):
        run(endpoint, tmp_path / "run", max_wait=1)


@pytest.mark.usefixtures("ctrl_c")
def test_wait_for_the_judge_names_the_judge(tmp_path: Path) -> None:
    observer = Waiting(lambda: signal.raise_signal(signal.SIGINT))
    busy = Reply.refusal("Slow down. Please retry in 90s.", status=429)
    with Endpoint(obey) as endpoint, Endpoint(refusing(busy, first=1)) as judge, pytest.raises(KeyboardInterrupt):
        run(
            endpoint,
            tmp_path / "run",
            metric="judge",
            judge="openai:j",
            judge_url=judge.base_url,
            observer=observer,
        )
    assert {role for role, _, _ in observer.waits} == {"judge"}


def test_wait_file_of_the_past_or_damaged_is_no_wait(tmp_path: Path) -> None:
    file = tmp_path / "waiting.json"
    for content in (json.dumps({"role": "judge", "until": 1.0, "reason": "no"}), "{", "[]", '{"until": 9e99}'):
        file.write_text(content, encoding="utf-8")
        assert read_wait(tmp_path) is None
