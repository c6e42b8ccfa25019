"""A stand-in for Slurm on one machine: sbatch, srun, sacct and scancel, as far as jobs of one task need them.

Jobs start immediately. SLURM_STATE names the folder in which every job stores its process group and its state.
"""

import os
import re
import signal
import subprocess
import sys
from contextlib import suppress
from itertools import pairwise
from pathlib import Path

STATE = Path(os.environ["SLURM_STATE"])


def sbatch(script):
    number = 1 + max((int(path.name) for path in STATE.iterdir()), default=0)
    folder = STATE / str(number)
    folder.mkdir()
    (folder / "state").write_text("RUNNING")
    command = [sys.executable, __file__, "supervise", str(number), script]
    quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    process = subprocess.Popen(command, start_new_session=True, **quiet)
    (folder / "group").write_text(str(process.pid))
    print(f"Submitted batch job {number}")


def supervise(number, script):
    """Run the script of a job to completion."""
    environment = {"SLURM_JOB_ID": number, "SLURM_NTASKS": "1", "SLURM_JOB_NUM_NODES": "1"}
    status = subprocess.call(["bash", script], env={**os.environ, **environment})
    state = STATE / number / "state"
    if state.read_text() == "RUNNING":
        state.write_text("FAILED" if status else "COMPLETED")


def srun(*words):
    """Run one task. Options come first; --output and --error take a value."""
    words, streams = list(words), {}
    while words[0].startswith("--"):
        option = words.pop(0)
        if option in ("--output", "--error"):
            streams[option] = re.sub("%[jt]", lambda found: _number(found[0]), words.pop(0))
    place = {"SLURM_PROCID": "0", "SLURM_LOCALID": "0", "SLURM_NODEID": "0"}
    with open(streams["--output"], "a") as out, open(streams["--error"], "a") as error:
        task = subprocess.Popen(words, stdout=out, stderr=error, env={**os.environ, **place})
        (STATE / os.environ["SLURM_JOB_ID"] / "task").write_text(str(task.pid))
        sys.exit(task.wait() and 1)


def _number(letter):
    return {"%j": os.environ["SLURM_JOB_ID"], "%t": "0"}[letter]


def sacct(*words):
    numbers = [after for word, after in pairwise(words) if word == "-j"]
    print("JobID|State|NodeList")
    for number in numbers:
        print(f"{number}|{(STATE / number / 'state').read_text()}|here")


def scancel(number):
    (STATE / number / "state").write_text("CANCELLED by 0")
    with suppress(OSError, ValueError):  # it has finished, or has not started
        os.kill(int((STATE / number / "task").read_text()), signal.SIGTERM)


if __name__ == "__main__":
    globals()[sys.argv[1]](*sys.argv[2:])
