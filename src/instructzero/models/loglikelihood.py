"""The likelihood of given answers to a prompt under a causal LM.

Notation: n rows, s sequence length, k scored positions, V vocabulary size.
"""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch

from instructzero.errors import ModelError, RefusedQuestion, TaskError
from instructzero.models.network import Network, pad_left, positions


@dataclass(frozen=True, slots=True)
class Row:
    """The token ids of a prompt and of one answer to it; neither is empty."""

    prompt: tuple[int, ...]
    answer: tuple[int, ...]


def answer_row(network: Network, prompt: str, answer: str, *, special_tokens: bool) -> Row:
    """Return the row of ``answer`` after ``prompt``.

    The ids of the prompt are those that the model generates from. The answer is stripped and follows a space, unless
    the prompt ends with white space or with a special token of a chat template. Its ids are those in the encoding of
    prompt and answer together, if that encoding begins with the prompt's ids, or else those of the answer alone. An
    answer is unlikely under a model that would write it in other tokens than its tokenizer.

    Raises
    ------
    TaskError
        If the answer has no text.
    RefusedQuestion
        If prompt and answer are longer than the model's context.
    """
    ids = network.encode(prompt, special_tokens=special_tokens)
    apart = prompt[-1:].isspace() or (bool(ids) and ids[-1] in network.tokenizer.all_special_ids)
    said = answer.strip() if apart else f" {answer.strip()}"
    both = network.encode(prompt + said, special_tokens=special_tokens)
    tokens = both[len(ids) :] if both[: len(ids)] == ids else network.encode(said, special_tokens=False)
    if not answer.strip() or not tokens:
        raise TaskError(
            f"expected accepted answers with text to find their likelihood, got {answer!r}; score what is generated"
        )
    return _fitting(network, Row(tuple(ids), tuple(tokens)))


def _fitting(network: Network, row: Row) -> Row:
    if network.budget(len(row.prompt), len(row.answer)) < len(row.answer):
        raise RefusedQuestion(
            f"expected a prompt and an answer within the {network.context} positions of {network.name}, got "
            f"{len(row.prompt)} and {len(row.answer)} tokens; use shorter ones, or a model with a longer context",
            reason=f"{len(row.prompt) + len(row.answer):,} tokens, and the model has {network.context:,} positions",
            about_content=True,
        )
    return row


@torch.inference_mode()
def mean_log_probabilities(network: Network, rows: Sequence[Row]) -> list[float]:
    """Return the mean log-probability (natural logarithm) of the answer's tokens for all rows; at most 0.

    A token is predicted from the prompt and the tokens of the answer before it. The end of the answer does not count.
    Raises `ModelError` if the model computes NaN.
    """
    inputs: dict[str, Any] = dict(
        pad_left([row.prompt + row.answer[:-1] for row in rows], network.pad, network.device)  # (n, s)
    )
    known = inspect.signature(network.model.forward).parameters
    longest = max(len(row.answer) for row in rows)
    if "position_ids" in known:
        inputs["position_ids"] = positions(inputs["attention_mask"])
    if "logits_to_keep" in known:
        inputs["logits_to_keep"] = longest
    logits = network.model(**inputs, use_cache=False).logits[:, -longest:].float()  # (n, k, V)
    answers = pad_left([row.answer for row in rows], 0, logits.device)
    chosen = logits.gather(2, answers["input_ids"].unsqueeze(2)).squeeze(2) - logits.logsumexp(2)  # (n, k)
    counted = torch.where(answers["attention_mask"] == 1, chosen.double(), 0.0)
    means = (counted.sum(1) / answers["attention_mask"].sum(1)).clamp(max=0)
    if means.isnan().any():
        raise ModelError(
            f"expected probabilities from {network.name}, got no numbers in {network.dtype}; "
            "choose the dtype bfloat16 or float32"
        )
    return [float(mean) for mean in means]
