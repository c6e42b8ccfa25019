"""A black box that counts its calls in a file, and can kill its own process after a given time.

CALLS_FILE names the file, which has one line per call. KILL_AFTER_SECONDS is the time after loading, and CALLS_STORE
the call store of the run. An answer in flight at the moment of a kill is lost, so the kill waits until every counted
call is in the store, and blocks new calls meanwhile.
"""

import os
import signal
import sqlite3
import threading
import time
import zlib
from pathlib import Path

from instructzero.models.scripted import PHRASES, obey

_lock = threading.Lock()
_calls = Path(os.environ["CALLS_FILE"])


def answer(prompt):
    _count()
    return obey(prompt)


def write(prompt):
    """Answer as a writer that is asked for several instructions."""
    _count()
    number = zlib.crc32(prompt.encode())
    texts = (f"{PHRASES[(number + place) % len(PHRASES)]}, as in {number % 997}" for place in range(4))
    return "\n".join(f"<prompt>{text}</prompt>" for text in texts)


def _count():
    time.sleep(0.002)
    with _lock, _calls.open("a") as file:
        file.write("call\n")


def _no_call_in_flight():
    counted = len(_calls.read_text().splitlines()) if _calls.exists() else 0
    store = Path(os.environ["CALLS_STORE"])
    if not store.exists():
        return counted == 0
    try:
        with sqlite3.connect(store, timeout=5) as connection:
            return connection.execute("SELECT count(*) FROM calls").fetchone()[0] == counted
    except sqlite3.OperationalError:  # the table is being created
        return counted == 0


def _kill():
    time.sleep(float(os.environ["KILL_AFTER_SECONDS"]))
    while True:
        with _lock:
            if _no_call_in_flight():
                os.kill(os.getpid(), signal.SIGKILL)
        time.sleep(0.001)


if "KILL_AFTER_SECONDS" in os.environ:
    threading.Thread(target=_kill, daemon=True).start()
