"""The way a run asked its black box: the text around instruction and question, the model and its parameters.

Exported code asks in the same way, so that the scores of the search hold for it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass

from instructzero.errors import ConfigurationError, ModelError, TaskError
from instructzero.finished_run import FinishedRun
from instructzero.models.registry import parse_model
from instructzero.prompts import DEFAULT
from instructzero.types import Example


@dataclass(frozen=True, slots=True)
class Prompt:
    """The parts of the prompt: ``before``, the instruction, ``between``, the question, ``after``.

    >>> print(Prompt.of(()).render("Translate.", "dog"))
    Instruction: Translate.
    <BLANKLINE>
    Input: dog
    <BLANKLINE>
    Output:
    """

    before: str
    between: str
    after: str

    @classmethod
    def of(cls, exemplars: Sequence[Example]) -> Prompt:
        """Return the parts of the default template with ``exemplars``.

        They are found by rendering the prompt with placeholders that do not occur in the exemplars.
        """
        texts = [text for exemplar in exemplars for text in (exemplar.input, *exemplar.outputs)]
        mark = "#"
        while any(mark in text for text in texts):
            mark += "#"
        instruction, question = f"<{mark}instruction>", f"<{mark}question>"
        (message,) = DEFAULT.render(instruction, Example(question, ("",)), exemplars)
        before, _, rest = message.content.partition(instruction)
        between, _, after = rest.partition(question)
        return cls(before, between, after)

    def render(self, instruction: str, question: str) -> str:
        """Return the whole prompt."""
        return f"{self.before}{instruction}{self.between}{question}{self.after}"


@dataclass(frozen=True, slots=True)
class Asking:
    """The best instruction of a run and the way its black box was asked.

    Attributes
    ----------
    instruction
        The best instruction.
    prompt
        The text around instruction and question.
    shots
        The exemplars in the prompt.
    kind, model
        The parts of the specification, such as ``openai`` and ``gpt-4o-mini``; ``object`` and "" for a Python object.
    endpoint
        The base URL without secrets, "" for a local model.
    official
        True if the endpoint is that of OpenAI or Anthropic.
    revision
        The commit of a model on the Hugging Face hub, "" for a folder.
    dtype
        The precision of a local model.
    chat
        True if the prompt is sent as a user's turn, False for plain text.
    max_tokens
        The maximum tokens of an answer.
    temperature
        The sampling temperature.
    base, base_revision
        The name of the model into which an adapter is merged, and its commit on the Hugging Face hub; "" if the model
        is no adapter, or the base model is a folder.
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
    base: str = ""
    base_revision: str = ""

    @classmethod
    def of(cls, run: FinishedRun) -> Asking:
        """Return the way ``run`` asked its black box.

        Raises
        ------
        ConfigurationError
            If the prompt shows exemplars that cannot be loaded any more.
        """
        kind, model = _kind_and_name(run.settings.blackbox)
        identity = run.blackbox
        endpoint = identity.get("endpoint", "")
        shots = _shots(run)
        return cls(
            instruction=run.instruction,
            prompt=Prompt.of(shots),
            shots=shots,
            kind=kind,
            model=model,
            endpoint=endpoint,
            official=endpoint in _OFFICIAL,
            revision=_commit(identity.get("revision", "")),
            dtype=identity.get("dtype", ""),
            chat=identity.get("template", "chat") == "chat",
            max_tokens=run.settings.answer_tokens,
            temperature=run.settings.temperature,
            base=identity.get("base", ""),
            base_revision=_commit(identity.get("base_revision", "")),
        )

    @property
    def limit(self) -> str:
        """The name of the API's parameter for the maximum tokens; OpenAI's own chat API has another name for it."""
        return "max_completion_tokens" if self.kind == "openai" and self.official and self.chat else "max_tokens"


# Not imported from the modules of the clients, which may need a package that is not installed.
_OFFICIAL = ("https://api.openai.com/v1", "https://api.anthropic.com")
_COMMIT_LENGTH = 40  # a folder's fingerprint is shorter


def _commit(revision: str) -> str:
    """Return the revision if it is a commit on the hub, else ""."""
    return revision if len(revision) == _COMMIT_LENGTH else ""


def _kind_and_name(spec: str) -> tuple[str, str]:
    if spec.startswith("object:"):
        return "object", ""
    try:
        model = parse_model(spec, bare_kind=None)
    except ModelError:
        return "object", ""
    return model.kind, model.name


def _shots(run: FinishedRun) -> tuple[Example, ...]:
    """Return the exemplars in the prompt, loaded from the task: the journal holds only their digest."""
    if not run.settings.shots:
        return ()
    from instructzero.build import build_task  # loads torch
    from instructzero.records.identity import digests_of

    with contextlib.suppress(TaskError):
        task = build_task(run.settings)
        if digests_of(task)["exemplars"] == run.header["exemplars"]:
            return task.exemplars[: run.settings.shots]
    raise ConfigurationError(
        f"expected the exemplars of the prompt of {run.path}, but the task {run.settings.task!r} does not contain them "
        "any more; restore its data, or export as txt, json or csv"
    )
