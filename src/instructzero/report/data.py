"""The data of a report as one plain dict, with the same numbers as ``result.json`` and the journal."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version

from instructzero.config import Settings
from instructzero.finished_run import given_in_python
from instructzero.optimizers.registry import races, recorded_method
from instructzero.records.uncertainty import score_interval
from instructzero.report import statements
from instructzero.report.answers import answers_of
from instructzero.report.belief import Beliefs, belief_of
from instructzero.report.chain import chain_of
from instructzero.report.costs import costs_of
from instructzero.report.examples import examples_of
from instructzero.report.failures import failures_of
from instructzero.report.instructions import interval_record, numbers_of, rows_of
from instructzero.report.labels import label_parts_of, labels_of
from instructzero.report.lineage import lineage_of
from instructzero.report.messages import messages_of
from instructzero.report.origins import pays
from instructzero.report.source import Record, Source
from instructzero.report.space import space_of
from instructzero.report.texts import texts_of
from instructzero.report.trajectory import rounds_of, trajectory_of
from instructzero.report.use_section import use_of
from instructzero.types import Evaluation

PACKAGES = ("instructzero", "torch", "transformers", "numpy", "scipy")
"""The packages that can affect the numbers of a run; their versions are part of the report."""


def collect(source: Source, beliefs: Beliefs | None = None) -> Record:
    """Return the data of a report.

    Other parts refer to an instruction by its row in ``instructions``. Scores are means in [0, 1].

    Parameters
    ----------
    source
        The run.
    beliefs
        Predictions of an earlier report of the same run, for a page that is updated while the search goes on. They
        are reused, and new ones are added in place.
    """
    live = beliefs is not None and source.result is None
    rows = rows_of(source)
    numbers = numbers_of(rows)
    examples = examples_of(source, numbers)
    return {
        "run": _run(source),
        "statements": {
            "verdict": statements.verdict(source),
            "comparisons": statements.comparisons(source, examples),
            "warnings": statements.warnings(source),
            "ending": statements.ending(source),
            "reproduction": statements.reproduction(
                source.settings.model_dump(mode="json"), rows=given_in_python(source.settings)
            ),
        },
        "result": source.result,
        "scores": _scores(source),
        "instructions": rows,
        "trajectory": trajectory_of(source, numbers),
        "rounds": rounds_of(source),
        "space": space_of(source, numbers, live=live),
        "texts": texts_of(source, numbers, live=live),
        "belief": belief_of(source, numbers, beliefs),
        "examples": examples,
        "failures": failures_of(source),
        "labels": labels_of(source),
        "label_parts": label_parts_of(source),
        "lineage": lineage_of(source, numbers),
        "chain": chain_of(source, numbers),
        "messages": messages_of(source),
        "answers": answers_of(source),
        "costs": costs_of(source),
        "use": use_of(source),
        "settings": _settings(source.settings),
        "identities": dict(source.header),
        "versions": {"python": platform.python_version(), **_versions()},
    }


def _run(source: Source) -> Record:
    history, settings = source.history, source.settings
    return {
        "directory": source.name,
        "task": source.header.get("task", settings.task),
        "metric": source.header.get("metric", settings.metric),
        "method": settings.method,
        "seed": settings.seed,
        "ended": source.result is not None,
        "starts": len(settings.start),
        "best_is_start": source.best in settings.start,
        "evaluations": len(history.trials),
        "rounds": len(history.rounds),
        "distinct": len({trial.instruction for trial in history.trials}),
        "written": len(source.candidates),
        "on_request": pays(source),
        "validation_examples": source.validation_examples,
        "racing": races(settings, recorded_method) or _raced(source),
        "length_penalty": settings.length_penalty,
    }


def _raced(source: Source) -> bool:
    """Return True if an instruction dropped out of a race, which the settings do not say of a method that is code."""
    return any(not trial.evaluation.is_complete(source.validation_examples) for trial in source.history.trials)


def _scores(source: Source) -> list[Record]:
    """Return the best instruction and the references, with a score and an interval for every part of the data."""
    history = source.history
    subjects = {"best": source.best, **source.references}
    scores = []
    for role, text in subjects.items():
        if text is not None and not (role in ("plain", "start", "challenger") and text == source.best):
            parts = {
                "validation": source.known[text],
                "confirmation": history.confirmations.get(text),
                "test": history.tests.get(text),
            }
            scores.append(
                {
                    "role": role,
                    "text": text,
                    "parts": {name: _interval(part) for name, part in parts.items() if part is not None},
                }
            )
    return scores


def _interval(evaluation: Evaluation) -> Record:
    return {
        "score": evaluation.score,
        "interval": interval_record(score_interval(evaluation)),
        "examples": len(evaluation.scores),
    }


def _settings(settings: Settings) -> list[Record]:
    """Return every setting with its value; ``is_default`` is True if that is the default."""
    fields = Settings.model_fields
    return [
        {
            "name": name,
            "value": "\n---\n".join(value) or None if isinstance(value, list) else value,
            "is_default": not fields[name].is_required() and getattr(settings, name) == fields[name].get_default(),
        }
        for name, value in settings.model_dump(mode="json").items()
    ]


def _versions() -> dict[str, str]:
    """Return the versions of `PACKAGES` in the installation that creates the report."""
    found = {}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    return found
