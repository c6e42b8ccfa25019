"""The local black box gives the answers of transformers' `generate`, whichever way it takes."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest
import torch

from instructzero.errors import ModelError, RefusedQuestion
from instructzero.models import local_blackbox
from instructzero.models.answering import answer_greedily
from instructzero.models.local_blackbox import HuggingFaceBlackBox
from instructzero.types import Completion, Finish, Message, Request

STARTS = ("Instruction: reverse the word.\nInput: ", "Instruction: say the first letter.\nInput: ", "")
REQUESTS = [
    Request((Message("user", start + "x" * (1 + index) + "yz"),), 9 + index // 4)
    for start in STARTS
    for index in range(5)
]


def answers(box: HuggingFaceBlackBox) -> list[Completion]:
    async def run() -> list[Completion]:
        try:
            return list(await asyncio.gather(*map(box.complete, REQUESTS)))
        finally:
            await box.close()

    return asyncio.run(run())


def plain_answers(folder: Path, monkeypatch: pytest.MonkeyPatch) -> list[Completion]:
    """Return the answers of transformers' `generate`."""
    with monkeypatch.context() as patched:
        patched.setattr(local_blackbox, "can_answer", lambda network: False)
        return answers(HuggingFaceBlackBox(str(folder)))


def test_shared_beginnings_do_not_change_text_or_tokens(tiny_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    box = HuggingFaceBlackBox(str(tiny_model))
    assert box._reads_trees
    assert answers(box) == plain_answers(tiny_model, monkeypatch)


@pytest.mark.parametrize("batch_size", [1, 4])
def test_batch_size_does_not_change_the_answers(
    tiny_model: Path, batch_size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    box = HuggingFaceBlackBox(str(tiny_model), batch_size=batch_size)
    assert answers(box) == plain_answers(tiny_model, monkeypatch)


def test_batch_out_of_memory_is_halved_until_it_fits(tiny_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = plain_answers(tiny_model, monkeypatch)
    tried: list[int] = []

    def within_memory(network: object, prompts: Sequence[Sequence[int]], *rest: object) -> list[list[int]]:
        tried.append(len(prompts))
        if len(prompts) > 3:
            raise torch.OutOfMemoryError
        return answer_greedily(network, prompts, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(local_blackbox, "answer_greedily", within_memory)
    assert answers(HuggingFaceBlackBox(str(tiny_model))) == expected
    assert max(tried) > 3


def test_one_answer_out_of_memory_raises_model_error(tiny_llama: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*arguments: object) -> list[list[int]]:
        raise torch.OutOfMemoryError

    monkeypatch.setattr(local_blackbox, "answer_greedily", full)
    with pytest.raises(ModelError, match="memory for one answer after"):
        answers(HuggingFaceBlackBox(str(tiny_llama)))


def test_close_during_an_answer_raises_model_error(tiny_llama: Path) -> None:
    box = HuggingFaceBlackBox(str(tiny_llama))
    box._stop.set()
    with pytest.raises(ModelError, match="stay open until it has answered"):
        answers(box)


def test_answer_that_uses_all_its_tokens_is_cut_and_one_that_ends_is_complete(tiny_llama: Path) -> None:
    box = HuggingFaceBlackBox(str(tiny_llama))
    found = answers(box)
    for request, answer in zip(REQUESTS, found, strict=True):
        is_whole = answer.completion_tokens < request.max_tokens
        assert answer.finish in ((Finish.COMPLETE, Finish.EMPTY) if is_whole else tuple(Finish))
    assert box._finish([5] * 9, 9) is Finish.CUT
    assert box._finish([5] * 8 + [box._network.eos[0]], 9) is Finish.COMPLETE
    assert box._finish([5] * 8, 9) is Finish.COMPLETE


@pytest.mark.parametrize("accepted", [(), ("yes",)])
def test_question_beyond_the_context_is_refused_for_its_length(tiny_llama: Path, accepted: tuple[str, ...]) -> None:
    async def run() -> None:
        box = HuggingFaceBlackBox(str(tiny_llama))
        try:
            await box.complete(Request((Message("user", "long " * 200),), 9, answers=accepted))
        finally:
            await box.close()

    with pytest.raises(RefusedQuestion, match="256 positions") as caught:
        asyncio.run(run())
    assert caught.value.about_content
    assert "and the model has 256 positions" in caught.value.reason
