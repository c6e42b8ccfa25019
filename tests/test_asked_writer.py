"""Runs with a writer behind an API: its calls are paid, limited, stored and resumed like those of the black box."""

from __future__ import annotations

import csv
import hashlib
import itertools
import json
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

import instructzero
from instructzero.errors import BudgetExhausted, EndpointError, ModelError
from instructzero.models import retrying
from instructzero.models.scripted import obey
from instructzero.records.result import Result
from instructzero.testing import Endpoint, Fault, Faults, Reply

WORDS = "ape bee cat dog eel fox gnu hen ibex jay koi lynx moth newt owl pug ray sow tit yak".split()
VERBS = ("upper case", "reverse it", "first letter", "count the letters", "repeat it", "capital letters")
SIZES = {
    "evaluations": 8, "initial": 4, "batch": 4, "exemplars": 2, "validation": 4, "test": 4, "confirmation": 2,
    "answer_tokens": 8, "method": "ape", "stop_early": False,
}  # fmt: skip


def pen(question: str) -> str:
    """Return one instruction or four that depend on the question."""
    number = int(hashlib.sha256(question.encode()).hexdigest(), 16)
    numbers = range(number, number + (4 if "Write 4 " in question else 1))
    return "Sure!" + "\n".join(f"<prompt>Take it and {VERBS[one % 6]}, as in {one % 97}.</prompt>" for one in numbers)


@pytest.fixture(autouse=True)
def _quick_and_keyed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retrying, "_FIRST_WAIT_S", 0.001)
    monkeypatch.setenv("OPENAI_API_KEY", "sk-box-1234567890")
    monkeypatch.setenv("PEN_KEY", "sk-pen-1234567890")


class Two:
    """The endpoints of the black box and of the writer."""

    def __init__(self, box: Endpoint, writer: Endpoint) -> None:
        self.box, self.writer = box, writer
        self.questions: Counter[str] = Counter()  # to the writer, with their seeds

    @property
    def billed(self) -> int:
        return self.box.billed.total() + self.writer.billed.total()

    def settings(self, **changes: Any) -> dict[str, Any]:
        addresses = {"base_url": self.box.base_url, "writer_url": self.writer.base_url}
        models = {"blackbox": "openai:box", "writer": "openai:pen", "writer_key_env": "PEN_KEY"}
        return {**SIZES, **models, **addresses, **changes}

    def run(self, directory: Path, **changes: Any) -> Result:
        rows = [(word, word[::-1]) for word in WORDS]
        return instructzero.optimize(rows, directory=directory, **self.settings(**changes))


@contextmanager
def serving(write: Callable[[str], str | Reply] = pen, faults: Faults | None = None) -> Iterator[Two]:
    """Serve both; ``write`` receives the request with its seed, so that samples of one request differ."""
    with Endpoint(obey, faults=faults) as box, Endpoint(obey, faults=faults) as asked:
        two = Two(box, asked)

        def answer(prompt: str) -> str | Reply:
            question = f"{prompt} {asked.bodies[-1].get('seed')}"
            two.questions[question] += 1
            return write(question)

        asked.script = answer
        yield two


def journal(directory: Path) -> list[bytes]:
    """Return the journal without the header, which contains the addresses."""
    return (directory / "journal.jsonl").read_bytes().splitlines()[1:]


def test_run_pays_writer_from_its_own_account(tmp_path: Path) -> None:
    with serving() as two:
        result = two.run(tmp_path / "run")
    assert result.spent["writer"].calls == two.writer.billed.total()
    assert result.usage.calls == result.spent["black box"].calls == two.box.billed.total()
    header = json.loads((tmp_path / "run" / "journal.jsonl").read_text().splitlines()[0])
    assert header["writer"]["endpoint"] == two.writer.base_url
    assert {"writer", "writer (guess)", "writer (vary)"} <= header["prompts"].keys()


def test_keys_go_to_their_own_hosts_only(tmp_path: Path) -> None:
    with serving() as two:
        two.run(tmp_path / "run")
    assert (two.box.keys, two.writer.keys) == ({"sk-box-1234567890"}, {"sk-pen-1234567890"})
    stored = b"".join(path.read_bytes() for path in (tmp_path / "run").rglob("*") if path.is_file())
    assert b"1234567890" not in stored


