"""A black box that counts its calls in a file, and can kill its own process at a given moment.

CALLS_FILE names the file: one line a call. KILL_AFTER_SECONDS is the moment, counted from when the black box is
loaded, and CALLS_STORE the run's call store. An answer that is on its way at the moment of a kill is lost to
anybody, so the kill waits for the moment when every counted call is in the store, and no call is counted meanwhile.
"""

import os
import signal
import sqlite3
import threading
import time
from pathlib import Path

from instructzero.models.scripted import obey

_lock = threading.Lock()
_calls = Path(os.environ["CALLS_FILE"])


def answer(prompt):
    time.sleep(0.002)
    with _lock, _calls.open("a") as file:
        file.write("call\n")
    return obey(prompt)


def _nothing_on_its_way():
    counted = len(_calls.read_text().splitlines()) if _calls.exists() else 0
    store = Path(os.environ["CALLS_STORE"])
    if not store.exists():
        return counted == 0
    try:
        with sqlite3.connect(store, timeout=5) as connection:
            return connection.execute("SELECT count(*) FROM calls").fetchone()[0] == counted
    except sqlite3.OperationalError:  # the table is being made
        return counted == 0


def _kill():
    time.sleep(float(os.environ["KILL_AFTER_SECONDS"]))
    while True:
        with _lock:
            if _nothing_on_its_way():
                os.kill(os.getpid(), signal.SIGKILL)
        time.sleep(0.001)


if "KILL_AFTER_SECONDS" in os.environ:
    threading.Thread(target=_kill, daemon=True).start()
