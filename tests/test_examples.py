"""What is in ``examples`` runs: the notebook from top to bottom, and the tickets as the README shows."""

from __future__ import annotations

import re
import runpy
import shlex
import shutil
from pathlib import Path

import pytest

from instructzero.testing import Endpoint
from tests.command_line import Call

NOTEBOOK = Path(__file__).parents[1] / "examples" / "first_steps.ipynb"


@pytest.mark.filterwarnings("ignore")  # of the client of Jupyter, not of the notebook
def test_first_steps_shows_progress_and_result_without_a_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nbclient, nbformat = pytest.importorskip("nbclient"), pytest.importorskip("nbformat")
    pytest.importorskip("ipykernel")
    monkeypatch.setenv("PYTHONWARNINGS", "default")
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    nbclient.NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(tmp_path)}}).execute()
    outputs = [cell.outputs for cell in notebook.cells if cell.cell_type == "code"]
    assert len(outputs) == 5
    assert [output for shown in outputs for output in shown if output.output_type == "stream"] == []
    progress, result = (output.data for output in outputs[3])
    assert "<td>done" in progress["text/html"]
    assert "of 12 evaluations" in progress["text/plain"]
    assert "Warning" not in progress["text/plain"]
    assert "backwards" in result["text/html"]
    assert "report.html" in result["text/html"]
    assert outputs[4][0].data["text/plain"] == "'nomel'"
    assert list(tmp_path.glob("runs/*/report.html"))


TICKETS = NOTEBOOK.parent / "tickets"
README = NOTEBOOK.parents[1] / "README.md"
CLOCK = re.compile(r"\d:\d\d:\d\d")


def blocks(text: str) -> list[str]:
    """Return the fenced blocks of the README's section about a prompt of one's own."""
    section = text.partition("## You have a prompt, examples and an endpoint")[2].partition("\n## ")[0]
    return re.findall(r"```\w*\n(.*?)```", section, re.DOTALL)


def test_readme_shows_the_prompt_the_command_and_the_output_of_the_tickets_example(
    command_line: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, prompt, commands, output = blocks(README.read_text(encoding="utf-8"))
    assert prompt == (TICKETS / "prompt.txt").read_text(encoding="utf-8")
    server = runpy.run_path(str(TICKETS / "server.py"))
    words = shlex.split(commands.partition("instructzero ")[2].replace("\\\n", " "))
    for name in ("rows.csv", "prompt.txt"):
        shutil.copy(TICKETS / name, name)
    monkeypatch.setenv("COLUMNS", "80")
    with Endpoint(server["answer"]) as endpoint:
        address = words.index("--base-url") + 1
        shown, words[address] = words[address], endpoint.base_url
        code, out, err = command_line(*words)
    assert (code, err) == (0, "")
    said = [CLOCK.sub("0:00:00", line.replace(endpoint.base_url, shown)) for line in out.splitlines()]
    assert said == [CLOCK.sub("0:00:00", line) for line in output.splitlines()]
