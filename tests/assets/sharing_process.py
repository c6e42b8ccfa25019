"""One of several processes that ask a slow black box the same questions through one store, until it is killed.

Arguments: the store, a log shared by all processes, the first question. A line of the log has "asked" or "stored", the
process id, and the numbers of the questions. Every line of the log is complete, even after a kill.
"""

import itertools
import os
import sys
import time

from instructzero.calls.call import Call
from instructzero.calls.store import CallStore
from instructzero.types import Completion, Message, Request, Usage

BATCH = 3
RUN = str(os.getpid())


def call(number):
    return Call.of({"backend": "slow"}, Request((Message("user", f"question {number}"),)))


def answer(number):
    return Completion(f"answer {number} " + "x" * (number % 300), 10, 1)


def ask(store, say, numbers):
    """Ask the questions that have no stored answer and that no other process has claimed."""
    mine = [number for number in numbers if store.get(call(number)) is None and store.claim(call(number))]
    unknown = [number for number in mine if store.get(call(number)) is None]
    if unknown:
        say("asked", unknown)
        time.sleep(0.002)
        store.put_many([(call(number), answer(number)) for number in unknown], run=RUN)
        say("stored", unknown)
        if unknown[0] % 5 == 0:
            store.put_many([], run=RUN, role="judge", lost=[Usage(1, 7, 7)])
    for number in mine:
        store.release(call(number))


def main():
    log = os.open(sys.argv[2], os.O_WRONLY | os.O_APPEND | os.O_CREAT)

    def say(what, numbers):
        os.write(log, f"{what} {RUN} {' '.join(map(str, numbers))}\n".encode())

    store, begin = CallStore(sys.argv[1]), int(sys.argv[3])
    for first in itertools.count(begin, BATCH):
        ask(store, say, range(first, first + BATCH))
        if first == begin:
            print("at work", flush=True)


if __name__ == "__main__":
    main()
