"""The page of a long run, and the cost of watching one: `python -m benchmarks.report`.

The run is synthetic: 5,000 evaluations in rounds of five, chosen among eight texts each, on 20 validation examples; two
thirds of them leave their race half way. Then its last part is replayed, two evaluations a second, while
`instructzero watch` follows it and is polled every two seconds, as by the page in a browser. This needs Linux, where
/proc has the processor time of the server. Scrolling is measured in Chromium, if installed: the times between frames
while the page scrolls at 3,000 pixels a second.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.request import urlopen

import numpy as np

from benchmarks.chromium import CHROMIUM, opened
from benchmarks.machine import describe
from instructzero.build import build_task
from instructzero.config import make_settings
from instructzero.records.directory import RunDirectory
from instructzero.records.identity import digests_of
from instructzero.records.journal import Journal
from instructzero.report import write_report
from instructzero.types import Candidate, Evaluation, Proposal, Usage, Writing

ROUND, TEXTS, EXAMPLES, DIMENSION = 5, 8, 20, 10
STEP_S, ASK_EVERY_S = 0.5, 2.0
SCROLL = """async () => {
    const times = [];
    const began = performance.now();
    scrollTo(0, 0);
    for (;;) {
        const now = await new Promise(requestAnimationFrame);
        times.push(now);
        scrollTo(0, 3 * (now - began));
        if (now - began > 5000 || scrollY + innerHeight >= document.documentElement.scrollHeight - 1) return times;
    }
}"""


def make_run(path: Path, evaluations: int) -> None:
    """Write a run whose search is complete, without a final test."""
    draw = np.random.default_rng(0)
    settings = make_settings({"task": "antonyms", "writer": "scripted:phrases", "evaluations": evaluations})
    with RunDirectory.claim(path, settings) as directory:
        journal = Journal(directory.journal)
        journal.start({"task": "antonyms", "metric": "exact_match", **digests_of(build_task(settings))})
        journal.set_plain(Writing("write a word.", "write a word."), _evaluation(draw, 0.5, EXAMPLES))
        while len(journal.history.trials) < evaluations:
            candidates = [_candidate(draw) for _ in range(ROUND * TEXTS)]
            journal.add_round(candidates, range(0, len(candidates), TEXTS))
            for _ in range(ROUND):
                examples = EXAMPLES if draw.random() < 1 / 3 else EXAMPLES // 2
                journal.add_trial(_evaluation(draw, draw.uniform(0.3, 0.9), examples))


def _candidate(draw: np.random.Generator) -> Candidate:
    point = draw.standard_normal(DIMENSION)
    text = f"give a word that means the opposite of the given word, {draw.integers(10**9):,} times or so."
    return Candidate(Proposal(tuple((point / np.linalg.norm(point)).tolist())), Writing(f" {text}\n", text))


def _evaluation(draw: np.random.Generator, right: float, examples: int) -> Evaluation:
    scores = tuple((draw.random(examples) < right).astype(float).tolist())
    answers = tuple(f"word{number}" for number in draw.integers(10_000, size=examples))
    return Evaluation(scores, answers, Usage(examples, 100 * examples, 3 * examples))


def happening(source: Path, target: Path, evaluations: int) -> Iterator[None]:
    """Copy the run of ``source`` to ``target`` without its last ``evaluations``; then add one per step."""
    lines = (source / "journal.jsonl").read_bytes().splitlines(keepends=True)
    trials = [place for place, line in enumerate(lines) if b'"kind":"trial"' in line[:40]]
    target.mkdir()
    shutil.copy(source / "settings.yaml", target)
    begin = 0
    for end in trials[-evaluations - 1 :]:
        with (target / "journal.jsonl").open("ab") as file:
            file.write(b"".join(lines[begin : end + 1]))
        begin = end + 1
        yield


def processor_seconds(process: int) -> float:
    """Return the processor time of a process so far, in seconds."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def watch(run: Path, folder: Path, seconds: float) -> None:
    """Watch the last part of the run for ``seconds``, and print the cost."""
    steps = happening(run, folder, round(seconds / STEP_S))
    next(steps)
    command = [sys.executable, "-m", "instructzero", "watch", str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as server:
        assert server.stdout is not None
        root, _, token = server.stdout.readline().strip().partition("?")
        address = f"{root}1/?{token}"
        began = time.monotonic()
        _get(address)
        print(f"watch: first page after {time.monotonic() - began:.1f} s", flush=True)
        began, before = time.monotonic(), processor_seconds(server.pid)
        versions, asked = [], began
        for _ in steps:
            time.sleep(STEP_S)
            if time.monotonic() - asked >= ASK_EVERY_S:
                asked = time.monotonic()
                version = json.loads(_get(f"{root}1/state?{token}"))["version"]
                if version not in versions:
                    versions.append(version)
                    _get(address)
        took, wall = processor_seconds(server.pid) - before, time.monotonic() - began
        print(f"watch: {len(versions) - 1} newer pages in {wall:.0f} s, {100 * took / wall:.1f} % of a core")
        server.terminate()


def scroll(page_file: Path) -> None:
    """Scroll through the page, first as it opens, then fully unfolded, and print the times between frames."""
    with opened(page_file, width=1440) as page:
        for state in ("as it opens", "all unfolded"):
            gaps = np.diff(page.evaluate(SCROLL))
            middle, high = np.median(gaps), np.percentile(gaps, 95)
            print(
                f"scrolling, {state}: {len(gaps)} frames, median {middle:.0f} ms, 95 % within {high:.0f} ms", flush=True
            )
            page.evaluate("document.querySelectorAll('details').forEach(details => { details.open = true; })")


def _get(address: str) -> bytes:
    with urlopen(address, timeout=600) as response:
        content: bytes = response.read()
        return content


def main() -> None:
    """Parse the command line and run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--evaluations", type=int, default=5000)
    parser.add_argument("--seconds", type=float, default=300.0, help="how long to watch")
    arguments = parser.parse_args()
    print(describe())
    with TemporaryDirectory() as folder:
        run = Path(folder) / "run"
        make_run(run, arguments.evaluations)
        size = (run / "journal.jsonl").stat().st_size
        print(f"{arguments.evaluations:,} evaluations, a journal of {size / 1e6:.1f} MB", flush=True)
        began, spent = time.perf_counter(), time.process_time()
        page = write_report(run)
        seconds, processor = time.perf_counter() - began, time.process_time() - spent
        megabytes = page.stat().st_size / 1e6
        print(f"page: {seconds:.1f} s ({processor:.1f} s of processor time), {megabytes:.1f} MB", flush=True)
        if CHROMIUM is None:
            print("scrolling: not measured, Chromium is not installed")
        else:
            scroll(page)
        watch(run, Path(folder) / "again", arguments.seconds)


if __name__ == "__main__":
    main()
