"""How a run asked its black box: the text around instruction and question, and the model behind it.

Code that is exported asks in the same way, so that what the search measured holds for it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass

from instructzero.errors import ConfigurationError, ModelError, TaskError
from instructzero.finished_run import FinishedRun
from instructzero.models.registry import parse_model
from instructzero.prompts import few_shot
from instructzero.types import Example


@dataclass(frozen=True, slots=True)
class Prompt:
    """What the black box reads: ``before``, the instruction, ``between``, the question, ``after``.

    >>> Prompt.of(()).render("Translate.", "dog")
    'Instruction: Translate.\\n\\nInput: dog\\n\\nOutput:'
    """

    before: str
    between: str
    after: str

    @classmethod
    def of(cls, exemplars: Sequence[Example]) -> Prompt:
        """The parts of `few_shot` with ``exemplars``, found by rendering it with marks that occur in none of them."""
        texts = [text for each in exemplars for text in (each.input, *each.outputs)]
        mark = "#"
        while any(mark in text for text in texts):
            mark += "#"
        instruction, question = f"<{mark}instruction>", f"<{mark}question>"
        (message,) = few_shot(exemplars)(instruction, question)
        before, _, rest = message.content.partition(instruction)
        between, _, after = rest.partition(question)
        return cls(before, between, after)

    def render(self, instruction: str, question: str) -> str:
        return f"{self.before}{instruction}{self.between}{question}{self.after}"


@dataclass(frozen=True, slots=True)
class Asking:
    """The best instruction of a run and the way its black box was asked.

    ``kind`` and ``model`` are those of the specification (``openai``, ``gpt-4o-mini``), ``object`` and "" for a Python
    object. ``endpoint`` is "" where there is none, and holds no secret; ``official`` says that it is the maker's own.
    ``revision`` is the hub's commit, or "" for a folder; ``dtype`` is a local model's precision. ``chat``: as a user's
    turn, not as plain text.
    """

    instruction: str
    prompt: Prompt
    shots: tuple[Example, ...]
    kind: str
    model: str
    endpoint: str
    official: bool
    revision: str
    dtype: str
    chat: bool
    max_tokens: int
    temperature: float

    @classmethod
    def of(cls, run: FinishedRun) -> Asking:
        """Raises `ConfigurationError` where the prompt shows exemplars that cannot be loaded again."""
        kind, model = _kind_and_name(run.settings.blackbox)
        identity = run.blackbox
        endpoint = identity.get("endpoint", "")
        revision = identity.get("revision", "")
        shots = _shots(run)
        return cls(
            instruction=run.instruction,
            prompt=Prompt.of(shots),
            shots=shots,
            kind=kind,
            model=model,
            endpoint=endpoint,
            official=endpoint in _OFFICIAL,
            revision=revision if len(revision) == _COMMIT_LENGTH else "",
            dtype=identity.get("dtype", ""),
            chat=identity.get("template", "chat") == "chat",
            max_tokens=run.settings.answer_tokens,
            temperature=run.settings.temperature,
        )

    @property
    def limit(self) -> str:
        """What the service calls the most tokens of an answer: OpenAI's own takes another name for chats."""
        return "max_completion_tokens" if self.kind == "openai" and self.official and self.chat else "max_tokens"


_OFFICIAL = ("https://api.openai.com/v1", "https://api.anthropic.com")
_COMMIT_LENGTH = 40  # a folder's fingerprint is shorter


def _kind_and_name(spec: str) -> tuple[str, str]:
    if spec.startswith("object:"):
        return "object", ""
    try:
        model = parse_model(spec, bare_kind=None)
    except ModelError:
        return "object", ""
    return model.kind, model.name


def _shots(run: FinishedRun) -> tuple[Example, ...]:
    """The exemplars that stood in the prompt; the journal holds only their digest."""
    if not run.settings.shots:
        return ()
    from instructzero.build import build_task, digests_of  # loads torch

    with contextlib.suppress(TaskError):
        task = build_task(run.settings)
        if digests_of(task)["exemplars"] == run.header["exemplars"]:
            return task.exemplars[: run.settings.shots]
    raise ConfigurationError(
        f"expected the exemplars that the black box was shown in {run.path}, but the task "
        f"{run.settings.task!r} does not give them any more; restore its data, or export as txt, json or csv"
    )
