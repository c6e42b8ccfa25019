"""No request of any role goes to a host that the user did not name: a proxy records all of them, and lets none out.

An address that is not named is the official one of the model's service, or that of the black box for a model of the
same kind. Here all hosts are reached through the proxy, those on this machine too.
"""

from __future__ import annotations

import itertools
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import instructzero
from instructzero.cli.doctor import installation
from instructzero.errors import ConfigurationError, InstructZeroError
from instructzero.exports.python import script
from instructzero.exports.shell import curl
from instructzero.models import retrying
from instructzero.models.packed import embedded_folder
from instructzero.models.scripted import obey
from instructzero.testing import Endpoint
from instructzero.testing.proxy import Proxy
from instructzero.testing.writer_server import WriterServer
from tests.exports.askings import make_asking

WORDS = [(word, word[::-1]) for word in "ape bee cat dog eel fox gnu hen ibex jay koi lynx".split()]
SIZES = {
    "evaluations": 2, "initial": 2, "batch": 2, "exemplars": 2, "validation": 3, "test": 3, "confirmation": 0,
    "answer_tokens": 8, "method": "ape", "stop_early": False, "racing": False, "retries": 0, "timeout": 20,
}  # fmt: skip
OFFICIAL = {"openai": "api.openai.com", "anthropic": "api.anthropic.com"}
MODELS = [None, ("openai", True), ("openai", False), ("anthropic", True), ("anthropic", False)]
"""The kind of a role's model, and True if the user names its address; None for no model behind an API."""


def answer(prompt: str) -> str:
    if "Grade one answer" in prompt:
        return "Grade: 7"
    if "<prompt>" in prompt:
        return "<prompt>reverse it</prompt>"
    return obey(prompt) or "5"


