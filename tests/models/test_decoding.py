"""Decoding of many rows at once gives the same texts as transformers, also with prefixes, dropped rows and halves."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from instructzero.errors import ModelError
from instructzero.models import decoding, huggingface
from instructzero.models.decoding import decode, read_prefix
from instructzero.models.huggingface import HuggingFaceModel
from instructzero.models.memory import is_out_of_memory
from instructzero.models.network import Network, generate, load_network

WIDTH = 7


@pytest.fixture(scope="module")
def network(tiny_model: Path) -> Network:
    return load_network(str(tiny_model))


def rows(network: Network, count: int, width: int = WIDTH, seed: int = 0) -> Tensor:
    """Return embeddings (count, width, h)."""
    size = network.model.get_input_embeddings().weight.shape[1]
    return torch.randn(count, width, size, generator=torch.Generator().manual_seed(seed)) * 0.3


def with_transformers(network: Network, embeddings: Tensor, budget: int) -> list[list[int]]:
    """Decode one row after the other."""
    return [
        generate(network, {"inputs_embeds": row[None], "attention_mask": torch.ones(1, row.shape[0]).long()}, budget)[0]
        for row in embeddings
    ]


@settings(max_examples=15, deadline=None)
@given(count=st.integers(1, 6), budget=st.integers(1, 12), seed=st.integers(0, 1000))
def test_decode_of_a_batch_equals_transformers_row_by_row(network: Network, count: int, budget: int, seed: int) -> None:
    embeddings = rows(network, count, seed=seed)
    assert decode(network, embeddings, budget) == with_transformers(network, embeddings, budget)


def test_decode_drops_finished_rows_without_changing_the_others(network: Network) -> None:
    embeddings = rows(network, 8)
    endless = decode(replace(network, eos=()), embeddings, 12)
    ends = tuple({endless[0][1], endless[1][3], endless[2][6]})
    ended = decode(replace(network, eos=ends), embeddings, 12)
    for text, whole in zip(ended, endless, strict=True):
        assert text == whole[: len(text)]
        assert len(text) == 12 or (text[-1] in ends and not set(text[:-1]) & set(ends))
    assert len({len(text) for text in ended}) > 1


def test_decode_with_a_shared_prefix_equals_decode_without(network: Network) -> None:
    embeddings = rows(network, 3, width=14)
    embeddings[:, :10] = embeddings[:1, :10]
    prefix = read_prefix(network, embeddings[0, :10])
    assert prefix is not None
    for _ in range(2):  # the shared prefix is not changed
        assert decode(network, embeddings[:, 10:], 9, prefix) == decode(network, embeddings, 9)


@pytest.mark.parametrize("at_once", [1, 14, 30])
def test_decode_that_reads_prompts_in_parts_gives_the_same_ids(
    network: Network, at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    embeddings = rows(network, 5, width=14)
    embeddings[:, :10] = embeddings[:1, :10]
    expected = decode(network, embeddings, 9)
    monkeypatch.setattr(decoding, "_READ_AT_ONCE_ELSEWHERE", at_once)
    assert decode(network, embeddings, 9) == expected
    assert decode(network, embeddings[:, 10:], 9, read_prefix(network, embeddings[0, :10])) == expected


@pytest.mark.parametrize("different", [3, 6])
def test_decode_with_until_ends_a_row_at_the_first_check_that_holds(network: Network, different: int) -> None:
    endless = replace(network, eos=())
    embeddings = rows(network, 8)

    def until(text: str) -> bool:
        return len(set(text)) >= different

    def is_enough(ids: list[int]) -> bool:
        text = network.decode(ids)
        return until(text) and not text.endswith("\ufffd")  # which a later byte may change

    whole, cut = decode(endless, embeddings, 40), decode(endless, embeddings, 40, None, until)
    looks = range(8, 40, 8)
    assert cut == [ids[: next((end for end in looks if is_enough(ids[:end])), 40)] for ids in whole]
    assert any(len(ids) < 40 for ids in cut)


def test_decode_with_the_model_s_own_cache_gives_the_same_ids(
    network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    embeddings = rows(network, 3)
    expected = decode(network, embeddings, 6)
    monkeypatch.setattr("instructzero.models.decoding.can_share", lambda network: False)
    assert read_prefix(network, embeddings[0]) is None
    assert decode(network, embeddings, 6) == expected


@pytest.mark.parametrize("fits", [1, 2, 3])
def test_generate_out_of_memory_halves_the_batch_and_returns_all_texts(
    fits: int, tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = HuggingFaceModel(str(tiny_model))
    soft = torch.randn(11, 2, model.hidden_size, generator=torch.Generator().manual_seed(1)) * 0.3
    arguments = ("Before: long enough to be shared. ", "After:")
    expected = model.generate(soft, *arguments, max_new_tokens=8, special_tokens=True)
    tried: list[int] = []

    def within_memory(network: Network, embeddings: Tensor, *rest: object) -> list[list[int]]:
        tried.append(len(embeddings))
        if len(embeddings) > fits:
            raise torch.OutOfMemoryError
        return decode(network, embeddings, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(huggingface, "decode", within_memory)
    assert model.generate(soft, *arguments, max_new_tokens=8, special_tokens=True) == expected
    tried.clear()
    assert model.generate(soft, *arguments, max_new_tokens=8, special_tokens=True) == expected
    assert max(tried) <= fits  # the smaller batch size is kept


def test_generate_out_of_memory_with_one_row_raises_model_error(
    tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*arguments: object) -> list[list[int]]:
        raise RuntimeError("[enforce fail at alloc_cpu.cpp] DefaultCPUAllocator: can't allocate memory")

    model = HuggingFaceModel(str(tiny_model))
    monkeypatch.setattr(huggingface, "decode", full)
    with pytest.raises(ModelError, match="memory for one text of"):
        model.generate(torch.zeros(3, 1, model.hidden_size), "", "a", max_new_tokens=2, special_tokens=True)


def test_is_out_of_memory_rejects_other_runtime_errors() -> None:
    assert is_out_of_memory(torch.OutOfMemoryError())
    assert is_out_of_memory(MemoryError())
    assert not is_out_of_memory(RuntimeError("shapes do not match"))