def test_writer_of_the_same_kind_is_asked_at_the_address_of_the_black_box(tmp_path: Path) -> None:
    both = lambda prompt: pen(prompt) if "<prompt>" in prompt else obey(prompt)  # noqa: E731
    with Endpoint(both) as endpoint:
        result = instructzero.optimize(
            [(word, word) for word in WORDS], directory=tmp_path / "run",
            **{**SIZES, "blackbox": "openai:m", "writer": "openai:m", "base_url": endpoint.base_url},
        )  # fmt: skip
    assert sum(usage.calls for usage in result.spent.values()) == endpoint.billed.total()


@pytest.mark.parametrize("seed", range(4))
def test_faults_of_both_services_change_no_byte_and_pay_nothing_twice(seed: int, tmp_path: Path) -> None:
    with serving() as two:
        two.run(tmp_path / "clean")
        calls = two.billed
    quick = [fault for fault in Fault if fault not in (Fault.HANG, Fault.DELAY)]
    faults = Faults({fault: 0.3 / len(quick) for fault in quick}, seed=seed, retry_after=0.01)
    with serving(faults=faults) as two:
        for _ in range(60):
            try:
                two.run(tmp_path / "run", retries=1, seed=0)
            except EndpointError:
                continue
            break
    assert journal(tmp_path / "run") == journal(tmp_path / "clean")
    assert two.billed == calls
    assert max(two.box.billed.values()) == 1


def test_limit_of_calls_covers_both_services_and_is_never_exceeded(tmp_path: Path) -> None:
    with serving() as two:
        two.run(tmp_path / "clean")
        needed = two.billed
    with serving() as two:
        for limit in itertools.count(5, 7):
            with suppress(BudgetExhausted):
                two.run(tmp_path / "run", max_calls=limit)
            assert two.billed <= limit
            if limit > 3 * needed:
                break
    assert max({**two.box.billed, **two.questions}.values()) == 1


def test_limit_of_dollars_needs_and_uses_the_price_of_the_writer(tmp_path: Path) -> None:
    prices = {"input_price": 1.0, "output_price": 1.0}
    with serving() as two:
        with pytest.raises(instructzero.ConfigurationError, match="price of the writer is not known"):
            two.run(tmp_path / "unknown", max_usd=1.0, **prices)
        assert two.billed == 0
        own = {"writer_input_price": 1000.0, "writer_output_price": 1000.0}
        with pytest.raises(BudgetExhausted, match="--max-usd"):
            two.run(tmp_path / "run", max_usd=0.05, **prices, **own)
        assert two.writer.usage.prompt_tokens * 1000 / 1e6 < 0.05


@pytest.mark.parametrize("method", ["ape", "instructzero", "reflect"])
def test_search_calls_count_requests_to_the_writer(method: str, tmp_path: Path) -> None:
    with serving() as two:
        result = two.run(tmp_path / "run", method=method, search_calls=23, evaluations=50, racing=False)
    writing = two.writer.billed.total() - 1  # without the plain instruction
    scoring = sum(trial.evaluation.usage.calls for trial in result.trials)
    assert 23 - SIZES["validation"] <= writing + scoring <= 23


def test_black_box_rewrites_if_it_is_named(tmp_path: Path) -> None:
    with serving() as two:
        result = two.run(tmp_path / "run", rewriter="blackbox")
    assert two.writer.billed.total() == result.spent["writer"].calls == 1  # the plain instruction
    assert result.spent["rewriter"].calls > 0


def test_filtered_requests_end_no_run(tmp_path: Path) -> None:
    answers = itertools.count()
    refusal = Reply.refusal("the content management policy", code="content_filter")
    with serving(lambda question: refusal if next(answers) % 3 == 1 else pen(question)) as two:
        result = two.run(tmp_path / "run")
    assert result.trials
    assert all(trial.instruction for trial in result.trials)


def test_writer_that_writes_nothing_is_one_sentence(tmp_path: Path) -> None:
    with serving(lambda prompt: Reply.chat("", "content_filter")) as two:
        with pytest.raises(ModelError, match="the writer has written no instruction"):
            two.run(tmp_path / "run", evaluations=50, initial=10, batch=10)
        assert len(two.box.billed) == SIZES["validation"]  # the empty plain instruction


