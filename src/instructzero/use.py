"""A finished run in use: the messages for new inputs, and the answers of its black box."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from instructzero.build import build_blackbox
from instructzero.calls.paid import PaidModels
from instructzero.calls.store import BLACK_BOX, CallStore
from instructzero.config import Settings
from instructzero.errors import ConfigurationError, nearest
from instructzero.prompts import PromptTemplate
from instructzero.prompts.template import EXAMPLES, INPUT, INSTRUCTION
from instructzero.protocols import BlackBox
from instructzero.records.dates import on_date
from instructzero.records.directory import RunDirectory
from instructzero.tasks.cells import shown_text
from instructzero.tasks.data import Columns, input_text
from instructzero.types import Example, Message, Request


class Use:
    """The way a run asks its black box, for inputs that it has not seen.

    Parameters
    ----------
    run
        The directory of the run.
    settings
        Its settings.
    template, shots
        Its prompt, and the exemplars in it.
    date
        The date in the prompts, if the chat template of a local black box prints one.
    blackbox
        The black box that was given as an object; None is that of the settings, which is loaded by the first question.
    """

    def __init__(
        self,
        run: RunDirectory,
        settings: Settings,
        template: PromptTemplate,
        shots: tuple[Example, ...],
        date: str,
        blackbox: BlackBox | None,
    ) -> None:
        self.directory = run.path.resolve()
        self._settings = settings
        self._template = template
        self._shots = shots
        self._date = date
        self._given = blackbox
        self._last: BlackBox | None = None  # so that the weights of a local model stay loaded
        self._store: Path = settings.store or run.calls.resolve()
        self._account = f"ask-{run.identity}"

    def __getstate__(self) -> dict[str, Any]:
        """Leave out the models, so that a result can be pickled."""
        return {**self.__dict__, "_given": None, "_last": None}

    @property
    def fields(self) -> tuple[str, ...]:
        """The names of the fields that an input has."""
        return tuple(name for name in self._template.fields if name not in (INSTRUCTION, EXAMPLES))

    def messages(self, instruction: str, inputs: str | Mapping[str, Any]) -> tuple[Message, ...]:
        """Return the messages for an input: a text, or a mapping of columns.

        Raises
        ------
        ConfigurationError
            If the input is no text and no mapping, or lacks a field of the prompt.
        """
        return self._template.render(instruction, self._example(inputs), self._shots)

    def ask(self, instruction: str, inputs: str | Mapping[str, Any]) -> str:
        """Return the answer of the black box, from the call store if it is there.

        A new answer is stored, and booked to an account of its own: the limits of the run do not count it.

        Raises
        ------
        ConfigurationError
            If the input is no text and no mapping, or lacks a field of the prompt.
        ModelError
            If the black box cannot be loaded, or refuses the question.
        EndpointError
            If the black box fails.
        RunDirectoryError
            If the call store cannot be used.
        """
        settings = self._settings
        messages = self.messages(instruction, inputs)
        request = Request(messages, settings.answer_tokens, settings.temperature)
        with CallStore(self._store) as store, self._paid(store) as paid:
            role = paid.role(BLACK_BOX)
            completion, _ = role.run(role.answers.get(role.answers.call(request), request))
        return completion.text

    def _paid(self, store: CallStore) -> PaidModels:
        settings = self._settings
        self._last = self._given or on_date(build_blackbox(settings), self._date)
        return PaidModels(
            {BLACK_BOX: self._last},
            store,
            run=self._account,
            retries=settings.retries,
            seed=settings.seed,
            max_wait=settings.max_wait,
            shared=settings.store is not None,
        )

    def _example(self, inputs: str | Mapping[str, Any]) -> Example:
        if not isinstance(inputs, str | Mapping):
            fields = ", ".join(self.fields)
            raise ConfigurationError(
                f"expected a text or a mapping with the fields {fields} of the prompt, got {inputs!r:.60}"
            )
        cells = {INPUT: inputs} if isinstance(inputs, str) else {INPUT: self._whole(inputs), **inputs}
        missing = [name for name in self.fields if cells.get(name) is None]
        if missing:
            raise ConfigurationError(_lacking(missing, self.fields, inputs))
        return Example(shown_text(cells.get(INPUT) or ""), ("",), cells)

    def _whole(self, cells: Mapping[str, Any]) -> str | None:
        """Return the input as a whole from the input columns, or None if one is missing."""
        names = Columns(self._settings.input_column).inputs(cells)
        if any(cells.get(name) is None for name in names):
            return None
        return shown_text(cells[names[0]]) if len(names) == 1 else input_text({name: cells[name] for name in names})


def _lacking(missing: list[str], fields: tuple[str, ...], inputs: str | Mapping[str, Any]) -> str:
    expected = ", ".join(fields)
    if isinstance(inputs, str):
        return f"expected a mapping with the fields {expected} of the prompt, got a text; give the values by name"
    near = nearest(missing[0], [name for name in map(str, inputs) if name not in fields])
    hint = f"; did you mean {missing[0]!r} by {near!r}?" if near else "; give a value for each"
    return f"expected values for the fields {expected} of the prompt, got none for {', '.join(missing)}{hint}"
