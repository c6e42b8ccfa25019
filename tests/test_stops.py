"""Runs that are stopped by a signal: once, twice, or by the only signal that they do not ignore."""

from __future__ import annotations

import os
import signal
import time

import pytest

from instructzero.models.scripted import obey
from instructzero.testing import Endpoint
from tests.killed_runs import CommandLine, wait_until

QUICK = ("--writer", "scripted:phrases", "--evaluations", "8", "--initial", "4", "--batch", "4", "--plain")


def arguments(task_file, directory, endpoint):
    return [
        *("run", "--task", str(task_file), "--out", str(directory), *QUICK),
        *("--blackbox", "openai:m", "--base-url", endpoint.base_url),
    ]


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129), (signal.SIGINT, 130)])
def test_signal_waits_for_open_requests_and_names_resume(tmp_path, task_file, number, code):
    with Endpoint(obey, latency=0.4) as endpoint:
        process = CommandLine(arguments(task_file, tmp_path / "run", endpoint), tmp_path / "log")
        wait_until(lambda: endpoint.in_flight and endpoint.billed.total() > 2)
        process.send(number)
        assert process.wait(30) == code
        stopped = endpoint.received.total()
        assert stopped == endpoint.billed.total()  # the open requests were answered
        log = (tmp_path / "log").read_text()
        assert f"instructzero resume {tmp_path / 'run'}" in log
        assert "Traceback" not in log
        endpoint.latency = 0.0
        again = CommandLine(["resume", str(tmp_path / "run"), "--plain"], tmp_path / "log")
        assert again.wait(60) == 0
        assert set(endpoint.received.values()) == {1}


def test_second_signal_does_not_wait_for_open_requests(tmp_path, task_file):
    with Endpoint(obey) as endpoint:
        process = CommandLine(arguments(task_file, tmp_path / "run", endpoint), tmp_path / "log")
        wait_until(lambda: endpoint.billed.total() > 2)
        endpoint.latency = 60.0
        wait_until(lambda: endpoint.in_flight)
        process.send(signal.SIGTERM)
        assert not process.wait_at_most(1.5)
        process.send(signal.SIGTERM)
        begun = time.monotonic()
        assert process.wait(30) == 143
        assert time.monotonic() - begun < 5
        assert "Traceback" not in (tmp_path / "log").read_text()


def test_run_that_ignores_ctrl_c_and_hangup_goes_on_and_ends_by_sigterm(tmp_path, task_file):
    with Endpoint(obey, latency=0.1) as endpoint:
        ignored = signal.SIGINT, signal.SIGHUP  # as with `nohup`, or the & of a script
        process = CommandLine(arguments(task_file, tmp_path / "run", endpoint), tmp_path / "log", ignored=ignored)
        for number in ignored:
            before = endpoint.billed.total()
            wait_until(lambda before=before: endpoint.billed.total() > before)
            process.send(number)
        before = endpoint.billed.total()
        wait_until(lambda: endpoint.billed.total() > before + 2)
        assert process.is_alive
        process.send(signal.SIGTERM)
        assert process.wait(30) == 143
        assert "Traceback" not in (tmp_path / "log").read_text()
        assert endpoint.received == endpoint.billed


def test_closed_terminal_ends_the_run_in_an_orderly_way(tmp_path, task_file):
    with Endpoint(obey, latency=0.2) as endpoint:
        ours, theirs = os.openpty()
        process = CommandLine(arguments(task_file, tmp_path / "run", endpoint), os.ttyname(theirs))
        wait_until(lambda: endpoint.billed.total() > 2)
        os.close(theirs)
        os.close(ours)
        assert process.wait(30) == 129
        assert endpoint.received == endpoint.billed
