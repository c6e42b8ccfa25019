"""Readers of a run directory that somebody else sent: they run no code, send nothing, and change nothing of the user's.

The directory holds a finished run, whose settings are then replaced and whose files become links. A snapshot of all
other files, and a proxy that records every host, show what the readers do.
"""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

import instructzero
from instructzero.cli.options import FORMATS
from instructzero.errors import InstructZeroError
from instructzero.report.html import Html
from instructzero.testing.proxy import Proxy
from instructzero.watch.followed import FollowedRun
from tests.command_line import Call

WORDS = [(word, word[::-1]) for word in "ape bee cat dog eel fox gnu hen ibex jay koi lynx".split()]
SIZES = {
    "evaluations": 8, "initial": 4, "batch": 4, "exemplars": 2, "validation": 3, "test": 3, "confirmation": 0,
    "answer_tokens": 8, "racing": False, "method": "uniform", "shots": 0,
}  # fmt: skip
EVIL = """
import pathlib
pathlib.Path(__file__).with_name("ran").touch()
def score(prediction, outputs): return 1.0
def answer(prompt): return "yes"
class Search: pass
"""
NAME = "f" * 32
SETTINGS: dict[str, dict[str, Any]] = {
    "code": {"metric": "0.5*exact_match + 0.5*evil:score", "method": "python:evil:Search", "rewriter": "blackbox",
             "blackbox": "python:evil:answer", "writer": "python:evil:answer"},
    "code that is imported before a faulty part": {"metric": "0.5*evil:score + 0.5*no_such_metric"},
    "judge": {"metric": "judge", "judge": "python:evil:answer"},
    "hosts": {"blackbox": "openai:m", "base_url": "http://evil.invalid/v1", "writer": "openai:w",
              "header": ["x-token: env:HOME"], "key_env": "HOME"},
    "data set": {"task": "hf:evil/data", "test_data": "hf:evil/more", "blackbox": "hf:evil/model"},
    "task that names a metric": {"task": "{folder}/task.json", "metric": None},
    "task that is a pipe": {"task": "{folder}/pipe.csv"},
    "store of another program": {"store": "{outside}/other.sqlite"},
    "store that is missing": {"store": "{outside}/new.sqlite"},
    "store that is no database": {"store": "{outside}/secret.txt"},
}  # fmt: skip
TEXTS = [form for form in FORMATS if form != "figures"]
LINKED = ("settings.yaml", "journal.jsonl", "result.json", "run-id", "calls.sqlite", "instruction.txt", "waiting.json")


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run."""
    folder = tmp_path_factory.mktemp("finished")
    task = folder / "words.jsonl"
    task.write_text("\n".join(json.dumps({"input": word, "output": back}) for word, back in WORDS), encoding="utf-8")
    instructzero.optimize(task, writer="scripted:phrases", blackbox="scripted:obey", directory=folder / "run", **SIZES)
    return folder / "run"


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """The user's folder, with a text and another program's database; the working directory has a module to import."""
    folder = tmp_path / "outside"
    folder.mkdir()
    (folder / "secret.txt").write_text("the user's own\n", encoding="utf-8")
    (folder / "run-id").write_text(f"{NAME}\n", encoding="utf-8")
    (folder / "pictures").mkdir()
    connection = sqlite3.connect(folder / "other.sqlite")
    connection.execute("CREATE TABLE accounts (name TEXT)")
    connection.close()
    (tmp_path / "evil.py").write_text(EVIL, encoding="utf-8")
    return folder


@pytest.fixture
def receive(tmp_path: Path, finished: Path, outside: Path) -> Callable[..., Path]:
    """Return a function that puts a received run into a folder, with other settings and a name of another machine."""

    def put(name: str = "received", /, **settings: Any) -> Path:
        folder = tmp_path / name
        shutil.copytree(finished, folder)
        (folder / "run-id").write_text(f"{NAME}\n", encoding="utf-8")
        os.mkfifo(folder / "pipe.csv")
        task = {"metric": "evil:score", "examples": [{"input": word, "output": back} for word, back in WORDS]}
        (folder / "task.json").write_text(json.dumps(task), encoding="utf-8")
        places = {"folder": str(folder), "outside": str(outside)}
        named = {key: value.format(**places) if isinstance(value, str) else value for key, value in settings.items()}
        known = yaml.safe_load((folder / "settings.yaml").read_text(encoding="utf-8"))
        (folder / "settings.yaml").write_text(yaml.safe_dump(known | named), encoding="utf-8")
        return folder

    return put


@pytest.fixture
def watched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, outside: Path) -> Iterator[None]:
    """Check at the end that no host was asked, no code was run, and nothing besides the received runs has changed."""
    before = snapshot(tmp_path)
    sys.modules.pop("evil", None)
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test-1234567890")
    with Proxy() as proxy:
        for name, value in proxy.environment.items():
            monkeypatch.setenv(name, value)
        yield
        assert proxy.asked == []
    assert snapshot(tmp_path) == before
    assert "evil" not in sys.modules


def snapshot(folder: Path) -> dict[str, Any]:
    """Return the kind, content and time of every file below a folder, the received runs aside."""
    found: dict[str, Any] = {}
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder))
        if name.startswith(("received", "words.jsonl", "home", "made")) or "__pycache__" in name:
            continue
        status = path.lstat()
        content = path.read_bytes() if path.is_file() else os.readlink(path) if path.is_symlink() else None
        found[name] = status.st_mode, status.st_mtime_ns, content
    return found


def look(command_line: Call, run: Path, made: Path, formats: Sequence[str] = ("csv",)) -> list[tuple[int, str, str]]:
    """Read a run with every command, and return the exit codes and outputs."""
    made.mkdir()
    said = [
        command_line("report", run),
        command_line("calls", run, "--export", made / "calls.jsonl"),
        command_line("compare", run, run.with_name("received-too")),
        *(command_line("export", run, "--format", form, "--out", made / form) for form in formats),
    ]
    followed = FollowedRun(run)
    followed.refresh()
    if followed.progress is not None:
        try:
            followed.page("1", Html(""))
        except InstructZeroError as error:
            said.append((2, "", str(error)))
    return said


@pytest.mark.parametrize("kind", SETTINGS)
@pytest.mark.usefixtures("watched")
def test_readers_of_hostile_settings_run_nothing_and_send_nothing(
    kind: str, receive: Callable[..., Path], command_line: Call, tmp_path: Path
) -> None:
    run = receive(**SETTINGS[kind])
    receive("received-too", **SETTINGS[kind])
    for code, _, err in look(command_line, run, tmp_path / "made", TEXTS if kind in ("code", "hosts") else ("csv",)):
        assert code in (0, 2), err
        assert "Traceback" not in err
    if "store" not in SETTINGS[kind]:
        assert (run / "report.html").stat().st_size > 10_000
        assert (tmp_path / "made" / "csv").exists()


@pytest.mark.parametrize("name", LINKED)
@pytest.mark.usefixtures("watched")
def test_file_that_is_a_link_is_refused_and_its_target_stays(
    name: str, receive: Callable[..., Path], command_line: Call, tmp_path: Path, outside: Path
) -> None:
    run = receive()
    target = outside / ("run-id" if name == "run-id" else "secret.txt")
    (run / name).unlink(missing_ok=True)
    (run / name).symlink_to(target)
    said = look(command_line, run, tmp_path / "made")
    for code, _, err in said:
        assert code in (0, 2)
        assert "Traceback" not in err
    if name in ("settings.yaml", "journal.jsonl", "result.json", "run-id", "calls.sqlite"):
        assert any("symbolic link" in err for _, _, err in said)


@pytest.mark.parametrize("name", ["settings.yaml", "journal.jsonl", "result.json", "run-id", "calls.sqlite"])
@pytest.mark.usefixtures("watched")
def test_file_that_is_a_pipe_is_refused_and_not_waited_for(
    name: str, receive: Callable[..., Path], command_line: Call, tmp_path: Path
) -> None:
    run = receive()
    (run / name).unlink()
    os.mkfifo(run / name)
    said = look(command_line, run, tmp_path / "made")
    assert all(code in (0, 2) and "Traceback" not in err for code, _, err in said)
    assert any(code == 2 for code, _, _ in said)


@pytest.mark.usefixtures("watched")
def test_links_in_the_place_of_outputs_are_replaced_or_refused(
    receive: Callable[..., Path], command_line: Call, outside: Path
) -> None:
    run = receive()
    for name in ("report.html", "report.tmp", "result.tmp", "out.csv"):
        (run / name).unlink(missing_ok=True)
        (run / name).symlink_to(outside / "secret.txt")
    assert command_line("report", run)[0] == 0
    assert not (run / "report.html").is_symlink()
    code, _, err = command_line("export", run, "--format", "csv", "--out", run / "out.csv")
    assert code == 2
    assert "a link in a run directory" in err
    (run / "figures").symlink_to(outside / "pictures")
    code, _, err = command_line("export", run, "--format", "figures")
    assert code == 2
    assert "got the link" in err
    (run / "figures").unlink()
    (run / "figures").mkdir()
    (run / "figures" / "best-by-calls.png").symlink_to(outside / "secret.txt")
    assert command_line("export", run, "--format", "figures")[0] == 0
    assert not (run / "figures" / "best-by-calls.png").is_symlink()


@pytest.mark.parametrize("name", ["calls.sqlite", "calls.sqlite-wal", "calls.sqlite-claims", "lock", "journal.jsonl"])
@pytest.mark.usefixtures("watched")
def test_run_into_a_directory_with_links_writes_nothing_through_them(
    name: str, receive: Callable[..., Path], command_line: Call, tmp_path: Path, outside: Path
) -> None:
    run = receive()
    (run / name).unlink(missing_ok=True)
    (run / name).symlink_to(outside / "new.txt")
    flags = [part for key, value in SIZES.items() for part in (f"--{key.replace('_', '-')}", value) if key != "racing"]
    models = ("--writer", "scripted:phrases", "--blackbox", "scripted:obey")
    for further in ((), ("--overwrite",)):
        code, _, err = command_line("run", "--task", "words.jsonl", *models, *flags, "--out", run, *further)
        assert code in (0, 2)
        assert "Traceback" not in err


def test_run_in_a_read_only_directory_is_read(finished: Path, tmp_path: Path) -> None:
    """A root user without the capability to write everywhere is as any other user."""
    run = tmp_path / "run"
    shutil.copytree(finished, run)
    run.chmod(0o500)
    as_user = [] if os.geteuid() else ["setpriv", "--bounding-set=-dac_override"]
    if as_user and shutil.which(as_user[0]) is None:
        pytest.skip("expected setpriv for a test as root")
    code = (
        "import sys\nfrom instructzero.cli import app as cli\n"
        "for words in [l.split('|') for l in sys.argv[1:]]:\n"
        "    sys.argv = ['instructzero', *words]\n"
        "    try: cli.main()\n    except SystemExit as exit: print('code', exit.code)\n"
    )
    out = tmp_path / "page.html"
    commands = [f"report|{run}", f"report|{run}|--out|{out}", f"calls|{run}", f"export|{run}|--format|csv"]
    said = subprocess.run(
        [*as_user, sys.executable, "-c", code, *commands], capture_output=True, text=True, check=False, timeout=120
    )
    run.chmod(0o700)
    assert f"cannot write {run / 'report.html'}: Permission denied" in said.stderr
    assert "--out" in said.stderr
    assert said.stdout.count("code 2") == 1
    assert said.stdout.count("code 0") + said.stdout.count("code None") == 3, said.stderr
    assert out.exists()
