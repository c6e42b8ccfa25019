"""Checks that settings fit together, and fit the task and the models, before anything is paid."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from instructzero.calls.store import JUDGE, WRITER
from instructzero.config import Settings
from instructzero.errors import ConfigurationError, RunDirectoryError, nearest
from instructzero.models.registry import find_backend, is_asked, returns_texts_only
from instructzero.optimizers.registry import get_method, needs_hidden_states, needs_soft_prompts
from instructzero.pricing import pays_for_texts
from instructzero.prompts import RESERVED, PromptTemplate, input_names, local_text, request_frame
from instructzero.protocols import BlackBox, capabilities_of
from instructzero.records.begun import is_begun_here, refused_marks
from instructzero.records.directory import RunDirectory
from instructzero.registry import METHODS
from instructzero.roles import Named, endpoint_of
from instructzero.tasks import Task, builtin_names, is_judged, is_task_file
from instructzero.tasks.files.hub import PREFIX
from instructzero.terminal import excerpt
from instructzero.types import Example

_SERVICES = ("openai:", "anthropic:")
_SHOWN = 60
"""Characters of an input in a message."""


def check_run(settings: Settings, task: Task, blackbox: BlackBox) -> None:
    """Raise `ConfigurationError` for settings that this task, black box, writer or method cannot be run with."""
    _check_shots(settings, len(task.exemplars))
    if settings.scoring == "loglikelihood":
        _check_likelihoods(settings, task, blackbox)
    check_writer(settings)
    _check_search_calls(settings, len(task.validation))
    _check_starts(settings, len(task.validation))


def check_begun_here(run: RunDirectory, settings: Settings, remedy: str) -> None:
    """Raise `RunDirectoryError` for a run that was not begun on this machine with these settings.

    Somebody else may have written them, and they name code and hosts. The message names both, and the ``remedy``.
    """
    if not is_begun_here(run, settings):
        raise RunDirectoryError(
            f"expected a run that was begun on this machine with these settings, got {excerpt(str(run.path), _SHOWN)}; "
            f"read its settings.yaml, and {remedy} if you trust it"
        ).followed_by(*(f"  It would {line}." for line in Named.by(settings).lines()), *filter(None, [refused_marks()]))


def check_prompt(settings: Settings, template: PromptTemplate, examples: Iterable[Example]) -> None:
    """Raise `ConfigurationError` for a prompt that shows a column which one of the ``examples`` lacks."""
    examples = tuple(examples)
    for name in template.columns:
        lacking = [example for example in examples if example.columns.get(name) is None]
        if len(lacking) == len(examples):
            known = dict.fromkeys(column for example in examples for column in example.columns)
            raise ConfigurationError(_unknown_field(settings, name, tuple(known)))
        if lacking:
            raise ConfigurationError(
                f"expected a value in {name!r}, which the prompt shows, for every example, got none for the input "
                f"“{excerpt(lacking[0].input, _SHOWN)}”; fill it in or remove the row"
            )


def _unknown_field(settings: Settings, name: str, columns: Sequence[str]) -> str:
    fields = ", ".join(f"{{{field}}}" for field in (*RESERVED, *columns))
    if name == settings.output_column:
        return f"expected fields of --prompt that the model may see ({fields}), got {{{name}}}, the answer; remove it"
    near = nearest(name, (*RESERVED, *columns))
    hint = f" (did you mean {{{near}}}?)" if near else ""
    return (
        f"expected the fields {fields} in --prompt, got {{{name}}}{hint}; correct it, name a column of the data, or "
        f"write {{{{{name}}}}} for the text in braces"
    )


def prompt_remarks(settings: Settings, template: PromptTemplate, task: Task, blackbox: BlackBox) -> Iterator[str]:
    """Yield what is surprising about how the prompt is sent, one sentence each."""
    remarks_on = getattr(blackbox, "remarks_on", None)
    if remarks_on is not None:
        shots = task.exemplars[: settings.shots]
        yield from remarks_on(template.render("{instruction}", task.validation[0], shots))
    given = [text for text in (settings.baseline, *settings.start) if text]
    plain = [text for text in given if template.for_instruction(text) is template]
    names = (*RESERVED, *template.columns, *input_names(settings))
    found = [name for name in names if any(f"{{{name}}}" in text for text in plain)]
    if found:
        yield (
            f"an instruction of yours holds {{{found[0]}}}, which is sent as it stands; give your prompt as --prompt, "
            "where it is a field, with {instruction} for the part to improve"
        )


def check_batches(settings: Settings) -> None:
    """Raise `ConfigurationError` for batches from a black box whose service has no batch API."""
    if settings.batch_api and not settings.blackbox.startswith(_SERVICES):
        raise ConfigurationError(
            f"expected a black box openai:MODEL or anthropic:MODEL for --batch-api, got {settings.blackbox!r}; choose "
            "one of these, or leave --batch-api out"
        )


def check_judge(settings: Settings) -> None:
    """Raise `ConfigurationError` for a judge without the metric of a judge, and the other way round."""
    if is_judged(settings.metric) != (settings.judge is not None):
        raise ConfigurationError(
            "expected --metric judge and --judge MODEL together, got one of them; give both, or neither"
        )


def check_writer(settings: Settings) -> None:
    """Raise `ConfigurationError` for a writer that lacks what the method needs, or a prompt that does not fit it."""
    if is_asked(settings.writer) and needs_soft_prompts(settings):
        fitting = [name for name in METHODS.own if not get_method(name).needs_soft_prompts]
        raise ConfigurationError(
            f"expected a writer that takes soft prompts for method {settings.method!r}, got {settings.writer!r}, which "
            f"is asked in words; choose a method that asks for texts ({', '.join(fitting)}), or another writer"
        )
    if needs_hidden_states(settings) and returns_texts_only(settings.writer):
        raise ConfigurationError(
            f"expected a local writer (hf:FOLDER_OR_HUB_ID) for method {settings.method!r}, which needs its hidden "
            f"states, got {settings.writer!r}; choose another writer or another method"
        )
    if settings.writer_key_env and not os.environ.get(settings.writer_key_env, "").strip():
        raise ConfigurationError(
            f"expected the key of the writer in the environment variable {settings.writer_key_env}, got none; set it, "
            "or leave --writer-key-env out for a server that needs no key"
        )
    description = settings.task_description or ""
    if is_asked(settings.writer):
        request_frame(settings.writer_prompt, (), description)
    elif settings.writer_prompt is not None:
        local_text(settings.writer_prompt, description)


def check_addresses(settings: Settings) -> None:
    """Raise `ConfigurationError` for an address of a black box that has none, if another model may be meant by it.

    Without an address of its own, that model would be asked at the official one, which the user did not name.
    """
    backend = find_backend(settings.blackbox.partition(":")[0])
    if settings.base_url is None or (backend is not None and backend.address_variable):
        return
    others = {JUDGE: settings.judge, WRITER: settings.writer if is_asked(settings.writer) else None}
    for role, model in others.items():
        if model is not None and endpoint_of(settings, role).url is None:
            raise ConfigurationError(
                f"expected a black box behind an API (--blackbox) at the address of --base-url, got "
                f"{settings.blackbox!r}; the address of the {role} is --{role}-url"
            )


def check_writer_is_named(
    settings: Settings, command: Callable[[Mapping[str, str]], str], *, given: bool = False
) -> None:
    """Refuse the embedded writer for a task of the user's own, which it does not know, unless the user named it.

    Parameters
    ----------
    settings
        The settings as the user gave them.
    command
        Returns the user's command with further settings, for the message.
    given
        The examples are given as Python objects, so that the task is the user's own whatever its name.

    Raises
    ------
    ConfigurationError
        With three ways on, each as a command.
    """
    own = given or settings.data_dir is not None or is_task_file(settings.task) or settings.task.startswith(PREFIX)
    if "writer" in settings.model_fields_set or settings.task in builtin_names() or not own:
        return
    raise ConfigurationError(
        f"the embedded writer knows only the tasks that 'instructzero tasks' lists, and {settings.task} is none of "
        "them; name the model that writes instructions: a local one, one on a server, or one behind an API:"
    ).followed_by(
        *(f"  {command(way)}" for way in _ways_on(settings)),
        "(the writer embedded:writer is used if you name it)",
    )


def _ways_on(settings: Settings) -> list[dict[str, str]]:
    """Return the settings of a local, a served and an asked writer, as far as the method can use them."""
    asked = settings.blackbox if settings.blackbox.startswith(_SERVICES) else "openai:gpt-4o-mini"
    served = {"writer": "vllm:Qwen/Qwen2.5-7B-Instruct", "writer_url": "http://localhost:8000"}
    ways = [{"writer": "hf:Qwen/Qwen2.5-1.5B-Instruct"}]
    ways += [] if needs_hidden_states(settings) else [served]
    return ways + ([] if needs_soft_prompts(settings) else [{"writer": asked}])


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


def _check_starts(settings: Settings, examples: int) -> None:
    """Refuse limits of the search that do not allow scoring the user's instructions on all validation examples."""
    count = len(settings.start)
    if settings.evaluations < count:
        raise ConfigurationError(
            f"expected at least {count} --evaluations, one for each instruction of --start, got "
            f"{settings.evaluations}; raise it, or give fewer of them"
        )
    least = examples * sum(text != settings.baseline for text in settings.start)
    if settings.search_calls is not None and settings.search_calls < least:
        raise ConfigurationError(
            f"expected at least {least} --search-calls, which the instructions of --start take on {examples} "
            f"validation examples each, got {settings.search_calls}; raise it, or lower --validation"
        )
