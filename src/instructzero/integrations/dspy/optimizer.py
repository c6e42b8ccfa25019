"""The optimiser: it improves the instructions of a program's predictors by turns, each in a run of its own."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import dspy
from dspy.teleprompt import Teleprompter

from instructzero.build import build_failures
from instructzero.calls.paid import PaidModels
from instructzero.calls.store import BLACK_BOX
from instructzero.config import Settings, make_settings
from instructzero.errors import BudgetExhausted, ConfigurationError, nearest
from instructzero.execute import execute
from instructzero.integrations.dspy.evaluator import ProgramEvaluator
from instructzero.integrations.dspy.lm import ProgramModels
from instructzero.integrations.dspy.program import (
    Candidates,
    Metric,
    fingerprint_of,
    instruction_of,
    models_of,
    with_instruction,
)
from instructzero.integrations.dspy.summary import write_summary
from instructzero.integrations.dspy.task import Parts, divided, metric_of
from instructzero.integrations.dspy.turns import LIMITS, STORE, Taken, Turn, part_of, spent_by, turns_of
from instructzero.integrations.dspy.wording import description_of, question_of
from instructzero.models.given import as_blackbox
from instructzero.models.registry import ASKED_OBJECT, OBJECT
from instructzero.protocols import BlackBox, SoftPromptModel
from instructzero.records.history import History
from instructzero.records.observers import Observer
from instructzero.records.relays import passed_to
from instructzero.report import write_report
from instructzero.scoring.evaluator import Scores
from instructzero.tasks import Task

_LOGGER = logging.getLogger("instructzero")
_OURS = ("task", "blackbox", "prompt", "start", "store", "shots", "scoring", "judge", "batch_api", "search_calls")
"""Settings of a run that the optimiser decides."""


class InstructZero(Teleprompter):  # type: ignore[misc, unused-ignore]
    """Improves the instruction of each predictor of a program, with a limit of paid calls.

    Each turn is a run of InstructZero for one predictor: every call of the program's models, and of the writer, is
    stored before it is used, and counts. A program that is compiled again with the same arguments repeats no paid call,
    also after a crash. A predictor keeps its instruction unless another one is shown to be better on the test examples.

    Parameters
    ----------
    metric
        ``metric(example, prediction, trace=None)`` returns a number from 0 to 1, or True or False.
    max_calls
        The maximum calls of models, over all turns; None is no limit.
    out
        The directory of the runs; by default ``runs/dspy-PROGRAM-SEED``.
    writer
        The model that writes instructions, as for `instructzero.optimize`; by default, the program's own is asked.
    rounds
        The number of turns of each predictor; rounds end early when one changes nothing.
    observer
        Receives the events of the runs.
    settings
        Further settings of the runs, as for `instructzero.optimize`, such as ``seed``, ``evaluations`` or ``test``.

    Raises
    ------
    ConfigurationError
        If an argument is impossible.
    """

    def __init__(
        self,
        *,
        metric: Metric,
        max_calls: int | None = None,
        out: str | Path | None = None,
        writer: str | SoftPromptModel | BlackBox | Callable[[str], str] | None = None,
        rounds: int = 1,
        observer: Observer | None = None,
        **settings: Any,
    ) -> None:
        super().__init__()
        metric_of(metric)
        _check(settings, rounds)
        self.metric, self.max_calls, self.out, self.rounds = metric, max_calls, out, rounds
        self._writer = writer
        self._observer = observer
        self._given = settings
        make_settings(self._names("program"))  # so that a wrong setting is refused here

    def compile(
        self,
        student: Any,
        *,
        trainset: Sequence[Any],
        teacher: Any = None,
        valset: Sequence[Any] | None = None,
        **arguments: Any,
    ) -> Any:
        """Return a new program with improved instructions; ``student`` is not changed.

        The new program has the attributes ``score``, the mean score on the test examples, None if the limit left no
        room for the test; ``results``, the `instructzero.Result` of each turn; and ``report``, the path of a page.

        Parameters
        ----------
        student
            The program.
        trainset
            Examples for the writer and the search.
        teacher
            Must be None: no other program is needed.
        valset
            Other examples for the final selection and the test; None takes half of the ``trainset``.

        Raises
        ------
        UserError
            If something in the input must be fixed.
        EndpointError
            If a service fails; compile again to continue.
        """
        if teacher is not None or arguments:
            named = ", ".join([*(["teacher"] if teacher is not None else []), *arguments])
            raise ConfigurationError(f"expected student, trainset and valset, got also {named}; leave it out")
        name = type(student).__name__
        out = Path(self.out or f"runs/dspy-{name}-{self._given.get('seed', 0)}").resolve()
        taken = self._taken(student, trainset, valset, out)
        return self._compiled(student, taken, write_summary(out, name, taken))

    def _taken(self, student: Any, trainset: Sequence[Any], valset: Any, out: Path) -> list[Taken]:
        """Take the turns, and return them."""
        predictors = [name for name, _ in student.named_predictors()] if isinstance(student, dspy.Module) else []
        if not predictors:
            raise ConfigurationError(
                f"expected a dspy.Module with a predictor, got {type(student).__name__} without one; there is nothing "
                "to improve"
            )
        turns = list(turns_of(predictors, self.rounds, out))
        settings = make_settings(self._names(type(student).__name__))
        runs = None if self.max_calls is None else self.max_calls // len(turns) // len(predictors)
        parts = divided(type(student).__name__, trainset, valset, settings, self.metric, runs)
        program, taken = student, list[Taken]()
        for turn in turns:
            if turn.number > 1 and _is_settled(taken, len(predictors)):
                break
            limits = _limits(settings, out / STORE, turns, turn.number)
            taken.append(self._take(turn, program, parts, settings.model_copy(update={**limits, "store": out / STORE})))
            program = with_instruction(program, turn.predictor, taken[-1].after)
        return taken

    def _take(self, turn: Turn, program: Any, parts: Parts, settings: Settings) -> Taken:
        """Run a turn; if the limit leaves no room for its end, the predictor keeps its instruction."""
        before = instruction_of(program, turn.predictor)
        texts = {
            "prompt": question_of(
                program, turn.predictor, fingerprint_of(with_instruction(program, turn.predictor, "."))
            ),
            "start": (before,) if before.strip() else (),
            "task_description": settings.task_description or description_of(program, turn.predictor),
        }
        try:
            result = self._run(turn, program, parts, settings.model_copy(update=texts))
        except BudgetExhausted as error:
            _LOGGER.warning("%s keeps its instruction: %s", turn.predictor, error)
            return Taken(turn, before, None)
        _write_report(turn.directory, parts.task)
        return Taken(turn, before, result)

    def _run(self, turn: Turn, program: Any, parts: Parts, settings: Settings) -> Any:
        if name := next((name for name in LIMITS if getattr(settings, name) == 0), None):
            raise BudgetExhausted(f"its part of {name} is 0; raise {name} and compile again")
        lms = models_of(program)
        models = ProgramModels(lms, settings.concurrency)
        candidates = Candidates(program, turn.predictor, self.metric)
        soft, asked = self._writers(dict(program.named_predictors())[turn.predictor].lm or lms[0])
        return execute(
            settings,
            turn.directory,
            passed_to([self._observer]) if self._observer else _Warnings(),
            task=parts.task,
            writer_model=soft,
            asked_writer=asked,
            blackbox=models,
            evaluates=partial(_evaluator, models, candidates, parts),
        )

    def _writers(self, lm: Any) -> tuple[SoftPromptModel | None, BlackBox | None]:
        """Return a writer that is an object: as a model that takes soft prompts, or as one that is asked in words."""
        writer: Any = lm if self._writer is None else self._writer
        if isinstance(writer, str):
            return None, None
        return (writer, None) if hasattr(writer, "generate") else (None, as_blackbox(writer))

    def _names(self, program: str) -> dict[str, Any]:
        """Return the settings as the user gave them, with names for the objects."""
        writer = self._writer
        kind = OBJECT if hasattr(writer, "generate") else ASKED_OBJECT
        named = writer if isinstance(writer, str) else f"{kind}{'LM' if writer is None else type(writer).__name__}"
        limit = {} if self.max_calls is None else {"max_calls": self.max_calls}
        own = {"task": program, "blackbox": f"{OBJECT}{program}", "writer": named}
        return {"max_failures": 1.0, **limit, **self._given, **own}

    def _compiled(self, student: Any, taken: Sequence[Taken], report: Path) -> Any:
        program = student.deepcopy()
        for one in taken:
            program = with_instruction(program, one.turn.predictor, one.after)
        results = [one.result for one in taken if one.result is not None]
        program.score = results[-1].test_score if results else None
        program.results = results
        program.report = report
        program._compiled = True
        return program


class _Warnings(Observer):
    """Logs the warnings of a run."""

    def warned(self, message: str) -> None:
        _LOGGER.warning("%s", message)


def _evaluator(
    models: ProgramModels,
    candidates: Candidates,
    parts: Parts,
    settings: Settings,
    task: Task,
    paid: PaidModels,
    observer: Observer,
    history: History,
) -> Scores:
    return ProgramEvaluator(
        paid.role(BLACK_BOX),
        models,
        candidates,
        parts.examples,
        on_answer=lambda request, completion, cached: observer.answered(completion, cached),
        failures=build_failures(settings, task, history, observer),
    )


def _limits(settings: Settings, store: Path, turns: Sequence[Turn], number: int) -> dict[str, float]:
    """Return what a turn may take of the limits of all turns together; calls and tokens are whole numbers."""
    spent, left = spent_by(store, turns[: number - 1], settings), len(turns) - number + 1
    limits = {name: getattr(settings, name) for name in LIMITS}
    parts = {name: part_of(limit, spent[name], left) for name, limit in limits.items() if limit is not None}
    return {name: int(part) if isinstance(limits[name], int) else part for name, part in parts.items()}


def _write_report(directory: Path, task: Task) -> None:
    """Write the report of a turn; the turn counts also without it."""
    try:
        write_report(directory, task=task)
    except Exception as error:
        _LOGGER.warning("the report of %s could not be written (%s: %s)", directory, type(error).__name__, error)


def _is_settled(taken: Sequence[Taken], predictors: int) -> bool:
    """Return True after a whole round that has changed nothing."""
    last = taken[-predictors:]
    return len(taken) % predictors == 0 and not any(one.has_changed for one in last)


def _check(settings: dict[str, Any], rounds: int) -> None:
    if not isinstance(rounds, int) or rounds < 1:
        raise ConfigurationError(f"expected a number of rounds from 1, got {rounds!r}; give one")
    for name in settings:
        if name in _OURS:
            near = nearest(name, ["metric", "writer", "out"])
            raise ConfigurationError(
                f"expected no setting {name}, which the program and its examples decide, got one; leave it out"
                f"{f' (did you mean {near}?)' if near else ''}"
            )
