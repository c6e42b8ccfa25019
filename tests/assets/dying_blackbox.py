"""A black box that logs its calls, and kills its own process.

CALLS_FILE names the log, which has one prompt per line. A process counts its own calls and dies at the call with the
number DIE_AT, unless the file named by DEATH_FILE exists, which means that a process has died before. A plain function
is called once at a time, so no other call is in flight. A pause before the kill lets the previous answer be stored.
"""

import os
import signal
import time
from pathlib import Path

from instructzero.models.scripted import obey

_count = 0


def answer(prompt):
    global _count
    _count += 1
    if _count == int(os.environ.get("DIE_AT", "-1")):
        _die_once()
    with Path(os.environ["CALLS_FILE"]).open("a", encoding="utf-8") as file:
        file.write(f"{prompt!r}\n")
    return obey(prompt)


def _die_once():
    if "DEATH_FILE" in os.environ:
        try:
            Path(os.environ["DEATH_FILE"]).touch(exist_ok=False)
        except FileExistsError:
            return
    time.sleep(0.5)
    os.kill(os.getpid(), signal.SIGKILL)
