"""What a run will take, said before it is paid for."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from tempfile import TemporaryDirectory

from instructzero.build import (
    build_judging,
    build_prices,
    build_task,
    build_writer,
    build_writer_model,
    execute,
    is_local,
)
from instructzero.calls.store import BLACK_BOX, JUDGE, REWRITER
from instructzero.config import Settings
from instructzero.optimizers.registry import Materials, build_optimizer, pays_for_texts, races
from instructzero.progress import cost_of, format_seconds
from instructzero.prompts import demonstrations, few_shot
from instructzero.records.observers import Observer
from instructzero.records.result import Result
from instructzero.search.finale import questions_of_end
from instructzero.tasks import Task
from instructzero.types import Candidate, Completion, Message, Proposal, Trial, Usage

PILOT = 0.3
"""The share of the evaluations that a run on a local black box, which costs nothing, is tried out with."""

RACED = (0.4, 0.6, 0.8)
"""Least, likely and largest share of the validation examples that a racing instruction is scored on."""

_BYTES_PER_TOKEN = (5.0, 4.0, 3.0)
_ANSWER_TOKENS = (1.0, 1.5, 4.0)  # a model's answer, in times the length of an accepted one
_SECONDS_A_CALL = (0.3, 1.0, 3.0)
_GRADE = "Grade: 10"  # what a judge answers
_REQUESTS = 32  # in flight at an endpoint where --concurrency is not set

Three = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Estimate:
    """Least, likely and largest of each; ``dollars`` is None where a price is not known."""

    calls: tuple[int, int, int]
    tokens: tuple[int, int, int]
    dollars: Three | None
    seconds: Three

    def lines(self) -> list[str]:
        """For a person, a line each."""
        cost = "no price set" if self.dollars is None else "${1:.4f} (${0:.4f} to ${2:.4f})".format(*self.dollars)
        return [
            "calls    {1:,} ({0:,} to {2:,})".format(*self.calls),
            "tokens   {1:,} ({0:,} to {2:,})".format(*self.tokens),
            f"cost     {cost}",
            "time     {1} ({0} to {2})".format(*map(format_seconds, self.seconds)),
        ]


def estimate(settings: Settings) -> Estimate:
    """Nothing is paid: a local black box is tried out on a part of the run, for a service the writer alone is."""
    local = is_local(settings.blackbox) and (settings.judge is None or is_local(settings.judge))
    return _by_pilot(settings) if local else _by_writing(settings)


@dataclass(frozen=True, slots=True)
class _Mark:
    """How far a run has got: seconds, calls of all models, and evaluations."""

    seconds: float
    calls: int
    evaluations: int


class _Rounds(Observer):
    """Marks the beginning of each round of the search, and its end."""

    def __init__(self) -> None:
        self._marks: list[_Mark] = []
        self._ended = False
        self._calls = self._evaluations = 0

    def answered(self, completion: Completion, cached: bool) -> None:
        self._calls += not cached

    def judged(self, completion: Completion, cached: bool) -> None:
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
        """Calls and seconds an evaluation, in the rounds after the first, which is unlike them."""
        first, last = self._marks[1 if len(self._marks) > 2 else 0], self._marks[-1]
        done = max(1, last.evaluations - first.evaluations)
        return (last.calls - first.calls) / done, (last.seconds - first.seconds) / done


def _by_pilot(settings: Settings) -> Estimate:
    """The beginning of the run itself, drawn out at the pace of its rounds after the first."""
    count = min(settings.evaluations, max(30, round(PILOT * settings.evaluations)))
    rounds, began = _Rounds(), time.perf_counter()
    unlimited = dict.fromkeys(("max_calls", "max_usd", "max_tokens", "max_time", "store"))
    with TemporaryDirectory() as folder:
        pilot = settings.model_copy(update={**unlimited, "evaluations": count})
        result = execute(pilot, Path(folder) / "pilot", rounds)
    taken = time.perf_counter() - began
    calls, seconds = rounds.pace()
    # A search that found nothing new to evaluate would have ended in the whole run too.
    left = _evaluations_left(settings, result, calls) if len(result.trials) == count else 0
    spent = sum(result.spent.values(), Usage())
    growth = 1 + calls * left / spent.calls
    dollars = cost_of(result.spent, build_prices(settings))
    return Estimate(
        _whole(_spread(growth * spent.calls)),
        _whole(_spread(growth * (spent.prompt_tokens + spent.completion_tokens))),
        None if dollars is None else _spread(growth * dollars),
        _spread(taken + seconds * left),
    )


def _evaluations_left(settings: Settings, pilot: Result, calls: float) -> float:
    """How many evaluations of so many calls each would follow those of the pilot."""
    left = settings.evaluations - len(pilot.trials)
    if settings.search_calls is None or not calls:
        return left
    written = pilot.spent.get(REWRITER, Usage()).calls
    asked = written + sum(trial.evaluation.usage.calls for trial in pilot.trials)
    return min(left, (settings.search_calls - asked) / calls)


def _by_writing(settings: Settings) -> Estimate:
    """From the instructions that the writer writes first, and what is usual of services."""
    task = build_task(settings)
    writer = build_writer(settings, build_writer_model(settings), task)
    optimizer = build_optimizer(settings, Materials(writer.represent, demonstrations(task.exemplars)))
    proposals = optimizer.ask(settings.evaluations)
    began = time.perf_counter()
    (plain, *writings), _ = writer.write([Proposal(None), *proposals])  # here, even where the black box would be asked
    writing = (time.perf_counter() - began) / (1 + len(writings))
    paid = optimizer.choose([Candidate(*pair) for pair in zip(proposals, writings, strict=True)], settings.evaluations)
    texts = [plain.instruction, *(each.instruction for each in writings)]
    evaluations, calls = _calls(settings, task, len(set(texts)) / len(texts))
    usages = {role: _usages(calls, *sizes) for role, sizes in _sizes(settings, task, texts).items()}
    if pays_for_texts(settings):
        usages[REWRITER] = _usages(evaluations, *_sizes_of_rewriting(proposals, texts))
    written = writing * settings.evaluations * len(writings) / max(1, len(paid))
    width = settings.concurrency or _REQUESTS
    whole = [sum(each, Usage()) for each in zip(*usages.values(), strict=True)]
    return Estimate(
        _whole(_three(each.calls for each in whole)),
        _whole(_three(each.prompt_tokens + each.completion_tokens for each in whole)),
        _dollars(settings, usages),
        _three(written + each.calls * latency / width for each, latency in zip(whole, _SECONDS_A_CALL, strict=True)),
    )


def _calls(settings: Settings, task: Task, distinct: float) -> tuple[list[int], list[int]]:
    """Evaluations and questions: least, likely and most; ``distinct`` is the share of instructions that are new."""
    examples = len(task.validation)
    questions = [share * examples for share in (RACED if races(settings) else (distinct, 1.0, 1.0))]
    evaluations = [_evaluations(settings, each) for each in questions]
    references = (1 + (settings.baseline is not None)) * examples
    end = questions_of_end(task, settings.finalists, settings.baseline)
    asked = [references + round(each * count) + end for each, count in zip(questions, evaluations, strict=True)]
    return list(map(round, evaluations)), asked


def _evaluations(settings: Settings, questions: float) -> float:
    """How far the search gets at so many questions an evaluation, and a call for its text where that is paid."""
    if settings.search_calls is None:
        return settings.evaluations
    return min(settings.evaluations, settings.search_calls / (questions + pays_for_texts(settings)))


def _usages(calls: Sequence[int], prompt: float, answer: float) -> list[Usage]:
    """Least, likely and most of one role, whose prompts and answers have so many bytes."""
    return [
        Usage(count, round(count * prompt / size), round(count * max(1.0, answer / 4 * longer)))
        for count, size, longer in zip(calls, _BYTES_PER_TOKEN, _ANSWER_TOKENS, strict=True)
    ]


def _sizes(settings: Settings, task: Task, texts: Sequence[str]) -> dict[str, tuple[float, float]]:
    """Mean bytes of a prompt and of an answer, by role."""
    render = few_shot(task.exemplars[: settings.shots])
    prompts = [_bytes(render(text, each.input)) for text in texts for each in task.validation]
    sizes = {BLACK_BOX: (fmean(prompts), fmean(len(each.outputs[0].encode()) for each in task.validation))}
    if settings.judge is not None:
        judge = build_judging(settings)
        graded = [_bytes(judge.request(each, each.outputs[0]).messages) for each in task.validation]
        sizes[JUDGE] = fmean(graded), float(len(_GRADE))
    return sizes


def _sizes_of_rewriting(proposals: Sequence[Proposal], texts: Sequence[str]) -> tuple[float, float]:
    """Mean bytes of a request for a text, and of the text."""
    prompts = [len(each.rewrite.prompt.encode()) for each in proposals if each.rewrite is not None]
    written = [len(text.encode()) for text in texts]
    return fmean(prompts or written), fmean(written)


def _bytes(messages: Sequence[Message]) -> int:
    return sum(len(message.content.encode()) for message in messages)


def _dollars(settings: Settings, usages: Mapping[str, Sequence[Usage]]) -> Three | None:
    prices = build_prices(settings)
    costs = [cost_of(dict(zip(usages, each, strict=True)), prices) for each in zip(*usages.values(), strict=True)]
    known = [each for each in costs if each is not None]
    return _three(known) if len(known) == len(costs) else None


def _spread(value: float) -> Three:
    """A value that a part of the run itself has told."""
    return _three(share * value for share in (0.8, 1.0, 1.2))


def _three(values: Iterable[float]) -> Three:
    low, likely, high = values
    return low, likely, high


def _whole(values: Three) -> tuple[int, int, int]:
    low, likely, high = map(round, values)
    return low, likely, high
