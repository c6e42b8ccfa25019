"""Tests of the command `instructzero watch`."""

import re
import signal
import subprocess
import sys
from urllib.request import urlopen

import pytest

from tests.watch.growing import GrowingRun

WATCH = (sys.executable, "-m", "instructzero", "watch")


def test_watch_prints_address_waits_for_run_and_stops_on_ctrl_c(tmp_path, recorded):
    run = GrowingRun(tmp_path / "run", recorded).begin().add_until(4)
    process = subprocess.Popen(
        [*WATCH, str(run.path), str(tmp_path / "none"), f"{run.path}/"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        address = process.stdout.readline().strip()
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+/", address)
        with urlopen(address, timeout=60) as page:
            assert "0 of 2 runs finished" in page.read().decode()
    finally:
        process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (0, "")
    assert f"there is no run in {tmp_path / 'none'} yet; waiting for one" in err
    assert "Traceback" not in err
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [(["settings.yaml"], "expected the directory of a run, got the file"), (["--port", "70000", "."], "65535")],
)
def test_watch_with_bad_input_is_refused(tmp_path, arguments, message):
    (tmp_path / "settings.yaml").touch()
    done = subprocess.run([*WATCH, *arguments], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr
