"""The command ``python -m fuzzing``."""

from __future__ import annotations

import argparse
import math
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from itertools import count
from pathlib import Path


def main() -> None:
    """Run cases until the time is over or all are done, print the failures, and exit with 1 if there are any."""
    asked = _arguments()
    _prepare_process()
    from fuzzing.kinds import KINDS
    from fuzzing.steps import LASTING
    from fuzzing.watching import Laboratory

    with LASTING, tempfile.TemporaryDirectory(prefix="fuzzing-") as folder:
        laboratory = Laboratory(Path(folder) if asked.case is None else Path(tempfile.mkdtemp(prefix="fuzzing-")))
        done: Counter[str] = Counter()
        failures = 0
        for kind, number in _cases(asked, [asked.kind] if asked.kind else list(KINDS)):
            done[kind] += 1
            trouble = laboratory.run(kind, asked.seed, number, keep=asked.case is not None)
            if trouble:
                failures += 1
                print(f"--- {kind}, seed {asked.seed}, case {number}\n{trouble}\n", flush=True)
    counts = ", ".join(f"{number:,} {kind}" for kind, number in done.items())
    print(f"{sum(done.values()):,} inputs ({counts}), {failures:,} failures")
    sys.exit(1 if failures else 0)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m fuzzing", description="Feed the package with inputs of strangers.")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--kind", help="one kind of input only")
    parser.add_argument("--cases", type=int, help="this number of inputs of every kind, instead of seconds")
    parser.add_argument("--case", type=int, help="one case only; its folder is kept")
    return parser.parse_args()


def _cases(asked: argparse.Namespace, kinds: list[str]) -> Iterator[tuple[str, int]]:
    """Yield kinds and numbers of cases, the kinds in turn, until the time is over."""
    if asked.case is not None:
        yield kinds[0], asked.case
        return
    end = time.monotonic() + asked.seconds if asked.cases is None else math.inf
    for number in count() if asked.cases is None else range(asked.cases):
        for kind in kinds:
            if time.monotonic() > end:
                return
            yield kind, number


def _prepare_process() -> None:
    """Keep this process on this machine, and away from the user's files and keys."""
    from tests.loopback_only import stay_on_loopback

    stay_on_loopback()
    home = tempfile.mkdtemp(prefix="fuzzing-home-")
    for name in [name for name in os.environ if name.endswith(("_KEY", "_TOKEN")) or name.startswith("INSTRUCTZERO_")]:
        del os.environ[name]
    os.environ |= {"HOME": home, "HF_HOME": home, "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1", "COLUMNS": "100"}


main()
