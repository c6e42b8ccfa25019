"""The settings of a run: one flat namespace for YAML keys, flags of the command line and Python keywords.

A field's ``description`` is the flag's help and its ``panel`` the help's section, so that nothing is said twice.
"""

from __future__ import annotations

import contextlib
import difflib
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator
from pydantic.config import JsonDict
from pydantic_core import PydanticCustomError

from instructzero.errors import ConfigurationError


class Panel(StrEnum):
    """The sections of the settings."""

    TASK = "Task"
    WRITER = "Writer"
    BLACK_BOX = "Black box"
    SCORING = "Scoring"
    BUDGET = "Budget"
    SEARCH = "Search"
    PARTS = "Parts of the search"


def _option(panel: Panel, description: str, *, operational: bool = False, **constraints: Any) -> Any:
    """Metadata of a field. ``operational`` settings may differ between a run and its resumption: they change
    how fast or how patiently it runs, not what it finds."""
    extra: JsonDict = {"panel": panel.value, "operational": operational}
    return Field(description=description, json_schema_extra=extra, **constraints)


def _part(description: str, **constraints: Any) -> Any:
    """Metadata of a part of the search that the method decides where it is not set."""
    return _option(Panel.PARTS, f"{description} (default: the method's own)", **constraints)


Count = Annotated[int, Field(gt=0)]

_UNITS = {"s": 1, "m": 60, "h": 3600}