@pytest.fixture(autouse=True)
def _keyed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retrying, "_FIRST_WAIT_S", 0.001)
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test-1234567890")
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-ant-1234567890")
    for name in ("OPENAI_BASE_URL", "ANTHROPIC_BASE_URL"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def proxy(monkeypatch: pytest.MonkeyPatch) -> Iterator[Proxy]:
    """Put the recording proxy in front of everything; the hosts that a test names are answered on this machine."""
    with Endpoint(answer, models=["m"]) as endpoint:
        named = dict.fromkeys(("box.invalid", "judge.invalid", "pen.invalid", "gateway.invalid"), endpoint.root)
        with Proxy(named) as proxy:
            for name, value in proxy.environment.items():
                monkeypatch.setenv(name, value)
            yield proxy


def addresses(box: Any, judge: Any, writer: Any) -> tuple[dict[str, Any], set[str]]:
    """Return the settings of three roles, and the hosts that the user means by them."""
    settings: dict[str, Any] = {"writer": "scripted:phrases", "blackbox": "scripted:obey"}
    hosts = set()
    roles = {"blackbox": ("base_url", "box", box), "judge": ("judge_url", "judge", judge)}
    for name, (setting, host, model) in (roles | {"writer": ("writer_url", "pen", writer)}).items():
        if model is None:
            continue
        kind, is_named = model
        settings[name] = f"{kind}:m"
        if is_named:
            settings[setting] = f"http://{host}.invalid/{'v1' if kind == 'openai' else ''}"
            hosts.add(f"{host}.invalid")
        else:
            shared = box == (kind, True) and name != "blackbox"
            hosts.add("box.invalid" if shared else OFFICIAL[kind])
    return settings | ({"metric": "judge"} if judge else {}), hosts


def outcome(directory: Path, settings: dict[str, Any]) -> str:
    """Return the error of a run, "" for none."""
    try:
        instructzero.optimize(WORDS, directory=directory, **SIZES, **settings)
    except InstructZeroError as error:
        return str(error)
    return ""


@pytest.mark.parametrize("box", MODELS[1:], ids=str)
@pytest.mark.parametrize("judge", MODELS, ids=str)
def test_run_asks_only_hosts_that_the_user_named(tmp_path: Path, proxy: Proxy, box: Any, judge: Any) -> None:
    for number, writer in enumerate(MODELS):
        proxy.asked.clear()
        settings, hosts = addresses(box, judge, writer)
        error = outcome(tmp_path / str(number), settings)
        assert proxy.hosts <= hosts, settings
        if hosts & set(OFFICIAL.values()):
            assert "cannot be reached" in error, "the proxy lets nothing out"
        else:
            assert (error, proxy.hosts) == ("", hosts)


def test_address_from_the_environment_is_named(tmp_path: Path, proxy: Proxy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", "http://gateway.invalid/v1")
    settings, _ = addresses(("openai", False), ("openai", False), ("openai", False))
    assert outcome(tmp_path / "run", settings) == ""
    assert proxy.hosts == {"gateway.invalid"}


def test_address_of_a_black_box_without_one_is_refused_before_a_request(tmp_path: Path, proxy: Proxy) -> None:
    """Without the refusal, the judge or the writer would be asked at the official address."""
    for judge, writer in (("openai", None), (None, "anthropic")):
        settings, _ = addresses(None, judge and (judge, False), writer and (writer, False))
        with pytest.raises(ConfigurationError, match=r"is --(judge|writer)-url"):
            instructzero.optimize(
                WORDS, directory=tmp_path / "run", base_url="http://box.invalid/v1", **SIZES, **settings
            )
    assert proxy.asked == []


def test_served_writer_is_asked_at_its_address(tmp_path: Path, proxy: Proxy) -> None:
    with WriterServer(str(embedded_folder() / "writer")) as server:
        proxy.route("server.invalid", server.url)
        settings, hosts = addresses(("openai", True), ("openai", False), None)
        settings |= {"writer": f"vllm:{embedded_folder() / 'writer'}", "writer_url": "http://server.invalid"}
        assert outcome(tmp_path / "run", settings) == ""
    assert proxy.hosts == hosts | {"server.invalid"}


def test_dry_run_asks_nobody(command_line, task_file: Path, proxy: Proxy) -> None:
    for box, judge, writer in itertools.product(MODELS[1:], MODELS[:3], MODELS[:3]):
        settings, _ = addresses(box, judge, writer)
        flags = [part for name, value in settings.items() for part in (f"--{name.replace('_', '-')}", value)]
        code, _, err = command_line("run", "--task", task_file, "--method", "ape", "--dry-run", *flags)
        assert code == 0, err
    assert proxy.asked == []


def test_doctor_asks_only_hosts_that_the_user_named(
    command_line, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(installation, "examine_installation", lambda: iter(()))  # it loads the embedded models
    for box, judge, writer in itertools.product(MODELS[1:], MODELS, MODELS[:3]):
        proxy.asked.clear()
        settings, hosts = addresses(box, judge, writer)
        flags = [
            part
            for name, value in settings.items()
            if name != "metric"
            for part in (f"--{name.replace('_', '-')}", value)
        ]
        code, out, _ = command_line("doctor", *flags)
        assert proxy.hosts == hosts
        assert code == (1 if hosts & set(OFFICIAL.values()) else 0), out


@pytest.mark.parametrize("address", ["http://box.invalid", "http://box.invalid/wrong", "https://box.invalid:8000"])
def test_doctor_looks_for_the_right_address_on_the_same_host(command_line, proxy: Proxy, address: str) -> None:
    code, out, _ = command_line("doctor", "--blackbox", "openai:m", "--base-url", address, "--timeout", "1")
    assert code == 1
    assert "fix" in out
    assert proxy.hosts == {"box.invalid"}


@pytest.mark.parametrize("official", [True, False])
@pytest.mark.parametrize("kind", ["openai", "anthropic"])
def test_exports_ask_only_hosts_that_the_user_named(proxy: Proxy, kind: str, official: bool) -> None:
    named = "http://box.invalid/v1" if kind == "openai" else "http://box.invalid"
    address = {"openai": "https://api.openai.com/v1", "anthropic": "https://api.anthropic.com"}[kind]
    asking = make_asking(kind=kind, endpoint=address if official else named, official=official)
    codes = {(sys.executable, "-c"): script(asking), ("sh", "-c"): curl(asking)}
    for command, code in codes.items():
        if shutil.which("curl") is None and command[0] == "sh":
            continue
        proxy.asked.clear()
        subprocess.run([*command, code, "ape"], capture_output=True, check=False, timeout=60, stdin=subprocess.DEVNULL)
        assert proxy.hosts == {OFFICIAL[kind] if official else "box.invalid"}, command
