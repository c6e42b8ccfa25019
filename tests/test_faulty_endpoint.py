"""Runs against an endpoint that fails in every way: they end, after resuming, with the clean run's result."""

from __future__ import annotations

import itertools
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import instructzero
from instructzero.errors import BudgetExhausted, EndpointError
from instructzero.models import retrying
from instructzero.models.scripted import ScriptedWriter, obey
from instructzero.records.result import Result
from instructzero.testing import Endpoint, Fault, Faults

WORDS = [(word, word[::-1]) for word in "ape bee cat dog eel fox gnu hen ibex jay koi lynx moth newt owl pug".split()]
SETTINGS = {
    "evaluations": 6, "initial": 4, "batch": 2, "exemplars": 2, "validation": 4, "test": 4, "confirmation": 2,
    "answer_tokens": 8, "blackbox": "openai:any", "timeout": 1.0,
}  # fmt: skip
RUNS, PER_TEST = 200, 20
MANY = {fault: 0.3 / len(Fault) for fault in Fault}
FEW = {fault: 0.01 / len(Fault) for fault in Fault}


@pytest.fixture(autouse=True)
def _quick_and_keyed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Set waits of milliseconds, and a key."""
    monkeypatch.setattr(retrying, "_FIRST_WAIT_S", 0.001)
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test-1234567890")


def run(endpoint: Endpoint, directory: Path, **changes: object) -> Result:
    settings = {**SETTINGS, "base_url": endpoint.base_url, "directory": directory, **changes}
    return instructzero.optimize(WORDS, writer=ScriptedWriter(), **settings)


def journal(directory: Path) -> list[bytes]:
    """Return the journal without the header, which contains the address."""
    return (directory / "journal.jsonl").read_bytes().splitlines()[1:]


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[bytes], int]:
    """Return the journal of a run without faults, and the number of its paid calls."""
    directory = tmp_path_factory.mktemp("clean") / "run"
    with pytest.MonkeyPatch.context() as patch, Endpoint(obey) as endpoint:
        patch.setenv("OPENAI_API_KEY", "sk-test-1234567890")
        run(endpoint, directory)
        return journal(directory), endpoint.billed.total()


@pytest.mark.parametrize("first", range(0, RUNS, PER_TEST))
def test_faulty_endpoint_gives_clean_journal_and_pays_nothing_twice(
    first: int, tmp_path: Path, clean: tuple[list[bytes], int]
) -> None:
    """Half of the runs have faults in 1 % of their requests, half in 30 %; every third may try only twice."""
    expected, calls = clean

    def check(seed: int) -> None:
        retries = 1 if seed % 3 == 0 else 8
        faults = Faults(MANY if seed % 2 else FEW, seed=seed, delay=0.01, retry_after=0.01)
        with Endpoint(obey, faults=faults) as endpoint:
            until_done(endpoint, tmp_path / str(seed), retries=retries)
        assert journal(tmp_path / str(seed)) == expected
        assert max(endpoint.billed.values()) == 1
        assert endpoint.billed.total() == calls

    with ThreadPoolExecutor(5) as threads:  # they mostly wait for answers that never come
        list(threads.map(check, range(first, first + PER_TEST)))


def until_done(endpoint: Endpoint, directory: Path, **changes: object) -> Result:
    """Run, and resume until the run finishes."""
    said: list[str] = []
    for _ in range(60):
        try:
            result = run(endpoint, directory, **changes)
        except EndpointError as error:
            said.append(str(error))
        else:
            assert all("resume" in each and "\n" not in each for each in said)
            return result
    raise AssertionError(f"no end after 60 stops: {said[-1]}")


@pytest.mark.parametrize("seed", range(12))
def test_faulty_endpoint_never_exceeds_budget(seed: int, tmp_path: Path, clean: tuple[list[bytes], int]) -> None:
    """The budget is raised step by step and never exceeded, and the run ends like the clean one."""
    expected, calls = clean
    faults = Faults(MANY if seed % 2 else FEW, seed=seed, delay=0.01, retry_after=0.01)
    said: list[str] = []
    with Endpoint(obey, faults=faults) as endpoint:
        for limit in itertools.count(10 + seed, 25):
            try:
                until_done(endpoint, tmp_path / "run", max_calls=limit, retries=8)
            except BudgetExhausted as error:
                said.append(str(error))
            assert endpoint.billed.total() <= limit
            if limit > 20 * calls or len(journal(tmp_path / "run")) >= len(expected):
                break
    assert max(endpoint.billed.values()) == 1
    assert all("--max-calls" in each and "\n" not in each for each in said)
