"""A run that is killed or stopped at random moments, again and again: limits hold, and the journal stays the same."""

from __future__ import annotations

import json
import random
import signal
import time
import zlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

from instructzero.testing import Endpoint
from tests.killed_runs import CommandLine, wait_until

KILLS = 6
"""The kills of one chain of resumed runs; there are two chains for each of the five ways, so 60 kills."""

WAYS = {
    "KILL": [signal.SIGKILL],
    "TERM": [signal.SIGTERM],
    "HUP": [signal.SIGHUP],
    "INT": [signal.SIGINT],
    "INT ten times": [signal.SIGINT] * 10,
}
ENOUGH = 10_000
_LONGEST_S = 1.2  # until a kill, from the start of the process


def half_right(prompt: str) -> str:
    """Answer half of the prompts with the word of the input backwards, so that instructions differ in their scores."""
    word = prompt.partition("Input: ")[2].partition("\n")[0]
    return word[::-1] if zlib.crc32(prompt.encode()) % 2 else "no"


@dataclass(frozen=True)
class Whole:
    """A run that nobody killed."""

    journal: bytes
    requests: int
    port: int


class Chain:
    """A run and the processes that continue it, with an endpoint of its own."""

    def __init__(self, folder: Path, task: Path, limit: int, seed: str = "", port: int = 0) -> None:
        folder.mkdir()
        self._port = port  # it is a part of the journal
        self.directory, self._folder, self._task, self._limit = folder / "run", folder, task, limit
        self._moments = random.Random(seed)
        self._starts = 0
        self.kills = 0
        self.exit_codes: list[int] = []

    def __enter__(self) -> Chain:
        self.endpoint = Endpoint(half_right, latency=0.04, port=self._port).__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        self.endpoint.__exit__(None, None, None)

    def start(self) -> CommandLine:
        """Start or continue the run."""
        arguments = [
            *("run", "--task", str(self._task), "--out", str(self.directory), "--plain", "--concurrency", "4"),
            *("--writer", "scripted:phrases", "--blackbox", "openai:m", "--base-url", self.endpoint.base_url),
            *("--evaluations", "12", "--initial", "4", "--batch", "4", "--max-calls", str(self._limit)),
        ]
        self._starts += 1
        self.log = self._folder / f"log-{self._starts}"
        process = CommandLine(arguments, self.log)
        wait_until(self.log.exists)
        return process

    def kill_once(self, signals: list[signal.Signals]) -> None:
        """Continue the run, and kill it at a random moment, unless it ends before."""
        process = self.start()
        if not process.wait_at_most(self._moments.uniform(0.005, _LONGEST_S)):
            self.kills += 1
            for number in signals:
                process.send(number)
                time.sleep(0.003)
        self._ended(process)

    def finish(self) -> None:
        """Continue the run to its end."""
        self._ended(self.start())

    def _ended(self, process: CommandLine) -> None:
        self.exit_codes.append(process.wait(60))
        assert "Traceback" not in self.log.read_text()

    @property
    def is_over(self) -> bool:
        """True if the last process came to its end: it completed the run, or reached the limit."""
        return self.exit_codes[-1:] in ([0], [2])

    @property
    def requests(self) -> int:
        """The number of requests that the endpoint has received."""
        return self.endpoint.received.total()

    @property
    def journal(self) -> bytes:
        """The journal."""
        return (self.directory / "journal.jsonl").read_bytes()


@pytest.fixture(scope="module")
def task(tmp_path_factory):
    path = tmp_path_factory.mktemp("task") / "words.jsonl"
    words = "apple river stone cloud green light table chair mouse horse bread water house plant sugar money night"
    path.write_text("".join(json.dumps({"input": word, "output": word[::-1]}) + "\n" for word in words.split()))
    return path


@pytest.fixture(scope="module")
def references(tmp_path_factory, task):
    """Return two runs that nobody killed, on two ports."""
    folder = tmp_path_factory.mktemp("references")
    return whole(folder / "0", task), whole(folder / "1", task)


def whole(folder: Path, task: Path) -> Whole:
    with Chain(folder, task, ENOUGH) as chain:
        chain.finish()
        assert chain.exit_codes == [0]
        return Whole(chain.journal, chain.requests, int(chain.endpoint.base_url.split(":")[2].removesuffix("/v1")))


@pytest.mark.timeout(300)
@pytest.mark.parametrize("way", WAYS)
def test_run_killed_at_random_moments_exceeds_no_limit_and_writes_the_same_journal(tmp_path, task, references, way):
    first, second = references
    limit = 2 * second.requests // 3
    with ThreadPoolExecutor(2) as threads:
        unlimited = threads.submit(killed, tmp_path / "unlimited", task, ENOUGH, way, first.port)
        limited = threads.submit(killed, tmp_path / "limited", task, limit, way, second.port)
        for chain in unlimited.result():
            assert chain.journal == first.journal
            if way != "KILL":
                assert chain.requests == first.requests  # nothing is asked twice
        for chain in limited.result():
            assert chain.requests <= limit
            assert common(search_of(chain.journal), search_of(second.journal))
            if way != "KILL":
                assert max(chain.endpoint.received.values()) == 1


def killed(folder: Path, task: Path, limit: int, way: str, port: int) -> list[Chain]:
    """Return chains with `KILLS` kills together, each of which has ended."""
    chains: list[Chain] = []
    folder.mkdir()
    while sum(chain.kills for chain in chains) < KILLS:
        with Chain(folder / f"{len(chains)}", task, limit, f"{way} {limit} {len(chains)}", port) as chain:
            chains.append(chain)
            while not chain.is_over and sum(each.kills for each in chains) < KILLS:
                chain.kill_once(WAYS[way])
                assert chain.exit_codes[-1] in expected_codes(way), chain.log.read_text()
            if not chain.is_over:
                chain.finish()
            assert chain.exit_codes[-1] == 0 or "--max-calls" in chain.log.read_text(), chain.exit_codes
    return chains


def expected_codes(way: str) -> set[int]:
    number = WAYS[way][0]
    return {0, 2, -number if number == signal.SIGKILL else 128 + number}


def search_of(journal: bytes) -> list[str]:
    """Return the lines of the search, which the lines of the final selection follow."""
    lines = journal.decode().splitlines()
    kinds = ('"kind":"confirmation"', '"kind":"test"', '"kind":"cut_short"')
    return [line for line in lines if not any(kind in line.replace(" ", "") for kind in kinds)]


def common(first: list[str], second: list[str]) -> bool:
    """Return True if one of the two begins with the other."""
    return all(one == other for one, other in zip(first, second, strict=False))
