"""The example with DSPy improves both instructions within its limit, in thirty lines."""

from __future__ import annotations

import runpy
from pathlib import Path

import dspy
import pytest

from instructzero.testing import Endpoint

EXAMPLES = Path(__file__).parents[2] / "examples"


def test_example_improves_two_predictors_within_its_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    text = (EXAMPLES / "dspy_two_predictors.py").read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 30
    monkeypatch.chdir(tmp_path)
    stand_in = runpy.run_path(str(EXAMPLES / "serve.py"))["stand_in"](str(EXAMPLES / "dspy_model.py"))
    with Endpoint(stand_in) as endpoint:
        program = tmp_path / "two_predictors.py"
        program.write_text(text.replace("http://127.0.0.1:8123/v1", endpoint.base_url), encoding="utf-8")
        try:
            better = runpy.run_path(str(program))["better"]
        finally:
            dspy.configure(lm=None)
    assert endpoint.received.total() <= 400
    assert better.score == 1.0
    assert "find: Name the product" in (printed := capsys.readouterr().out)
    assert "route: Choose one of the teams" in printed
