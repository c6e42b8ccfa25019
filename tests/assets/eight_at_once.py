"""Eight runs of the embedded pair begin at once in a fresh process, half of them on one call store.

Two of the runs are then repeated alone. Prints True for each run that they repeat if both journals are the same, and
the numbers of answers and of payments in the shared store.
"""

import sys
import threading
from pathlib import Path

FOLDER = Path(sys.argv[1])
STORE = FOLDER / "calls.sqlite"
RUNS = [(f"apart-{seed}", seed, None) for seed in range(4)] + [
    (f"shared-{seed}-{twin}", seed, STORE) for seed in range(2) for twin in "ab"
]
failures = []


def run(place, seed, store):
    import instructzero  # in the thread: the first import is a part of the cold start

    sizes = {"evaluations": 4, "initial": 2, "batch": 2, "validation": 4, "confirmation": 2, "test": 4, "candidates": 4}
    instructzero.optimize("antonyms", seed=seed, out=FOLDER / place, store=store, device="cpu", **sizes)


def attempt(place, seed, store):
    barrier.wait()
    try:
        run(place, seed, store)
    except BaseException as error:
        failures.append(f"{place}: {type(error).__name__}: {error}")


def journal(place):
    return (FOLDER / place / "journal.jsonl").read_bytes()


barrier = threading.Barrier(len(RUNS))
threads = [threading.Thread(target=attempt, args=each) for each in RUNS]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(*failures, sep="\n", end="")
for alone in range(2):
    run(f"alone-{alone}", alone, None)
    print(*(journal(f"alone-{alone}") == journal(place) for place, seed, _ in RUNS if seed == alone))

from instructzero.calls.store import CallStore  # noqa: E402

with CallStore(STORE) as answers:
    print(len(answers), sum(account.usage.calls for account in answers.accounts()))
