"""The likelihood of an answer equals that of the plain model, independent of the batch."""

from __future__ import annotations

import asyncio
import math
import shutil
from pathlib import Path

import pytest
import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import AutoModelForCausalLM, AutoTokenizer, PreTrainedTokenizerFast

from instructzero.errors import ModelError, TaskError
from instructzero.models.local_blackbox import HuggingFaceBlackBox
from instructzero.models.loglikelihood import Row, answer_row, mean_log_probabilities
from instructzero.models.network import Network, load_network
from instructzero.models.packed import embedded_folder
from instructzero.models.registry import load_blackbox
from instructzero.prompts import zero_shot
from instructzero.protocols import BlackBox
from instructzero.tasks import load_builtin
from instructzero.types import Completion, Message, Request

OPPOSITE = "give the antonym of the input."


def by_hand(model: torch.nn.Module, prompt: list[int], answer: list[int]) -> float:
    """Return the mean log-probability from one complete forward pass, without padding, mask or cache."""
    with torch.inference_mode():
        logits = model(torch.tensor([prompt + answer])).logits[0].double().log_softmax(-1)
    return sum(float(logits[len(prompt) + index - 1, token]) for index, token in enumerate(answer)) / len(answer)


def ask(box: BlackBox, *requests: Request) -> list[Completion]:
    async def run() -> list[Completion]:
        try:
            return list(await asyncio.gather(*map(box.complete, requests)))
        finally:
            await box.close()

    return asyncio.run(run())


def embedded(*questions: tuple[str, tuple[str, ...]]) -> list[float]:
    requests = [Request(zero_shot(OPPOSITE, text), answers=answers) for text, answers in questions]
    return [answer.likelihood for answer in ask(load_blackbox("embedded:blackbox", device="cpu"), *requests)]


def test_likelihood_equals_a_reference_computation():
    folder = embedded_folder() / "blackbox"
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    prompt = tokenizer(zero_shot(OPPOSITE, "fast")[0].content)["input_ids"]
    for answer in ("slow", "cat", "three old cats"):
        mean = by_hand(model, prompt, tokenizer(f" {answer}")["input_ids"])
        assert embedded(("fast", (answer,))) == [pytest.approx(math.exp(mean), abs=1e-6)]


def test_right_answers_are_likelier_than_wrong_answers():
    examples = load_builtin("antonyms").search[:10]
    wrong = [(*examples[1:], examples[0])[index].outputs for index in range(len(examples))]
    right_scores = embedded(*((example.input, example.outputs) for example in examples))
    wrong_scores = embedded(*((example.input, answers) for example, answers in zip(examples, wrong, strict=True)))
    assert all(right > 2 * other for right, other in zip(right_scores, wrong_scores, strict=True))
    assert min(right_scores) > 0.5


def test_likelihood_is_that_of_the_likeliest_accepted_answer():
    (best,) = embedded(("fast", ("slow",)))
    assert embedded(("fast", ("dogs", "slow", "some more words"))) == [pytest.approx(best, abs=1e-5)]


def test_likelihood_does_not_depend_on_concurrent_requests():
    questions = [("fast", ("slow", "sluggish")), ("old", ("new",)), ("very old keys", ("very new keys",))]
    assert embedded(*questions) == [embedded(question)[0] for question in questions]


def test_rows_of_a_batch_equal_single_rows_and_a_reference_computation(tiny_model: Path):
    network = load_network(str(tiny_model), device="cpu")
    model = AutoModelForCausalLM.from_pretrained(tiny_model).eval()
    rows = [
        answer_row(network, prompt, answer, special_tokens=True)
        for prompt, answer in [("a", "b"), ("a much longer prompt", "x"), ("mid", "an answer of some length")]
    ]
    together = mean_log_probabilities(network, rows)
    assert together == pytest.approx([mean_log_probabilities(network, [row])[0] for row in rows], abs=1e-5)
    expected = [by_hand(model, list(row.prompt), list(row.answer)) for row in rows]
    assert together == pytest.approx(expected, abs=1e-5)
    assert len(set(together)) == len(rows)


def test_requests_in_one_batch_score_as_single_requests(tiny_llama: Path, monkeypatch: pytest.MonkeyPatch):
    requests = [
        Request((Message("user", "word " * (1 + index)),), answers=tuple("answers"[: 1 + index])) for index in range(5)
    ]
    alone = ask(HuggingFaceBlackBox(str(tiny_llama)), *requests)
    box = HuggingFaceBlackBox(str(tiny_llama), batch_size=4)
    monkeypatch.setattr(box._likelihoods, "_batch_size", 3)  # as on an accelerator
    for one, other in zip(ask(box, *requests), alone, strict=True):
        assert one.likelihood == pytest.approx(other.likelihood, abs=1e-5)
        assert (one.prompt_tokens, one.completion_tokens) == (other.prompt_tokens, other.completion_tokens)


def test_tokens_of_all_answers_are_counted(tiny_llama: Path):
    request = Request((Message("user", "abc"),), answers=("de", "f"))
    (completion,) = ask(HuggingFaceBlackBox(str(tiny_llama)), request)
    assert (completion.prompt_tokens, completion.completion_tokens) == (3, 5)  # bytes, and a space before each answer


@pytest.mark.parametrize(
    ("prompt", "answer", "said"),
    [
        ("Output:", "cat", " cat"),
        ("Output:", " cat\n", " cat"),
        ("assistant\n", "cat", "cat"),
        ("assistant<eos>", "cat", "cat"),
        ("Output:", "one\n two", " one\n two"),
    ],
)
def test_answer_row_puts_a_space_before_the_answer_if_needed(tiny_llama: Path, prompt: str, answer: str, said: str):
    network = load_network(str(tiny_llama), device="cpu")
    row = answer_row(network, prompt, answer, special_tokens=True)
    assert list(row.prompt) == network.encode(prompt, special_tokens=True)
    assert network.decode(row.answer) == said


def test_answer_row_cuts_a_token_that_spans_prompt_and_answer():
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {token: index for index, token in enumerate([*alphabet, "Ċy"])}
    backend = Tokenizer(models.BPE(vocab=vocabulary, merges=[("Ċ", "y")]))
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    backend.decoder = decoders.ByteLevel()
    network = Network("merging", "", None, PreTrainedTokenizerFast(tokenizer_object=backend), (), 0, None)
    assert len(network.encode("x\ny", special_tokens=False)) == 2
    row = answer_row(network, "x\n", "y", special_tokens=False)
    assert row == Row((vocabulary["x"], vocabulary["Ċ"]), (vocabulary["y"],))


def test_answer_without_text_raises_task_error(tiny_llama: Path):
    with pytest.raises(TaskError, match="answers with text"):
        ask(HuggingFaceBlackBox(str(tiny_llama)), Request((Message("user", "a"),), answers=("b", " ")))


def test_answer_beyond_the_context_raises_model_error(tiny_llama: Path):
    request = Request((Message("user", "a" * 250),), answers=("b" * 4, "b" * 6))
    with pytest.raises(ModelError, match="256 positions of llama, got 250 and 7 tokens"):
        ask(HuggingFaceBlackBox(str(tiny_llama)), request)


def test_nan_probabilities_raise_model_error(tiny_llama: Path, tmp_path: Path):
    network = load_network(str(shutil.copytree(tiny_llama, tmp_path / "broken")), device="cpu")
    network.model.lm_head.weight.data.fill_(math.nan)
    with pytest.raises(ModelError, match="no numbers in float32"):
        mean_log_probabilities(network, [Row((5, 6), (7,))])
