"""A method outside of the package runs, resumes and is benched, in a file and as an installed package."""

from __future__ import annotations

import doctest
import shutil
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from instructzero.finished_run import FinishedRun
from instructzero.optimizers.registry import get_method
from tests.command_line import Call
from tests.examples.walkthrough import EXAMPLES, commands

FOLDER = EXAMPLES / "own_method"


@pytest.fixture(autouse=True)
def copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Work in a copy of the folder, and forget its module afterwards."""
    shutil.copytree(FOLDER, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    yield
    sys.modules.pop("hill_climb", None)


def test_run_of_the_readme_improves_and_resumes_to_the_same_journal(command_line: Call) -> None:
    (run, _) = commands(Path("README.md").read_text(encoding="utf-8"))
    small = ["--evaluations", 10, "--validation", 6, "--confirmation", 4, "--test", 6]
    code, _, err = command_line(*run, *small, "--quiet")
    assert code == 0, err
    finished = FinishedRun.read(Path("runs/own_method"))
    assert finished.settings.method == "python:hill_climb:HillClimb"
    assert len(finished.history.trials) == 10
    whole = Path("runs/own_method/journal.jsonl").read_bytes()
    cut = whole.splitlines(keepends=True)
    Path("runs/own_method/journal.jsonl").write_bytes(b"".join(cut[: len(cut) // 2]))
    Path("runs/own_method/result.json").unlink()
    code, _, err = command_line("resume", "runs/own_method", "--quiet")
    assert code == 0, err
    assert Path("runs/own_method/journal.jsonl").read_bytes() == whole


def test_bench_compares_it_with_random_search(command_line: Call) -> None:
    plan = yaml.safe_load(Path("bench.yaml").read_text(encoding="utf-8"))
    sizes = [word for name in ("validation", "confirmation", "test") for word in ("--set", f"{name}=5")]
    small = ["--tasks", plan["tasks"][0], "--budgets", "40", "--seeds", "1", "--workers", "1", "--quiet"]
    code, out, err = command_line("bench", "bench.yaml", *small, *sizes, "--out", "runs/bench")
    assert code == 0, err
    report = Path("runs/bench/report.md").read_text(encoding="utf-8")
    assert all(name in report for name in plan["methods"])
    assert "runs/bench" in out


def test_installed_package_names_the_method(command_line: Call, tmp_path: Path) -> None:
    project = tomllib.loads(Path("pyproject.toml").read_text(encoding="utf-8"))["project"]
    ((group, points),) = project["entry-points"].items()
    info = tmp_path / "hill_climb_for_instructzero-0.1.dist-info"  # as an installation writes it
    info.mkdir()
    (info / "METADATA").write_text(f"Name: {project['name']}\nVersion: {project['version']}\n", encoding="utf-8")
    lines = [f"[{group}]", *(f"{name} = {place}" for name, place in points.items())]
    (info / "entry_points.txt").write_text("\n".join(lines), encoding="utf-8")
    code, out, _ = command_line("methods")
    assert code == 0
    assert "hill-climb" in out
    assert get_method("hill-climb").summary.startswith("Hill climbing")


def test_docstring_of_the_method_is_true() -> None:
    import hill_climb

    assert doctest.testmod(hill_climb).failed == 0
