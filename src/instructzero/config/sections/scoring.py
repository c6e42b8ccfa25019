"""Settings: how an instruction is scored."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel

from instructzero.config.endpoints import Address, Body, Headers, Variable
from instructzero.config.fields import LONGEST_S, Count, Panel, option


class ScoringSettings(BaseModel):
    """How an instruction is scored."""

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
    judge_url: Annotated[
        Address | None,
        option(
            Panel.SCORING,
            "address of the judge (default: --base-url if the black box is of the same kind, or the official address)",
            form="URL",
            operational=True,
        ),
    ] = None
    judge_key_env: Annotated[
        Variable | None,
        option(
            Panel.SCORING,
            "environment variable with the key of the judge (default: that of the black box at the same address, or "
            "the usual one of its service)",
            form="NAME",
            operational=True,
        ),
    ] = None
    judge_header: Annotated[
        Headers,
        option(
            Panel.SCORING,
            "a header of every request to the judge, as --header (default: those of the black box at the same address)",
            form="NAME:VALUE",
            operational=True,
        ),
    ] = ()
    judge_extra_body: Annotated[
        Body | None, option(Panel.SCORING, "further fields of every request to the judge", form="JSON")
    ] = None
    judge_timeout: Annotated[
        float | None,
        option(
            Panel.SCORING,
            "time after which an answer of the judge is late (default: --timeout)",
            form="SECONDS",
            operational=True,
            gt=0,
            le=LONGEST_S,
        ),
    ] = None
    judge_input_price: Annotated[
        float | None,
        option(
            Panel.SCORING,
            "price of a million prompt tokens of the judge (default: that of the same model at the same address, or "
            "the list price)",
            form="DOLLARS",
            operational=True,
            ge=0,
        ),
    ] = None
    judge_output_price: Annotated[
        float | None,
        option(Panel.SCORING, "price of a million answer tokens of the judge", form="DOLLARS", operational=True, ge=0),
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
            "stop scoring an instruction that can no longer be among the best (default: yes for instructzero, capo "
            "and reflect)",
        ),
    ] = None
    finalists: Annotated[Count, option(Panel.SCORING, "instructions scored again in the final selection")] = 3
    baseline: Annotated[
        str | None,
        option(Panel.SCORING, "an instruction of your own, compared with the best one", form="FILE_OR_TEXT", text=True),
    ] = None
