"""The notebooks run from top to bottom without a warning, and show what their texts say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.examples.walkthrough import EXAMPLES

pytestmark = pytest.mark.filterwarnings("ignore")  # of the client of Jupyter, not of the notebooks


def executed(name: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> list[list[Any]]:
    """Execute a notebook in ``folder``, and return the outputs of its cells of code."""
    nbclient, nbformat = pytest.importorskip("nbclient"), pytest.importorskip("nbformat")
    pytest.importorskip("ipykernel")
    monkeypatch.setenv("PYTHONWARNINGS", "default")
    notebook = nbformat.read(EXAMPLES / name, as_version=4)
    nbformat.validate(notebook)
    assert all(cell.outputs == [] for cell in notebook.cells if cell.cell_type == "code")  # as they are kept
    nbclient.NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(folder)}}).execute()
    return [cell.outputs for cell in notebook.cells if cell.cell_type == "code"]


def texts(outputs: list[list[Any]]) -> list[str]:
    """Return what each cell shows: its printed lines, and its value; nothing on standard error."""
    shown = []
    for cell in outputs:
        printed = [output for output in cell if output.output_type == "stream"]
        assert [output.text for output in printed if output.name == "stderr"] == []
        values = [output.data["text/plain"] for output in cell if output.output_type == "execute_result"]
        shown.append("".join([*(output.text for output in printed), *values]))
    return shown


def test_your_own_data_ends_with_an_answer_in_the_form_of_the_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows, metric, _, _, _, scores, wrong, answer = texts(executed("your_own_data.ipynb", tmp_path, monkeypatch))
    assert rows.startswith("(42,\n [{'said': '7:00 on monday'")
    assert metric == "Writing calendar_metric.py\n"
    assert scores.startswith("[(1.0,\n  'Write the day in three letters, and the time")
    assert "0.5" in scores  # the metric gives half a point
    assert wrong.startswith("['")
    assert answer == "'fri 09h05'"


def test_trusting_a_result_tells_an_improvement_from_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _, better, test, same, seeds = texts(executed("trusting_a_result.ipynb", tmp_path, monkeypatch))
    assert better.startswith("Switch: the new instruction is better by +0.")
    assert float(test.rpartition("p = ")[2]) < 0.05
    assert same == "Keep yours: no instruction was shown to be better.\nWrite the word.\n"
    assert seeds == "[1.0, 1.0, 1.0]"
