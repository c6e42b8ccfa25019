"""Checks that settings fit together, and fit the task and the models, before anything is paid."""

from __future__ import annotations

from instructzero.config import Settings
from instructzero.errors import ConfigurationError
from instructzero.models.registry import returns_texts_only
from instructzero.optimizers.registry import needs_hidden_states, pays_for_texts
from instructzero.protocols import BlackBox, capabilities_of
from instructzero.tasks import Task, is_judged


def check_run(settings: Settings, task: Task, blackbox: BlackBox) -> None:
    """Raise `ConfigurationError` for settings that this task, black box, writer or method cannot be run with."""
    _check_shots(settings, len(task.exemplars))
    if settings.scoring == "loglikelihood":
        _check_likelihoods(settings, task, blackbox)
    check_writer(settings)
    _check_search_calls(settings, len(task.validation))


def check_judge(settings: Settings) -> None:
    """Raise `ConfigurationError` for a judge without the metric of a judge, and the other way round."""
    if is_judged(settings.metric) != (settings.judge is not None):
        raise ConfigurationError(
            "expected --metric judge and --judge MODEL together, got one of them; give both, or neither"
        )


def check_writer(settings: Settings) -> None:
    """Raise `ConfigurationError` for a writer on a server with a method that needs more than its texts."""
    if needs_hidden_states(settings) and returns_texts_only(settings.writer):
        raise ConfigurationError(
            f"expected a local writer (hf:FOLDER_OR_HUB_ID) for method {settings.method!r}, which needs its hidden "
            f"states, got {settings.writer!r}; choose another writer or another method"
        )


def _check_shots(settings: Settings, exemplars: int) -> None:
    if settings.shots > exemplars:
        raise ConfigurationError(
            f"expected at most {exemplars} shots, because there are no more exemplars, got {settings.shots}; "
            "lower --shots or raise --exemplars"
        )


def _check_likelihoods(settings: Settings, task: Task, blackbox: BlackBox) -> None:
    """Refuse a black box without likelihoods, and every setting that needs the text of an answer."""
    if not capabilities_of(blackbox).likelihoods:
        raise ConfigurationError(
            "expected a local black box (hf:FOLDER_OR_HUB_ID) for --scoring loglikelihood, got another, which does not "
            "say how likely an answer is; leave --scoring out"
        )
    if is_judged(settings.metric) or settings.similarity in ("exact_match", "f1"):
        raise ConfigurationError(
            "expected answers for a judge or a similarity of predictions, got --scoring loglikelihood, which has none; "
            "leave one of them out"
        )
    if task.metric.scores_sets:
        raise ConfigurationError(
            f"expected answers for the metric {task.metric.name}, which counts the labels they name, got --scoring "
            "loglikelihood, which has none; leave one of them out"
        )


def _check_search_calls(settings: Settings, examples: int) -> None:
    """Refuse a limit that does not allow a single evaluation."""
    least = examples + pays_for_texts(settings)
    if settings.search_calls is not None and settings.search_calls < least:
        raise ConfigurationError(
            f"expected at least {least} --search-calls, the maximum that one evaluation takes, got "
            f"{settings.search_calls}; raise it, or lower --validation"
        )