def test_function_and_object_can_write(tmp_path: Path) -> None:
    asked: Counter[str] = Counter()

    def write(prompt: str) -> str:
        asked[prompt] += 1
        return pen(f"{prompt} {asked[prompt]}")

    with serving() as two:
        changes = {"writer": write, "writer_url": None}
        result = two.run(tmp_path / "run", **changes)
        assert result.spent["writer"].calls == asked.total()
        with pytest.raises(instructzero.ConfigurationError, match="the writer of this run was a Python object"):
            instructzero.resume(tmp_path / "run")


@pytest.mark.parametrize("method", ["paper", "uniform", "dro", "instinct", "zopo", "presto"])
def test_method_that_needs_soft_prompts_is_refused_before_anything_is_paid(method: str, tmp_path: Path) -> None:
    with serving() as two:
        with pytest.raises(instructzero.ConfigurationError, match=rf"for method '{method}'.* \(ape, "):
            two.run(tmp_path / "run", method=method)
        assert two.billed == 0


class Killed:
    """Runs in processes of their own, which are killed once so many answers are paid and stored."""

    def __init__(self, two: Two, folder: Path) -> None:
        self._two, self._folder = two, folder
        self._limit: int | None = None
        self._over = threading.Event()
        for endpoint in (two.box, two.writer):
            endpoint.script = self._gated(endpoint.script)

    def _gated(self, script: Callable[[str], str | Reply]) -> Callable[[str], str | Reply]:
        """Return the script; from the limit on, a question is answered, and refused, once the process is dead."""

        def answer(prompt: str) -> str | Reply:
            if self._limit is not None and self._two.billed >= self._limit:
                self._over.wait()
                return Reply.refusal("nobody is there", status=500)
            return script(prompt)

        return answer

    def run(self, directory: Path, after: int | None) -> bool:
        """Start or resume the run and kill it ``after`` so many answers; return True if it finished before."""
        self._over.clear()
        self._limit = None if after is None else self._two.billed + after
        process = subprocess.Popen(self._command(directory), env=_one_thread(), stderr=subprocess.PIPE)
        while process.poll() is None and not self._is_due(directory):
            time.sleep(0.002)
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
        _, errors = process.communicate(timeout=60)
        self._over.set()
        while self._two.box.in_flight or self._two.writer.in_flight:
            time.sleep(0.002)
        assert process.returncode in (0, -signal.SIGKILL), errors.decode()
        return process.returncode == 0

    def _is_due(self, directory: Path) -> bool:
        if self._limit is None or self._two.billed < self._limit:
            return False
        with closing(sqlite3.connect(directory / "calls.sqlite", timeout=5)) as store:
            return bool(store.execute("SELECT count(*) FROM calls").fetchone()[0] == self._two.billed)

    def _command(self, directory: Path) -> list[str]:
        if (directory / "settings.yaml").exists():
            return [sys.executable, "-m", "instructzero", "resume", str(directory), "--plain"]
        given = self._two.settings(stop_early="no", task=str(self._folder / "rows.csv"), output_column="wanted")
        flags = [part for name, value in given.items() for part in (f"--{name.replace('_', '-')}", str(value))]
        return [sys.executable, "-m", "instructzero", "run", "--plain", "--out", str(directory), *flags]


def _one_thread() -> dict[str, str]:
    return {**os.environ, "OMP_NUM_THREADS": "1"}


@pytest.mark.timeout(300)
def test_kill_repeats_no_paid_call_of_either_service(tmp_path: Path) -> None:
    with (tmp_path / "rows.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("input", "wanted"), *((word, word[::-1]) for word in WORDS)])
    with serving() as two:
        whole = Killed(two, tmp_path)
        assert whole.run(tmp_path / "whole", after=None)
        calls = two.billed
    with serving() as two:
        killed, kills = Killed(two, tmp_path), 0
        while not killed.run(tmp_path / "killed", after=7 if kills < 4 else None):
            kills += 1
    assert kills == 4
    assert two.billed == calls
    assert journal(tmp_path / "killed") == journal(tmp_path / "whole")
