"""A backend of another package: an installed entry point, used without a change in this package."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

import instructzero
from instructzero.calls.prices import Price, price_of
from instructzero.errors import ConfigurationError, InstructZeroError
from instructzero.models.registry import backends, capabilities, load_blackbox, load_writer, parse_model

PACKAGE = '''
"""A backend with a writer and a black box, and a record of all prompts."""

from instructzero.models.registry import Backend, Role
from instructzero.models.scripted import ScriptedBlackBox, ScriptedWriter, obey
from instructzero.protocols import Capabilities

prompts = []
fail_after = None


def answer(prompt):
    prompts.append(prompt)
    return obey(prompt)


class Recorder(ScriptedBlackBox):
    @property
    def identity(self):
        return {"backend": "foreign", "model": self._name}


def load_blackbox(name, options):
    return Recorder(answer, name=name, concurrency=options.concurrency or 1, fail_after=fail_after)


BACKEND = Backend(
    form="foreign:NAME",
    capabilities=Capabilities(free=True, soft_prompts=True, states=True),
    writer=Role("a writer of another package", lambda name, options: ScriptedWriter()),
    blackbox=Role("a black box of another package", load_blackbox),
)
NOT_A_BACKEND = 3
'''
ENTRY_POINTS = """[instructzero.backends]
foreign = foreign_backend:BACKEND
broken = no_such_module:BACKEND
wrong = foreign_backend:NOT_A_BACKEND
"""


@pytest.fixture
def foreign(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Install the package in a folder of its own, and return its module."""
    site = tmp_path / "site"
    info = site / "foreign_backend-1.0.dist-info"
    info.mkdir(parents=True)
    (site / "foreign_backend.py").write_text(PACKAGE)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: foreign-backend\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(ENTRY_POINTS)
    monkeypatch.syspath_prepend(str(site))
    monkeypatch.delitem(sys.modules, "foreign_backend", raising=False)
    import foreign_backend  # type: ignore[import-not-found]

    yield foreign_backend
    monkeypatch.delitem(sys.modules, "foreign_backend")


def journal(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "journal.jsonl").read_text().splitlines()]


def test_foreign_kind_is_a_specification_with_its_own_capabilities(foreign: Any) -> None:
    assert str(parse_model("foreign:m")) == "foreign:m"
    assert capabilities("foreign:m") == foreign.BACKEND.capabilities
    assert price_of("foreign:m", base_url=None, input_price=None, output_price=None) == Price(0, 0)
    assert load_writer("foreign:m").hidden_size == 8
    assert load_blackbox("foreign:m", concurrency=3).concurrency == 3


def test_run_with_foreign_writer_and_black_box_completes_and_names_them_in_the_journal(
    foreign: Any, scripted: dict[str, Any], tmp_path: Path
) -> None:
    models = {"writer": "foreign:w", "blackbox": "foreign:b"}
    result = instructzero.optimize(**{**scripted, **models}, directory=tmp_path / "run")
    expected = instructzero.optimize(**scripted, directory=tmp_path / "ours")
    assert (result.instruction, result.test_score) == (expected.instruction, expected.test_score)
    assert journal(tmp_path / "run")[0]["black box"] == {"backend": "foreign", "model": "b"}


def test_resume_after_interruption_gives_the_same_journal_and_repeats_no_call(
    foreign: Any, scripted: dict[str, Any], tmp_path: Path
) -> None:
    settings = {**scripted, "blackbox": "foreign:b", "concurrency": 1}
    instructzero.optimize(**settings, directory=tmp_path / "whole")
    prompts = sorted(foreign.prompts)
    foreign.prompts.clear()
    foreign.fail_after = len(prompts) // 2
    with pytest.raises(InstructZeroError, match=f"broke down after {foreign.fail_after} answers"):
        instructzero.optimize(**settings, directory=tmp_path / "interrupted")
    foreign.fail_after = None
    instructzero.resume(tmp_path / "interrupted")
    assert sorted(foreign.prompts) == prompts
    whole, resumed = ((tmp_path / name / "journal.jsonl").read_text() for name in ("whole", "interrupted"))
    assert resumed == whole


def test_foreign_judge_grades_answers(foreign: Any, scripted: dict[str, Any], tmp_path: Path) -> None:
    settings = {**scripted, "evaluations": 2, "initial": 2, "metric": "judge", "judge": "foreign:j"}
    instructzero.optimize(**settings, directory=tmp_path / "run")
    assert journal(tmp_path / "run")[0]["judge"] == {"backend": "foreign", "model": "j"}


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("broken", "'broken': expected an entry point that loads, got ModuleNotFoundError"),
        ("wrong", "expected a Backend from the entry point 'wrong' of instructzero.backends, got int"),
    ],
)
@pytest.mark.usefixtures("foreign")
def test_backend_that_does_not_load_is_named_in_one_sentence(kind: str, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        load_blackbox(f"{kind}:m")


def test_backends_lists_the_built_in_kinds_first(foreign: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    kinds = ["anthropic", "dspy", "embedded", "hf", "openai", "python", "scripted", "sglang", "vllm"]
    with pytest.raises(ConfigurationError, match="broken"):
        backends()
    entry = next(Path(foreign.__file__).parent.glob("*.dist-info")) / "entry_points.txt"
    entry.write_text("[instructzero.backends]\nforeign = foreign_backend:BACKEND\n")
    assert list(backends()) == [*kinds, "foreign"]
