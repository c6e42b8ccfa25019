"""The settings of a run: one flat namespace for YAML keys, command-line flags and Python keywords.

A field's description is the help text of its flag, so that every setting is described in one place.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, ValidationError, field_validator
from pydantic_core import PydanticCustomError

from instructzero.config.fields import Count, Panel, option, part
from instructzero.config.validation import SECRET, SENTENCE, Wording, fault_sentence
from instructzero.errors import ConfigurationError
from instructzero.registry import METHODS

_UNITS = {"s": 1, "m": 60, "h": 3600}

_WORDING = Wording(
    unknown="unknown setting {name!r}; {hint}",
    missing="no {name} is set; name it with --{flag} or in the configuration file",
    invalid="setting {name!r}: {fault}; change --{flag}",
    otherwise="run 'instructzero run --help' for the list",
)


class Settings(BaseModel):
    """Everything that determines a run. The defaults are the paper's setting on the embedded models.

    >>> Settings(task="antonyms", evaluations=50).soft_tokens
    5
    """

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    task: Annotated[
        str,
        option(Panel.TASK, "built-in task, file (JSONL, JSON, CSV, TSV, Parquet, XLSX) or hf:DATASET", form="TASK"),
    ]
    data_dir: Annotated[
        Path | None,
        option(
            Panel.TASK, "folder of the instruction-induction benchmark; --task names one of its tasks", form="FOLDER"
        ),
    ] = None
    test_data: Annotated[
        Path | None, option(Panel.TASK, "separate file or hf:DATASET with the test examples", form="FILE")
    ] = None
    input_column: Annotated[str, option(Panel.TASK, "column or key of the input")] = "input"
    output_column: Annotated[str, option(Panel.TASK, "column or key of the accepted answer or answers")] = "output"
    answer_separator: Annotated[
        str | None, option(Panel.TASK, "separator of several accepted answers in one output cell, such as |")
    ] = None
    exemplars: Annotated[Count | None, option(Panel.TASK, "examples shown to the writer (default: up to 5)")] = None
    validation: Annotated[
        Count | None, option(Panel.TASK, "examples that score an instruction (default: up to 20)")
    ] = None
    confirmation: Annotated[
        int | None,
        option(
            Panel.TASK,
            "fresh examples for scoring the best instructions again (default: up to 40, if the data suffices)",
            ge=0,
        ),
    ] = None
    test: Annotated[Count | None, option(Panel.TASK, "held-out test examples (default: up to 100)")] = None

    writer: Annotated[
        str,
        option(
            Panel.WRITER,
            "Hugging Face causal LM: a folder, a hub id or embedded:writer; on a server vllm:NAME or sglang:NAME",
            form="MODEL",
        ),
    ] = "embedded:writer"
    writer_url: Annotated[
        str | None,
        option(
            Panel.WRITER,
            "address of the writer's server (default: localhost with the server's usual port)",
            form="URL",
            operational=True,
        ),
    ] = None
    writer_template: Annotated[
        Literal["auto", "completion", "chat"],
        option(Panel.WRITER, "prompt as plain text or in the model's chat template; auto prefers the template"),
    ] = "auto"
    placement: Annotated[
        Literal["front", "user_turn", "after_exemplars"],
        option(
            Panel.WRITER,
            "position of the soft prompt: before everything (the paper), at the start of the user's turn, or after the "
            "exemplars, which are then encoded once per run",
        ),
    ] = "front"
    projection: Annotated[
        Literal["uniform", "normal"],
        option(
            Panel.WRITER, "distribution of the random matrix: U(-1, 1), or normal, scaled to the writer's embeddings"
        ),
    ] = "uniform"
    soft_scale: Annotated[float, option(Panel.WRITER, "scale factor of the random matrix", gt=0)] = 1.0
    dimension: Annotated[Count, option(Panel.WRITER, "dimension d of the searched vector z")] = 10
    soft_tokens: Annotated[Count, option(Panel.WRITER, "length t of the soft prompt in tokens")] = 5
    instruction_tokens: Annotated[Count, option(Panel.WRITER, "maximum tokens of an instruction")] = 128
    rewriter: Annotated[
        Literal["writer", "blackbox"],
        option(
            Panel.WRITER,
            "model that writes new texts from existing ones: the writer by continuation, or the black box by paid "
            "requests",
        ),
    ] = "writer"

    blackbox: Annotated[
        str,
        option(
            Panel.BLACK_BOX,
            "openai:MODEL, anthropic:MODEL, hf:PATH_OR_ID, python:module:function or embedded:blackbox",
            form="MODEL",
        ),
    ] = "embedded:blackbox"
    base_url: Annotated[
        str | None,
        option(Panel.BLACK_BOX, "address of an OpenAI-compatible endpoint, such as http://host:8000/v1", form="URL"),
    ] = None
    blackbox_template: Annotated[
        Literal["auto", "completion", "chat"], option(Panel.BLACK_BOX, "prompt as plain text or as chat messages")
    ] = "auto"
    answer_tokens: Annotated[Count, option(Panel.BLACK_BOX, "maximum tokens of an answer")] = 256
    temperature: Annotated[float, option(Panel.BLACK_BOX, "sampling temperature; 0 is greedy", ge=0, le=2)] = 0.0
    concurrency: Annotated[
        Count | None,
        option(Panel.BLACK_BOX, "maximum concurrent requests (default: 32 at an endpoint)", operational=True),
    ] = None
    timeout: Annotated[
        float, option(Panel.BLACK_BOX, "maximum time to wait for an answer", form="SECONDS", operational=True, gt=0)
    ] = 60.0
    retries: Annotated[
        int, option(Panel.BLACK_BOX, "further attempts after a transient failure", operational=True, ge=0)
    ] = 5
    max_failures: Annotated[
        float,
        option(Panel.BLACK_BOX, "share of examples that may get no answer and score 0", operational=True, ge=0, le=1),
    ] = 0.1
    requests_per_minute: Annotated[
        Count | None, option(Panel.BLACK_BOX, "maximum requests per minute", operational=True)
    ] = None
    tokens_per_minute: Annotated[
        Count | None, option(Panel.BLACK_BOX, "maximum prompt and answer tokens per minute", operational=True)
    ] = None

    metric: Annotated[
        str | None,
        option(
            Panel.SCORING,
            "exact_match, verbatim, f1, exact_set, contains, regex:PATTERN, numeric[:TOLERANCE], json[:strict], code, "
            "choice[:A|B], macro_f1, balanced_accuracy, mcc, bleu, chrf, rouge1, rouge2, rougeL, wer, cer, "
            "module:function, judge, or a sum such as 0.7*exact_match+0.3*f1 (default: the task's own)",
            form="METRIC",
        ),
    ] = None
    judge: Annotated[
        str | None,
        option(Panel.SCORING, "model that grades answers with --metric judge, in the form of --blackbox", form="MODEL"),
    ] = None
    judge_criteria: Annotated[str, option(Panel.SCORING, "grading criteria for the judge")] = (
        "The answer should mean the same as an accepted answer."
    )
    judge_tokens: Annotated[
        Count, option(Panel.SCORING, "maximum tokens of the judge's reply; a reasoning model needs more")
    ] = 64
    scoring: Annotated[
        Literal["generate", "loglikelihood"],
        option(
            Panel.SCORING,
            "score the answers that the black box generates, or the likelihood that a local one gives to the right "
            "answer",
        ),
    ] = "generate"
    shots: Annotated[int, option(Panel.SCORING, "exemplars shown to the black box with each question", ge=0)] = 0
    length_penalty: Annotated[
        float, option(Panel.SCORING, "score deducted per 100 characters of an instruction", ge=0, le=1)
    ] = 0.0
    racing: Annotated[
        bool | None,
        option(
            Panel.SCORING,
            "stop scoring an instruction that can no longer be among the best (default: yes for instructzero and capo)",
        ),
    ] = None
    finalists: Annotated[Count, option(Panel.SCORING, "instructions scored again in the final selection")] = 3
    baseline: Annotated[str | None, option(Panel.SCORING, "an instruction of your own, compared with the best one")] = (
        None
    )

    max_calls: Annotated[Count | None, option(Panel.BUDGET, "maximum paid calls", operational=True)] = None
    max_usd: Annotated[float | None, option(Panel.BUDGET, "maximum cost", form="DOLLARS", operational=True, gt=0)] = (
        None
    )
    max_tokens: Annotated[Count | None, option(Panel.BUDGET, "maximum prompt and answer tokens", operational=True)] = (
        None
    )
    max_time: Annotated[
        float | None,
        option(Panel.BUDGET, "maximum time; also with a unit: 90s, 30m, 2h", form="SECONDS", operational=True, gt=0),
    ] = None
    input_price: Annotated[
        float | None,
        option(
            Panel.BUDGET,
            "price of a million prompt tokens (default: the list price of a known model)",
            form="DOLLARS",
            operational=True,
            ge=0,
        ),
    ] = None
    output_price: Annotated[
        float | None,
        option(Panel.BUDGET, "price of a million answer tokens", form="DOLLARS", operational=True, ge=0),
    ] = None
    store: Annotated[
        Path | None,
        option(Panel.BUDGET, "call store for several runs (default: the run's own)", form="FILE", operational=True),
    ] = None

    method: Annotated[
        str,
        option(
            Panel.SEARCH,
            "search method; 'instructzero methods' describes them, python:MODULE:CLASS loads one of yours",
        ),
    ] = "instructzero"
    evaluations: Annotated[Count, option(Panel.SEARCH, "total instructions to evaluate")] = 150
    stop_early: Annotated[
        bool | None,
        option(
            Panel.SEARCH,
            "end the search when no later instruction can rank higher, because all places of the final selection are "
            "taken by instructions with every validation example right (default: yes, except for paper)",
        ),
    ] = None
    search_calls: Annotated[
        Count | None,
        option(
            Panel.SEARCH,
            "maximum black-box calls of the search, without those for the plain instruction, the baseline, the final "
            "selection and the final test",
        ),
    ] = None
    on_zero: Annotated[
        Literal["warn", "stop"],
        option(Panel.SEARCH, "action if all first scores are 0, or all instructions score the same", operational=True),
    ] = "warn"
    seed: Annotated[int, option(Panel.SEARCH, "seed of all random choices", form="SEED", ge=0, lt=2**32)] = 0

    device: Annotated[
        str,
        option(
            Panel.HARDWARE,
            "device of local models: auto, cpu, cuda, cuda:1, or map, which spreads one model over all devices",
            form="DEVICE",
        ),
    ] = "auto"
    dtype: Annotated[
        Literal["auto", "float32", "bfloat16", "float16", "int8", "int4"],
        option(
            Panel.HARDWARE,
            "precision of local models; auto is float32 on a CPU and the checkpoint's precision elsewhere; int8 and "
            "int4 need a GPU",
        ),
    ] = "auto"
    batch_size: Annotated[
        Count | None,
        option(Panel.HARDWARE, "batch size of local models (default: what suits the device and fits its memory)"),
    ] = None

    initial: Annotated[Count | None, part("evaluations before the surrogate is first fitted")] = None
    batch: Annotated[Count | None, part("evaluations per round")] = None
    kernel: Annotated[
        Literal["coupled", "corrected", "standard"] | None,
        part(
            "kernel of the surrogate: instruction-coupled as in the paper, the same with its variance restored far "
            "from data, or Matérn over z"
        ),
    ] = None
    similarity: Annotated[
        Literal["scores", "exact_match", "f1"] | None,
        part("similarity of instructions: a kernel on their scores, or the agreement of their predictions"),
    ] = None
    noise: Annotated[
        Literal["fitted", "binomial"] | None,
        part("noise of a score: one fitted variance for all, or p(1 - p)/m for each instruction"),
    ] = None
    lengthscale: Annotated[
        Literal["prior", "loo"] | None,
        part("lengthscale of the kernel over z: the mode of its prior, or by leave-one-out"),
    ] = None
    acquisition: Annotated[
        Literal["ei", "log_ei"] | None, part("acquisition function: expected improvement, or its logarithm")
    ] = None
    maximiser: Annotated[
        Literal["cma", "gradient", "pool"] | None,
        part("maximiser of the acquisition function: CMA-ES, gradients, or the best of many random points"),
    ] = None
    candidates: Annotated[
        Count | None,
        part("instructions written for each one that is scored; with 1, paper and dro score all"),
    ] = None
    batch_choice: Annotated[
        Literal["best", "fantasised", "thompson"] | None,
        part("rule that chooses a batch among the written instructions"),
    ] = None
    preimages: Annotated[
        bool | None, part("share a score with every soft prompt that was written as the same text")
    ] = None
    geometry: Annotated[Literal["box", "sphere"] | None, part("search the whole box, or directions only")] = None
    continued: Annotated[
        float | None,
        part("share of the written texts that continue the first words of evaluated ones", ge=0, le=1),
    ] = None

    def parts(self) -> dict[str, Any]:
        """Return the parts of the search that are set, by name."""
        names = [name for name in Settings.model_fields if panel_of(name) == Panel.PARTS]
        return {name: value for name in names if (value := getattr(self, name)) is not None}

    @field_validator("method")
    @classmethod
    def _registered(cls, value: str) -> str:
        """Accept the name of a registered method, or one of the form ``python:MODULE:CLASS``, which is loaded later."""
        if not value.startswith("python:") and value not in METHODS:
            raise PydanticCustomError(SENTENCE, "{sentence}", {"sentence": METHODS.unknown(value)})
        return value

    @field_validator("max_time", mode="before")
    @classmethod
    def _with_unit(cls, value: object) -> object:
        """Return the seconds of 90s, 30m and 2h; leave anything else to the type."""
        if isinstance(value, str) and value[-1:] in _UNITS and value[:-1].strip():
            with contextlib.suppress(ValueError):
                return float(value[:-1]) * _UNITS[value[-1]]
        return value

    @field_validator("base_url", "writer_url")
    @classmethod
    def _holds_no_secret(cls, value: str | None) -> str | None:
        """Refuse an address with a password or a token, because settings are written to the run directory."""
        parts = urlsplit(value or "")
        if parts.username or parts.password or parts.query:
            raise PydanticCustomError(
                SECRET, "expected an address without user, password or query (keys belong in the environment)"
            )
        return value


def make_settings(values: Mapping[str, Any]) -> Settings:
    """Return the settings of keys and values.

    Raises
    ------
    ConfigurationError
        If a key is unknown or missing, or a value is impossible; one sentence about the first fault.
    """
    try:
        return Settings(**values)
    except ValidationError as error:
        raise ConfigurationError(fault_sentence(error, _WORDING, Settings.model_fields)) from None


def differences(old: Settings, new: Settings) -> list[str]:
    """Return the differences that a resumed run may not have, each as ``name: old there, new here``."""
    return [
        f"{name}: {getattr(old, name)!r} there, {getattr(new, name)!r} here"
        for name in Settings.model_fields
        if getattr(old, name) != getattr(new, name) and not metadata_of(name)["operational"]
    ]


def panel_of(name: str) -> str:
    """Return the section of the help that a setting belongs to."""
    return str(metadata_of(name)["panel"])


def metadata_of(name: str) -> dict[str, Any]:
    """Return the metadata of a setting, as `instructzero.config.fields.option` has it."""
    extra = Settings.model_fields[name].json_schema_extra
    assert isinstance(extra, dict)
    return dict(extra)
