"""The fuzzers with a fixed number of inputs; `make fuzz` runs them for longer, and with another seed."""

import re
import subprocess
import sys

import pytest

CASES = 60
"""Inputs of every kind."""

KINDS = 8


@pytest.mark.timeout(900)
def test_inputs_of_strangers_end_without_traceback_hang_or_change_outside():
    asked = [sys.executable, "-m", "fuzzing", "--cases", str(CASES), "--seed", "0"]
    done = subprocess.run(asked, capture_output=True, text=True, timeout=880)
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-2000:]
    assert re.search(rf"^{CASES * KINDS} inputs .*, 0 failures$", done.stdout, re.MULTILINE)
