"""Tests of the command `instructzero watch`."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import urlopen

import pytest

from tests.watch.growing import GrowingRun

WATCH = (sys.executable, "-m", "instructzero", "watch")


BROWSER = """
import pathlib, sys, time, urllib.parse
page = pathlib.Path(urllib.parse.unquote(urllib.parse.urlsplit(sys.argv[2]).path))
modes = f"{page.parent.stat().st_mode & 0o777:o}"
pathlib.Path(sys.argv[1]).write_text(f"{sys.argv[2]} {modes} {page.read_text()}")
"""


@pytest.mark.usefixtures("ctrl_c")
def test_watch_prints_address_opens_it_waits_for_run_and_stops_on_ctrl_c(tmp_path, recorded):
    """The browser's arguments, which all users of the machine can see, do not hold the token."""
    run = GrowingRun(tmp_path / "run", recorded).begin().add_until(4)
    (tmp_path / "browser.py").write_text(BROWSER)
    process = subprocess.Popen(
        [*WATCH, "--open", str(run.path), str(tmp_path / "none"), f"{run.path}/"],
        env={**os.environ, "BROWSER": f"{sys.executable} {tmp_path / 'browser.py'} {tmp_path / 'opened'} %s"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        address = process.stdout.readline().strip()
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+/\?token=[\w-]{32}", address)
        with urlopen(address, timeout=60) as page:
            assert "0 of 2 runs finished" in page.read().decode()
        while not (tmp_path / "opened").exists():
            time.sleep(0.05)
    finally:
        process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (0, "")
    assert f"there is no run in {tmp_path / 'none'} yet; waiting for one" in err
    assert "Traceback" not in err
    assert not (tmp_path / "none").exists()
    opened, mode, content = (tmp_path / "opened").read_text().split(" ", 2)
    assert address.partition("=")[2] not in opened
    assert mode == "700"
    assert f"url={address}" in content
    assert not Path(urlsplit(opened).path).exists()


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
