"""Exports of a run: the instruction as text, the whole result as JSON, trials and scores as CSV."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from typing import Any

from instructzero.exports.spreadsheet import without_formula
from instructzero.finished_run import FinishedRun
from instructzero.types import Evaluation, Trial

TRIAL_COLUMNS = (
    *("number", "round", "instruction", "score", "examples", "calls", "prompt_tokens", "completion_tokens"),
    *("raw", "z"),
)
SCORE_COLUMNS = ("part", "trial", "instruction", "example", "score", "prediction")


def text(run: FinishedRun) -> str:
    """Return the best instruction as in ``instruction.txt``."""
    return f"{run.instruction}\n"


def whole_result(run: FinishedRun) -> str:
    """Return ``result.json`` with the settings, the identities of data and models, and all evaluations; ASCII only."""
    content = {
        **run.record,
        "settings": run.settings.model_dump(mode="json"),
        "identities": run.header,
        "trials": [_trial(trial) for trial in run.history.trials],
        "confirmations": _results(run.history.confirmations),
        "tests": _results(run.history.tests),
    }
    return json.dumps(content, indent=2) + "\n"


def trials(run: FinishedRun, *, raw: bool = False) -> str:
    """Return a row for each trial, in order; ``z`` is a JSON list, or empty for a text without a soft prompt.

    Texts that a spreadsheet would compute are changed as in `without_formula`, unless they shall be ``raw``.
    """
    return _csv(TRIAL_COLUMNS, (_trial_row(trial) for trial in run.history.trials), raw=raw)


def scores(run: FinishedRun, *, raw: bool = False) -> str:
    """Return a row for each example of each evaluation; ``example`` counts from 0 within its part.

    For ``raw`` see `trials`.
    """
    return _csv(SCORE_COLUMNS, _score_rows(run), raw=raw)


def _score_rows(run: FinishedRun) -> Iterator[tuple[Any, ...]]:
    history = run.history
    if history.plain is not None:
        yield from _rows("plain", "", history.plain[0].instruction, history.plain[1])
    if history.baseline is not None:
        yield from _rows("baseline", "", *history.baseline)
    for trial in history.trials:
        yield from _rows("validation", trial.number, trial.instruction, trial.evaluation)
    for part, results in (("confirmation", history.confirmations), ("test", history.tests)):
        for instruction, evaluation in results.items():
            yield from _rows(part, "", instruction, evaluation)


def _rows(part: str, trial: int | str, instruction: str, evaluation: Evaluation) -> Iterator[tuple[Any, ...]]:
    for example, (score, prediction) in enumerate(zip(evaluation.scores, evaluation.predictions, strict=True)):
        yield part, trial, instruction, example, score, prediction


def _trial_row(trial: Trial) -> tuple[Any, ...]:
    usage, z = trial.evaluation.usage, trial.proposal.z
    return (
        *(trial.number, trial.round, trial.instruction, trial.score, len(trial.evaluation.scores)),
        *(usage.calls, usage.prompt_tokens, usage.completion_tokens),
        *(trial.writing.raw, "" if z is None else json.dumps(z)),
    )


def _trial(trial: Trial) -> dict[str, Any]:
    return {
        "number": trial.number,
        "round": trial.round,
        "instruction": trial.instruction,
        "raw": trial.writing.raw,
        "z": trial.proposal.z,
        "score": trial.score,
        **asdict(trial.evaluation),
    }


def _results(evaluations: dict[str, Evaluation]) -> list[dict[str, Any]]:
    return [
        {"instruction": instruction, "score": evaluation.score, **asdict(evaluation)}
        for instruction, evaluation in evaluations.items()
    ]


def _csv(columns: Iterable[str], rows: Iterable[tuple[Any, ...]], *, raw: bool) -> str:
    """Return CSV by RFC 4180; every text is quoted, so that no reader takes it for a number or loses a line break."""
    file = io.StringIO(newline="")
    writer = csv.writer(file, quoting=csv.QUOTE_NONNUMERIC)
    writer.writerow(columns)
    writer.writerows(rows if raw else (map(without_formula, row) for row in rows))
    return file.getvalue()
