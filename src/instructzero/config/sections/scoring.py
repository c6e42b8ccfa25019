"""Settings: how an instruction is scored."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel

from instructzero.config.fields import Count, Panel, option


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
