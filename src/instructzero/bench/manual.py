"""The ablation "Manual": a request in words replaces the soft prompt, and the writer writes one instruction.

The paper uses the request of APE (Zhou et al., 2023). `REQUEST` has the same meaning in other words.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from instructzero.bench.cell import asking, results_on
from instructzero.build import build_task, build_writer_model
from instructzero.checks import check_begun_here
from instructzero.config import Settings
from instructzero.files import read_text, write_atomically
from instructzero.prompts import writer_prompt
from instructzero.protocols import SoftPromptModel
from instructzero.records.directory import RunDirectory
from instructzero.tasks import Task
from instructzero.writing.cleaning import clean

REQUEST = "Somebody followed one instruction for each of these inputs and gave these outputs."
MANUAL = "manual.json"


@dataclass(frozen=True, slots=True)
class ManualResult:
    """The instruction that the writer wrote for the request, and its mean score on the test examples."""

    instruction: str
    test: float


def manual_result(folder: Path) -> ManualResult:
    """Return the "Manual" result with the task, the models and the test examples of the run in ``folder``.

    The first call asks the black box the test questions, within the run's limits and through its call store, and keeps
    the result in ``manual.json`` there. Later calls read that file.
    """
    kept = folder / MANUAL
    if not kept.exists():
        settings = RunDirectory.read_settings(folder)
        check_begun_here(
            RunDirectory(folder), settings, "run the bench in another --out, or resume the run with --trust"
        )
        task = build_task(settings)
        instruction = write_manually(build_writer_model(settings), settings, task)
        result = ManualResult(instruction, _test_score(folder, settings, task, instruction))
        write_atomically(kept, json.dumps(asdict(result)) + "\n")
    return ManualResult(**json.loads(read_text(kept)))


def write_manually(model: SoftPromptModel, settings: Settings, task: Task) -> str:
    """Return the instruction that the writer generates from request, exemplars and cue, without a soft prompt."""
    chat = settings.writer_template == "chat" or (settings.writer_template == "auto" and model.has_chat_template)
    prompt = writer_prompt(
        model, task.exemplars, template=settings.writer_template, placement="user_turn" if chat else "front"
    )
    text = f"{prompt.before}{REQUEST}\n\n{prompt.after.lstrip()}"
    written = model.generate(
        None, "", text, max_new_tokens=settings.instruction_tokens, special_tokens=prompt.special_tokens
    )
    return clean(written[0])


def _test_score(folder: Path, settings: Settings, task: Task, instruction: str) -> float:
    with asking(folder, settings, task) as evaluator:
        return results_on(task.test, evaluator, [instruction])[instruction].score
