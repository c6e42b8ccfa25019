"""Run directories: a good one with one file damaged, replaced by a link or by a folder, or with wrong records."""

from __future__ import annotations

import contextlib
import io
import json
import shutil
import sqlite3
import tempfile
import zlib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import yaml

from fuzzing.hostile import changed, damaged, text, value
from fuzzing.steps import SMALL, Call, Command, command, flags, task_file
from instructzero.report.html import Html
from instructzero.watch.followed import FollowedRun

_FORMS = ("csv", "python", "curl", "dspy", "langchain", "promptfoo", "prompt", "figures")
_FILES = (
    "settings.yaml",
    "journal.jsonl",
    "result.json",
    "calls.sqlite",
    "run-id",
    "instruction.txt",
    "report.html",
    "wait.json",
)


@cache
def _good() -> tuple[Path, Path]:
    """Return two finished runs on the same task."""
    folder = Path(tempfile.mkdtemp(prefix="fuzzing-runs-"))
    task = task_file(folder)
    for name, seed in (("one", 0), ("other", 1)):
        with contextlib.suppress(SystemExit), contextlib.redirect_stdout(io.TextIOWrapper(io.BytesIO())):
            command("run", "--out", folder / name, "--quiet", *flags({**SMALL, "task": task, "seed": seed}))()
    return folder / "one", folder / "other"


def steps(random: Random, folder: Path, around: Path) -> Iterator[Command | Call]:
    """Damage a run, and read it with every command; at last continue it."""
    good, other = _good()
    run = folder / "run"
    shutil.copytree(good, run)
    for _ in range(random.choice((1, 1, 1, 2))):
        _damage(random, run, around)
    yield command("report", run, "--quiet")
    yield command("export", run, "--format", random.choice(_FORMS), "--out", folder / "exported")
    yield command("compare", run, other, *(["--json"] if random.random() < 0.5 else []))
    yield command("calls", run, *random.choice(([], ["--grep", "a"], ["--export", "-"], ["--run", "a"])))
    yield Call(_watched, (run,))
    yield command("resume", run, "--quiet")


def _watched(run: Path) -> None:
    followed = FollowedRun(run)
    followed.refresh()
    _ = followed.wait, followed.left_s
    if followed.progress is not None and not followed.problem:
        followed.page("1", Html(""))


def _damage(random: Random, run: Path, around: Path) -> None:
    kind = random.random()
    if kind < 0.35:
        _change_journal(random, run / "journal.jsonl")
    elif kind < 0.45:
        _change_json(random, run / "result.json")
    elif kind < 0.6:
        _change_settings(random, run / "settings.yaml")
    elif kind < 0.75:
        _change_store(random, run / "calls.sqlite")
    else:
        _replace(random, run / random.choice(_FILES), around)


def _change_journal(random: Random, path: Path) -> None:
    """Change the content of lines, with the right checksum."""
    if not path.is_file():
        return
    lines = path.read_bytes().splitlines()
    place = random.randrange(len(lines))
    record = _record(lines[place])
    if record is None:
        return
    content = changed(random, record) if random.random() < 0.9 else value(random)
    lines[place] = _sealed(content)
    if random.random() < 0.2:
        lines.insert(
            random.randrange(len(lines) + 1), _sealed({**record, "kind": random.choice(("run", "trial", "test", "x"))})
        )
    path.write_bytes(b"\n".join(lines) + b"\n")


def _record(line: bytes) -> Any:
    try:
        record = json.loads(line)
        del record["check"]
    except (ValueError, KeyError, TypeError):
        return None
    return record


def _sealed(record: Any) -> bytes:
    body = json.dumps(record, separators=(",", ":"))
    if not isinstance(record, dict):
        return body.encode()
    return f'{body[:-1]},"check":"{zlib.crc32(body.encode()):08x}"}}'.encode()


def _change_json(random: Random, path: Path) -> None:
    if not path.is_file():
        return
    try:
        content = json.loads(path.read_bytes())
    except ValueError:
        return
    for _ in range(random.choice((1, 3))):
        content = changed(random, content)
    path.write_text(json.dumps(content), encoding="utf-8")


def _change_settings(random: Random, path: Path) -> None:
    if not path.is_file():
        return
    try:
        content = yaml.safe_load(path.read_bytes())
    except (yaml.YAMLError, ValueError):
        return
    content = changed(random, content)
    if isinstance(content, dict) and not str(content.get("blackbox")).startswith("scripted:"):
        content["blackbox"] = "scripted:obey"  # code that is named is run, and no case may name code
    path.write_text(json.dumps(content), encoding="utf-8")


def _change_store(random: Random, path: Path) -> None:
    """Put values of other types into the tables."""
    if not path.is_file():
        return
    connection = sqlite3.connect(path)
    try:
        tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        table = random.choice(tables)
        columns = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
        held = random.choice(
            (value(random), text(random).encode("utf-8", "surrogatepass"), json.dumps(value(random)), None)
        )
        held = held if isinstance(held, bytes | str | int | float | None) else json.dumps(held)
        if isinstance(held, int) and not -(2**63) <= held < 2**63:
            held = str(held)
        connection.execute(f"UPDATE OR IGNORE {table} SET {random.choice(columns)} = ?", (held,))
        if random.random() < 0.1:
            connection.execute(
                random.choice(
                    (f"DROP TABLE {table}", "PRAGMA user_version = 99", f"ALTER TABLE {table} ADD COLUMN extra")
                )
            )
        connection.commit()
    except (sqlite3.Error, UnicodeError, IndexError):
        pass
    finally:
        connection.close()


def _replace(random: Random, path: Path, around: Path) -> None:
    kind = random.random()
    before = path.read_bytes() if path.is_file() else b""
    if path.is_dir() and not path.is_symlink():
        return
    path.unlink(missing_ok=True)
    if kind < 0.6:
        path.write_bytes(damaged(random, before))
    elif kind < 0.7:
        path.mkdir()
    elif kind < 0.8:
        path.symlink_to(
            random.choice((around / "notes.txt", around / "journal.jsonl", path, Path("nowhere"), Path("/dev/null")))
        )
    elif kind < 0.85:
        path.with_suffix(".tmp").symlink_to(around / "result.json")