class Settings(BaseModel):
    """Everything that determines a run. The defaults are the paper's setting on the embedded models.

    >>> Settings(task="antonyms", evaluations=50).soft_tokens
    5
    """

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    task: Annotated[str, _option(Panel.TASK, "a built-in task's name, or a JSONL, JSON, CSV or TSV file")]
    data_dir: Annotated[
        Path | None,
        _option(Panel.TASK, "folder of the instruction-induction benchmark; --task names one of its tasks"),
    ] = None
    test_data: Annotated[Path | None, _option(Panel.TASK, "file with the test examples, if they are apart")] = None
    input_column: Annotated[str, _option(Panel.TASK, "column or key of the input")] = "input"
    output_column: Annotated[str, _option(Panel.TASK, "column or key of the accepted answer or answers")] = "output"
    answer_separator: Annotated[
        str | None, _option(Panel.TASK, "splits an output cell into several accepted answers, such as |")
    ] = None
    exemplars: Annotated[Count | None, _option(Panel.TASK, "examples shown to the writer; up to 5 by default")] = None
    validation: Annotated[
        Count | None, _option(Panel.TASK, "examples that score an instruction; up to 20 by default")
    ] = None
    confirmation: Annotated[
        int | None,
        _option(
            Panel.TASK,
            "fresh examples on which the best few are scored again; up to 40 by default, where the data reaches",
            ge=0,
        ),
    ] = None
    test: Annotated[Count | None, _option(Panel.TASK, "held-out examples of the end; up to 100 by default")] = None

    writer: Annotated[
        str,
        _option(
            Panel.WRITER,
            "a Hugging Face causal LM: folder, hub id, or embedded:writer; on a server vllm:NAME or sglang:NAME",
        ),
    ] = "embedded:writer"
    writer_url: Annotated[
        str | None,
        _option(Panel.WRITER, "address of the writer's server (default: its usual port here)", operational=True),
    ] = None
    writer_template: Annotated[
        Literal["auto", "completion", "chat"],
        _option(Panel.WRITER, "plain text or the model's chat template"),
    ] = "auto"
    placement: Annotated[
        Literal["front", "user_turn", "after_exemplars"],
        _option(
            Panel.WRITER,
            "soft prompt before everything (the paper), at the start of the user's turn, or after the exemplars, which "
            "are then read once a run",
        ),
    ] = "front"
    projection: Annotated[
        Literal["uniform", "normal"],
        _option(Panel.WRITER, "distribution of the random matrix: U(-1, 1), or scaled to the writer's embeddings"),
    ] = "uniform"
    soft_scale: Annotated[float, _option(Panel.WRITER, "factor of the random matrix", gt=0)] = 1.0
    dimension: Annotated[Count, _option(Panel.WRITER, "dimension d of the vector z that is searched")] = 10
    soft_tokens: Annotated[Count, _option(Panel.WRITER, "length t of the soft prompt in tokens")] = 5
    instruction_tokens: Annotated[Count, _option(Panel.WRITER, "most new tokens of an instruction")] = 128
    rewriter: Annotated[
        Literal["writer", "blackbox"],
        _option(
            Panel.WRITER,
            "who makes texts from other texts: the writer by continuing, or the black box by a request in words, "
            "which is paid",
        ),
    ] = "writer"

    blackbox: Annotated[
        str,
        _option(
            Panel.BLACK_BOX,
            "openai:MODEL, anthropic:MODEL, hf:PATH_OR_ID, python:module:function, or embedded:blackbox",
        ),
    ] = "embedded:blackbox"
    base_url: Annotated[
        str | None,
        _option(Panel.BLACK_BOX, "address of an OpenAI-compatible endpoint, such as http://host:8000/v1"),
    ] = None
    blackbox_template: Annotated[
        Literal["auto", "completion", "chat"], _option(Panel.BLACK_BOX, "plain text or chat messages")
    ] = "auto"
    answer_tokens: Annotated[Count, _option(Panel.BLACK_BOX, "most new tokens of an answer")] = 256
    temperature: Annotated[float, _option(Panel.BLACK_BOX, "sampling temperature; 0 is greedy", ge=0, le=2)] = 0.0
    concurrency: Annotated[
        Count | None,
        _option(Panel.BLACK_BOX, "most requests in flight; 32 at an endpoint by default", operational=True),
    ] = None
    timeout: Annotated[float, _option(Panel.BLACK_BOX, "seconds to wait for an answer", operational=True, gt=0)] = 60.0
    retries: Annotated[
        int, _option(Panel.BLACK_BOX, "further tries after a passing failure", operational=True, ge=0)
    ] = 5
    requests_per_minute: Annotated[
        Count | None, _option(Panel.BLACK_BOX, "most requests a minute", operational=True)
    ] = None
    tokens_per_minute: Annotated[
        Count | None, _option(Panel.BLACK_BOX, "most prompt and answer tokens a minute", operational=True)
    ] = None

    metric: Annotated[
        str | None,
        _option(
            Panel.SCORING,
            "exact_match, f1, exact_set, contains, regex:PATTERN, numeric[:TOLERANCE], choice[:A|B], "
            "module:function, judge, or a sum such as 0.7*exact_match+0.3*f1; the task's own by default",
        ),
    ] = None
    judge: Annotated[
        str | None, _option(Panel.SCORING, "the model that grades answers with --metric judge, named like a black box")
    ] = None
    judge_criteria: Annotated[str, _option(Panel.SCORING, "what the judge is told to look for")] = (
        "The answer should mean the same as an accepted answer."
    )
    judge_tokens: Annotated[
        Count,
        _option(Panel.SCORING, "most new tokens of a judge's reply; a model that thinks aloud first needs more"),
    ] = 64
    scoring: Annotated[
        Literal["generate", "loglikelihood"],
        _option(Panel.SCORING, "score what the black box answers, or how likely a local one finds the right answer"),
    ] = "generate"
    shots: Annotated[int, _option(Panel.SCORING, "exemplars that the black box is shown with each question", ge=0)] = 0
    length_penalty: Annotated[
        float, _option(Panel.SCORING, "score taken from an instruction for every 100 characters", ge=0, le=1)
    ] = 0.0
    racing: Annotated[
        bool | None,
        _option(
            Panel.SCORING,
            "stop scoring an instruction that can no longer be among the best (default: yes for instructzero and capo)",
        ),
    ] = None
    finalists: Annotated[Count, _option(Panel.SCORING, "instructions that are scored again at the end")] = 3
    baseline: Annotated[
        str | None, _option(Panel.SCORING, "an instruction of yours, to be compared with the best one")
    ] = None

    max_calls: Annotated[Count | None, _option(Panel.BUDGET, "most calls that are paid", operational=True)] = None
    max_usd: Annotated[float | None, _option(Panel.BUDGET, "most dollars", operational=True, gt=0)] = None
    max_tokens: Annotated[Count | None, _option(Panel.BUDGET, "most prompt and answer tokens", operational=True)] = None
    max_time: Annotated[
        float | None, _option(Panel.BUDGET, "most seconds, or with a unit as in 90s, 30m, 2h", operational=True, gt=0)
    ] = None
    input_price: Annotated[
        float | None,
        _option(Panel.BUDGET, "dollars per million prompt tokens; known models' by default", operational=True, ge=0),
    ] = None
    output_price: Annotated[
        float | None, _option(Panel.BUDGET, "dollars per million answer tokens", operational=True, ge=0)
    ] = None
    store: Annotated[
        Path | None,
        _option(Panel.BUDGET, "call store that several runs share (default: one in the directory)", operational=True),
    ] = None

    method: Annotated[
        Literal[
            "instructzero",
            "paper",
            "uniform",
            "ape",
            "instinct",
            "zopo",
            "presto",
            "dro",
            "opro",
            "evoprompt-ga",
            "evoprompt-de",
            "capo",
        ],
        _option(
            Panel.SEARCH,
            "soft prompts: instructzero (InstructZero repaired), paper (as published), uniform (at random), instinct, "
            "zopo, presto, dro; texts made from texts: ape, opro, evoprompt-ga, evoprompt-de, capo",
        ),
    ] = "instructzero"
    evaluations: Annotated[Count, _option(Panel.SEARCH, "instructions to evaluate in all")] = 150
    stop_early: Annotated[
        bool | None,
        _option(
            Panel.SEARCH,
            "end the search when nothing can come before the best any more: as many as are scored again at the end "
            "have every validation example right (default: yes, but for paper)",
        ),
    ] = None
    search_calls: Annotated[
        Count | None,
        _option(Panel.SEARCH, "most black-box calls of the search itself; what it has to beat and the end come on top"),
    ] = None
    seed: Annotated[int, _option(Panel.SEARCH, "seed of everything that is random", ge=0, lt=2**32)] = 0
    device: Annotated[
        str,
        _option(
            Panel.SEARCH, "where local models run: auto, cpu, cuda, cuda:1, or map, which spreads one over all devices"
        ),
    ] = "auto"
    dtype: Annotated[
        Literal["auto", "float32", "bfloat16", "float16", "int8", "int4"],
        _option(
            Panel.SEARCH,
            "precision of local models; auto is float32 on a CPU and the checkpoint's own elsewhere, int8 and int4 "
            "need a GPU",
        ),
    ] = "auto"
    batch_size: Annotated[
        Count | None,
        _option(
            Panel.SEARCH, "rows a local model takes at once (default: what suits the device and fits into its memory)"
        ),
    ] = None

    initial: Annotated[Count | None, _part("evaluations before the surrogate is first fitted")] = None
    batch: Annotated[Count | None, _part("evaluations a round")] = None
    kernel: Annotated[
        Literal["coupled", "corrected", "standard"] | None,
        _part("instruction-coupled as in the paper, with its variance brought back away from data, or Matérn over z"),
    ] = None
    similarity: Annotated[
        Literal["scores", "exact_match", "f1"] | None,
        _part("what couples instructions: a kernel on their scores, or the agreement of their predictions"),
    ] = None
    noise: Annotated[
        Literal["fitted", "binomial"] | None, _part("one noise for all, or each instruction's own p(1 - p)/m")
    ] = None
    lengthscale: Annotated[
        Literal["prior", "loo"] | None, _part("of the kernel over z: the prior's mode, or by leave-one-out")
    ] = None
    acquisition: Annotated[Literal["ei", "log_ei"] | None, _part("expected improvement, or its logarithm")] = None
    maximiser: Annotated[
        Literal["cma", "gradient", "pool"] | None,
        _part("how candidates are found: CMA-ES, gradients, or the best of many random points"),
    ] = None
    candidates: Annotated[
        Count | None, _part("instructions written for each one that is paid for; with 1, all are paid for")
    ] = None
    batch_choice: Annotated[
        Literal["best", "fantasised", "thompson"] | None, _part("how a batch is chosen among the written instructions")
    ] = None
    preimages: Annotated[
        bool | None, _part("share a score with every soft prompt that was written as the same text")
    ] = None
    geometry: Annotated[Literal["box", "sphere"] | None, _part("search all of the box, or directions only")] = None
    continued: Annotated[
        float | None,
        _part("share of the evaluations whose texts go on from the beginnings of the best", ge=0, le=1),
    ] = None

    def parts(self) -> dict[str, Any]:
        """The parts of the search that are set, by name."""
        names = [name for name in Settings.model_fields if panel_of(name) == Panel.PARTS]
        return {name: value for name in names if (value := getattr(self, name)) is not None}

    @field_validator("max_time", mode="before")
    @classmethod
    def _with_unit(cls, value: object) -> object:
        """Seconds of 90s, 30m and 2h; anything else is left to the type."""
        if isinstance(value, str) and value[-1:] in _UNITS and value[:-1].strip():
            with contextlib.suppress(ValueError):
                return float(value[:-1]) * _UNITS[value[-1]]
        return value

    @field_validator("base_url", "writer_url")
    @classmethod
    def _holds_no_secret(cls, value: str | None) -> str | None:
        """Settings are written to the run directory, so an address may not carry a password or a token."""
        parts = urlsplit(value or "")
        if parts.username or parts.password or parts.query:
            raise PydanticCustomError(
                "secret", "expected an address without user, password or query (keys belong in the environment)"
            )
        return value


