"""Estimates of the calls, tokens, cost and time of a run, before anything is paid."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import fmean
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from instructzero.build import (
    build_judging,
    build_method,
    build_task,
    build_template,
    build_writer,
    build_writer_model,
    plain_request,
)
from instructzero.calls.prices import cost_of
from instructzero.calls.store import BLACK_BOX, JUDGE, REWRITER, WRITER
from instructzero.checks import check_writer
from instructzero.config import Settings
from instructzero.errors import ConfigurationError
from instructzero.execute import execute
from instructzero.models.registry import capabilities, is_asked
from instructzero.optimizers.registry import races
from instructzero.pricing import pays_for_texts, role_prices, text_role
from instructzero.prompts import renderer
from instructzero.records.observers import Observer
from instructzero.records.result import Result
from instructzero.roles import writer_in_words
from instructzero.search.finale import final_questions
from instructzero.tasks import Task
from instructzero.terminal import format_seconds, printable, short
from instructzero.types import Candidate, Completion, Message, Proposal, Trial, Usage, Writing

if TYPE_CHECKING:
    from torch import Tensor

PILOT = 0.3
"""The share of the evaluations in the pilot run, which is made if the black box is local and costs nothing."""

RACED = (0.4, 0.6, 0.8)
"""The minimum, likely and maximum share of the validation examples that an instruction in a race is scored on."""

_BYTES_PER_TOKEN = (5.0, 4.0, 3.0)
_ANSWER_TOKENS = (1.0, 1.5, 4.0)  # the length of an answer, as a multiple of an accepted answer's
_SECONDS_A_CALL = (0.3, 1.0, 3.0)
_INSTRUCTION = "Read the input, do with it what the examples show, and answer in the same form, without further words."
_GRADE = "Grade: 10"  # a typical answer of a judge
_SHOWN = 2000  # characters of a message on a terminal
_REQUESTS = 32  # in flight at an endpoint if --concurrency is not set

Three = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Estimate:
    """The minimum, likely and maximum calls, tokens, dollars (None if a price is not known) and seconds of a run.

    ``messages`` is a question to the black box as it will be sent, ``writer`` names a writer that is asked in words.
    """

    calls: tuple[int, int, int]
    tokens: tuple[int, int, int]
    dollars: Three | None
    seconds: Three
    messages: tuple[Message, ...] = ()
    writer: str = ""

    def lines(self) -> list[str]:
        """Return one line of text per quantity, and the lines of the messages."""
        cost = "no price set" if self.dollars is None else "${1:.4f} (${0:.4f} to ${2:.4f})".format(*self.dollars)
        return [
            "calls    {1:,} ({0:,} to {2:,})".format(*self.calls),
            "tokens   {1:,} ({0:,} to {2:,})".format(*self.tokens),
            f"cost     {cost}",
            "time     {1} ({0} to {2})".format(*map(format_seconds, self.seconds)),
            *([f"writer   {self.writer}"] if self.writer else []),
            *(["", "one question, as it is sent:"] if self.messages else []),
            *(line for message in self.messages for line in _shown(message)),
        ]


def _shown(message: Message) -> Iterator[str]:
    """Yield the lines of a message on a terminal; a long one is cut."""
    first, *others = f"{message.role}: {short(message.content, _SHOWN)}".expandtabs(4).split("\n")
    yield f"  {printable(first)}"
    yield from (f"    {printable(line)}".rstrip() for line in others)


def question(settings: Settings, task: Task) -> tuple[Message, ...]:
    """Return the messages for the first validation example.

    The instruction in them is the user's, if there is one, or else the field ``{instruction}``.
    """
    given = (*settings.start, settings.baseline)
    instruction = next((text for text in given if text is not None), "{instruction}")
    return build_template(settings, task).render(instruction, task.validation[0], task.exemplars[: settings.shots])


def estimate(settings: Settings) -> Estimate:
    """Estimate a run without paying anything.

    If all models are local, the first part of the run is tried out; otherwise only the writer is.
    """
    messages = question(settings, build_task(settings))
    return replace(_estimated(settings), messages=messages, writer=writer_in_words(settings))


def _estimated(settings: Settings) -> Estimate:
    asked = settings.writer if is_asked(settings.writer) else None
    specs = [spec for spec in (settings.blackbox, settings.judge, asked) if spec is not None]
    local = all(capabilities(spec).local for spec in specs)
    return _by_pilot(settings) if local else _by_writing(settings)


@dataclass(frozen=True, slots=True)
class _Mark:
    """The progress of a run: seconds, calls of all models, and evaluations."""

    seconds: float
    calls: int
    evaluations: int


class _Rounds(Observer):
    """Marks the beginning of every round of the search, and the end of the search."""

    def __init__(self) -> None:
        self._marks: list[_Mark] = []
        self._ended = False
        self._calls = self._evaluations = 0

    def answered(self, completion: Completion, cached: bool) -> None:
        self._calls += not cached

    def judged(self, completion: Completion, cached: bool) -> None:
        self._calls += not cached

    def written(self, completion: Completion, cached: bool) -> None:
        self._calls += not cached

    def trial_finished(self, trial: Trial) -> None:
        self._evaluations += 1

    def writing_started(self, number: int, proposals: int) -> None:
        self._mark()

    def testing_started(self, answers: int) -> None:
        if not self._ended:
            self._ended = True
            self._mark()

    def _mark(self) -> None:
        self._marks.append(_Mark(time.perf_counter(), self._calls, self._evaluations))

    def pace(self) -> tuple[float, float]:
        """Return calls and seconds per evaluation in the rounds after the first, which is not typical."""
        first, last = self._marks[1 if len(self._marks) > 2 else 0], self._marks[-1]
        done = max(1, last.evaluations - first.evaluations)
        return (last.calls - first.calls) / done, (last.seconds - first.seconds) / done


def _by_pilot(settings: Settings) -> Estimate:
    """Estimate from the first part of the run, extrapolated at the pace of its rounds after the first."""
    count = min(settings.evaluations, max(30, len(settings.start), round(PILOT * settings.evaluations)))
    rounds, start = _Rounds(), time.perf_counter()
    unlimited = dict.fromkeys(("max_calls", "max_usd", "max_tokens", "max_time", "store"))
    with TemporaryDirectory() as folder:
        pilot = settings.model_copy(update={**unlimited, "evaluations": count})
        result = execute(pilot, Path(folder) / "pilot", rounds)
    taken = time.perf_counter() - start
    calls, seconds = rounds.pace()
    # A pilot that ended early found nothing new to evaluate, and the whole run would end there too.
    left = _evaluations_left(settings, result, calls) if len(result.trials) == count else 0
    spent = sum(result.spent.values(), Usage())
    growth = 1 + calls * left / spent.calls
    dollars = cost_of(result.spent, role_prices(settings))
    return Estimate(
        _whole(_spread(growth * spent.calls)),
        _whole(_spread(growth * (spent.prompt_tokens + spent.completion_tokens))),
        None if dollars is None else _spread(growth * dollars),
        _spread(taken + seconds * left),
    )


def _evaluations_left(settings: Settings, pilot: Result, calls: float) -> float:
    """Return the number of evaluations after those of the pilot, at ``calls`` calls per evaluation."""
    left = settings.evaluations - len(pilot.trials)
    if settings.search_calls is None or not calls:
        return left
    written = sum(pilot.spent.get(role, Usage()).calls for role in (REWRITER, WRITER))
    asked = written + sum(trial.evaluation.usage.calls for trial in pilot.trials)
    return min(left, (settings.search_calls - asked) / calls)


def _by_writing(settings: Settings) -> Estimate:
    """Estimate from the first instructions of the writer, and the usual speed of services."""
    task = build_task(settings)
    check_writer(settings)
    first = _typical_texts(settings, task) if is_asked(settings.writer) else _written_texts(settings, task)
    texts = first.texts
    evaluations, calls = _calls(settings, task, len(set(texts)) / len(texts))
    usages = {role: _usages(calls, *sizes) for role, sizes in _sizes(settings, task, texts).items()}
    usages |= _usages_for_texts(settings, task, first, evaluations)
    written = first.seconds * settings.evaluations * len(first.proposals) / max(1, first.chosen)
    width = settings.concurrency or _REQUESTS
    whole = [sum(column, Usage()) for column in zip(*usages.values(), strict=True)]
    return Estimate(
        _whole(_three(usage.calls for usage in whole)),
        _whole(_three(usage.prompt_tokens + usage.completion_tokens for usage in whole)),
        _dollars(settings, usages),
        _three(written + usage.calls * latency / width for usage, latency in zip(whole, _SECONDS_A_CALL, strict=True)),
    )


@dataclass(frozen=True, slots=True)
class _Texts:
    """The first texts of a run.

    Parameters
    ----------
    proposals
        The proposals of the first round.
    texts
        The plain instruction, and one text for each proposal.
    chosen
        The number of texts that are evaluated.
    seconds
        The time that a local writer takes for a text.
    """

    proposals: Sequence[Proposal]
    texts: Sequence[str]
    chosen: int
    seconds: float = 0.0


def _written_texts(settings: Settings, task: Task) -> _Texts:
    """Write the first texts with the local writer, even if the run would ask the black box."""
    writer = build_writer(settings, build_writer_model(settings), task)
    optimizer = build_method(settings, task, writer.represent)
    proposals = optimizer.ask(settings.evaluations)
    start = time.perf_counter()
    (plain, *writings), _ = writer.write([Proposal(None), *proposals])
    seconds = (time.perf_counter() - start) / (1 + len(writings))
    candidates = [Candidate(*pair) for pair in zip(proposals, writings, strict=True)]
    texts = [plain.instruction, *(writing.instruction for writing in writings)]
    return _Texts(proposals, texts, len(optimizer.choose(candidates, settings.evaluations)), seconds)


def _typical_texts(settings: Settings, task: Task) -> _Texts:
    """Return texts of a typical length for a writer that is asked in words: asking it would cost money."""
    optimizer = build_method(settings, task, _no_states)
    proposals = optimizer.ask(settings.evaluations)
    texts = [f"{_INSTRUCTION} ({number})" for number in range(1 + len(proposals))]
    candidates = [Candidate(*pair) for pair in zip(proposals, (Writing(text, text) for text in texts[1:]), strict=True)]
    return _Texts(proposals, texts, len(optimizer.choose(candidates, settings.evaluations)))


def _no_states(points: Sequence[tuple[float, ...]]) -> Tensor:
    raise ConfigurationError("expected a method that needs no hidden states, because the writer has none")


def _usages_for_texts(
    settings: Settings, task: Task, first: _Texts, evaluations: Sequence[int]
) -> dict[str, list[Usage]]:
    """Return the minimum, likely and maximum usage for texts, by the role that is asked for them."""
    role, usages = text_role(settings), {}
    if is_asked(settings.writer):
        plain = len(plain_request(task.exemplars).encode())
        usages[WRITER] = _usages((1, 1, 1), plain, len(first.texts[0]))
    if role is not None:
        orders = {one.rewrite.request for one in first.proposals if one.rewrite is not None}
        share = len(orders) / max(1, first.chosen) if is_asked(settings.writer) else 1
        asked = _usages([round(share * count) for count in evaluations], *_sizes_of_rewriting(first))
        usages[role] = [one + other for one, other in zip(usages.get(role, [Usage()] * 3), asked, strict=True)]
    return usages


def _calls(settings: Settings, task: Task, distinct: float) -> tuple[list[int], list[int]]:
    """Return the minimum, likely and maximum evaluations and questions, with a share ``distinct`` of new texts."""
    examples = len(task.validation)
    questions = [share * examples for share in (RACED if races(settings) else (distinct, 1.0, 1.0))]
    starts = len(settings.start)  # scored on all examples, and not written
    evaluations = [max(0.0, _evaluations(settings, count) - starts) for count in questions]
    references = (1 + (settings.baseline is not None) + starts) * examples
    final = final_questions(task, settings.finalists, settings.baseline, starts)
    search = [round(per * count) for per, count in zip(questions, evaluations, strict=True)]
    return list(map(round, evaluations)), [references + calls + final for calls in search]


def _evaluations(settings: Settings, questions: float) -> float:
    """Return the evaluations of the search at ``questions`` questions per evaluation, plus a call for a paid text."""
    if settings.search_calls is None:
        return settings.evaluations
    return min(settings.evaluations, settings.search_calls / (questions + pays_for_texts(settings)))


def _usages(calls: Sequence[int], prompt: float, answer: float) -> list[Usage]:
    """Return the minimum, likely and maximum usage of a role, given the mean bytes of its prompts and answers."""
    return [
        Usage(count, round(count * prompt / size), round(count * max(1.0, answer / 4 * longer)))
        for count, size, longer in zip(calls, _BYTES_PER_TOKEN, _ANSWER_TOKENS, strict=True)
    ]


def _sizes(settings: Settings, task: Task, texts: Sequence[str]) -> dict[str, tuple[float, float]]:
    """Return the mean bytes of a prompt and of an answer, by role."""
    render = renderer(build_template(settings, task), task.exemplars[: settings.shots])
    prompts = [_bytes(render(text, example)) for text in texts for example in task.validation]
    sizes = {BLACK_BOX: (fmean(prompts), fmean(len(example.outputs[0].encode()) for example in task.validation))}
    if settings.judge is not None:
        judge = build_judging(settings)
        graded = [_bytes(judge.request(example, example.outputs[0]).messages) for example in task.validation]
        sizes[JUDGE] = fmean(graded), float(len(_GRADE))
    return sizes


def _sizes_of_rewriting(first: _Texts) -> tuple[float, float]:
    """Return the mean bytes of a request for texts, and of its answer."""
    rewrites = [proposal.rewrite for proposal in first.proposals if proposal.rewrite is not None]
    prompts = [len(rewrite.prompt.encode()) for rewrite in rewrites]
    written = fmean(len(text.encode()) for text in first.texts)
    parts = fmean([rewrite.parts for rewrite in rewrites] or [1])
    return fmean(prompts or [written]), parts * written


def _bytes(messages: Sequence[Message]) -> int:
    return sum(len(message.content.encode()) for message in messages)


def _dollars(settings: Settings, usages: Mapping[str, Sequence[Usage]]) -> Three | None:
    prices = role_prices(settings)
    costs = [cost_of(dict(zip(usages, column, strict=True)), prices) for column in zip(*usages.values(), strict=True)]
    known = [cost for cost in costs if cost is not None]
    return _three(known) if len(known) == len(costs) else None


def _spread(value: float) -> Three:
    """Return the range around a value that was measured in a part of the run."""
    return _three(share * value for share in (0.8, 1.0, 1.2))


def _three(values: Iterable[float]) -> Three:
    low, likely, high = values
    return low, likely, high


def _whole(values: Three) -> tuple[int, int, int]:
    low, likely, high = map(round, values)
    return low, likely, high
