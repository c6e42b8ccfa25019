"""The way a run asked its black box: its messages, the model and its parameters.

Exported code asks in the same way, so that the scores of the search hold for it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from instructzero.errors import ConfigurationError, ModelError
from instructzero.exports.access import Access
from instructzero.exports.prompt import Prompt
from instructzero.finished_run import FinishedRun, recorded_task
from instructzero.models.addresses import OFFICIAL
from instructzero.models.registry import parse_model
from instructzero.prompts import template_of
from instructzero.records.directory import RunDirectory
from instructzero.records.identity import columns_of
from instructzero.types import Example

if TYPE_CHECKING:
    from instructzero.tasks import Task


@dataclass(frozen=True, slots=True)
class Asking:
    """The best instruction of a run and the way its black box was asked.

    Attributes
    ----------
    instruction
        The best instruction.
    prompt
        The messages around instruction and input.
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
    access
        The key, the headers and the further fields of the requests to an endpoint.
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
    access: Access = field(default_factory=Access)

    @classmethod
    def of(cls, run: FinishedRun, task: Task | None = None) -> Asking:
        """Return the way ``run`` asked its black box; a ``task`` that is not given is loaded if it is needed.

        Raises
        ------
        ConfigurationError
            If the prompt shows exemplars that cannot be loaded any more.
        """
        kind, model = _kind_and_name(run.settings.blackbox)
        identity = run.blackbox
        endpoint = identity.get("endpoint", "")
        shots = _shots(run, task)
        template = template_of(run.settings, columns_of(run.header))
        return cls(
            instruction=run.instruction,
            prompt=Prompt.of(shots, template.for_instruction(run.instruction)),
            shots=shots,
            kind=kind,
            model=model,
            endpoint=endpoint,
            official=endpoint in OFFICIAL.values(),
            revision=_commit(identity.get("revision", "")),
            dtype=identity.get("dtype", ""),
            chat=identity.get("template", "chat") == "chat",
            max_tokens=run.settings.answer_tokens,
            temperature=run.settings.temperature,
            base=identity.get("base", ""),
            base_revision=_commit(identity.get("base_revision", "")),
            access=Access.of(run.settings, kind, endpoint),
        )

    @property
    def limit(self) -> str:
        """The name of the API's parameter for the maximum tokens; OpenAI's own chat API has another name for it."""
        return "max_completion_tokens" if self.kind == "openai" and self.official and self.chat else "max_tokens"


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


def task_of(run: FinishedRun, part: str) -> Task | None:
    """Return the task of a run, loaded as its settings say; None if its ``part`` is not that of the run any more.

    ``part`` is ``exemplars``, ``validation``, ``confirmation`` or ``test``.
    """
    return recorded_task(RunDirectory(run.path), run.settings, run.header, [part])[0]


def _shots(run: FinishedRun, task: Task | None) -> tuple[Example, ...]:
    """Return the exemplars in the prompt, from the task: the journal holds only their digest."""
    if not run.settings.shots:
        return ()
    if task := task or task_of(run, "exemplars"):
        return task.exemplars[: run.settings.shots]
    raise ConfigurationError(
        f"expected the exemplars of the prompt of {run.path}, but the task {run.settings.task!r} does not contain them "
        "any more; restore its data, or export as txt, json or csv"
    )
