"""Four runs of the embedded pair begin at once in a fresh process; then two of them again, one after the other.

Prints True for each of the two if both journals are the same.
"""

import sys
import threading
from pathlib import Path

FOLDER = Path(sys.argv[1])
SEEDS = range(4)
failures = []


def run(seed, place):
    import instructzero  # in the thread: the first import is a part of the cold start

    sizes = {"evaluations": 4, "initial": 2, "batch": 2, "validation": 4, "confirmation": 2, "test": 4, "candidates": 4}
    instructzero.optimize("antonyms", seed=seed, out=FOLDER / place / str(seed), device="cpu", **sizes)


def attempt(seed):
    try:
        run(seed, "at-once")
    except BaseException as error:
        failures.append(f"{seed}: {type(error).__name__}: {error}")


threads = [threading.Thread(target=attempt, args=(seed,)) for seed in SEEDS]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(*failures, sep="\n", end="")
for seed in SEEDS[:2]:
    run(seed, "alone")
    first, second = (FOLDER / place / str(seed) / "journal.jsonl" for place in ("at-once", "alone"))
    print(first.read_bytes() == second.read_bytes())