def make_settings(values: Mapping[str, Any]) -> Settings:
    """Settings from keys and values; raises `ConfigurationError` with one sentence about the first fault."""
    try:
        return Settings(**values)
    except ValidationError as error:
        raise ConfigurationError(_sentence(error)) from None


def _sentence(error: ValidationError) -> str:
    """What was expected, what came and the mend, for the first of the faults."""
    fault = error.errors(include_url=False)[0]
    name = str(fault["loc"][0])
    if fault["type"] == "extra_forbidden":
        near = difflib.get_close_matches(name, Settings.model_fields, n=1)
        hint = f"did you mean {near[0]!r}?" if near else "run 'instructzero run --help' for the list"
        return f"unknown setting {name!r}; {hint}"
    if fault["type"] == "missing":
        return f"no {name} is set; name it with --{name.replace('_', '-')} or in the configuration file"
    expected = fault["msg"][0].lower() + fault["msg"][1:]
    came = "one with them" if fault["type"] == "secret" else repr(fault["input"])
    return f"setting {name!r}: {expected}, got {came}; change --{name.replace('_', '-')}"


def load_yaml(path: Path) -> dict[str, Any]:
    """Keys and values of a YAML file of settings."""
    import yaml

    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigurationError(f"no configuration file {path}; check the path") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"cannot read the configuration file {path}: {error}") from None
    except yaml.YAMLError as error:
        place = getattr(error, "problem_mark", None)
        line = f" at line {place.line + 1}" if place else ""
        raise ConfigurationError(f"{path} is not valid YAML{line}; mend it or use flags") from None
    if not isinstance(values, dict) or not all(isinstance(key, str) for key in values):
        raise ConfigurationError(f"expected {path} to hold keys and values such as 'task: antonyms'; mend it")
    return values


def dump_yaml(settings: Settings) -> str:
    """The settings as YAML; `load_yaml` and `make_settings` give the same settings back."""
    import yaml

    return yaml.safe_dump(settings.model_dump(mode="json"), sort_keys=False, allow_unicode=True)


def differences(old: Settings, new: Settings) -> list[str]:
    """The settings that differ and may not, each as ``name: old there, new here``."""
    return [
        f"{name}: {getattr(old, name)!r} there, {getattr(new, name)!r} here"
        for name, field in Settings.model_fields.items()
        if getattr(old, name) != getattr(new, name) and not _metadata(field)["operational"]
    ]


def panel_of(name: str) -> str:
    """The section of the help that the setting belongs to."""
    return str(_metadata(Settings.model_fields[name])["panel"])


def _metadata(field: Any) -> dict[str, Any]:
    extra: dict[str, Any] = field.json_schema_extra
    return extra
