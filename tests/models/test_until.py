"""Texts that end with the instruction: it equals the instruction of the complete text."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from hypothesis import example, given
from hypothesis import strategies as st
from tokenizers import Tokenizer, decoders, models
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from instructzero.models.decoding import decode, is_enough
from instructzero.models.huggingface import HuggingFaceModel
from instructzero.models.network import Network, load_network
from instructzero.prompts import WriterPrompt
from instructzero.types import Proposal
from instructzero.writing.cleaning import clean, is_settled
from instructzero.writing.projection import Projection
from instructzero.writing.writer import Writer

TOKENS = [
    "<unk>",
    "Input",
    "Output",
    ":",
    "\n",
    "\n\n",
    "\n ",
    " ",
    "a",
    "b",
    "sort",
    ".",
    '"',
    "Instruction",
    "\u3000",
]
TOKENS += [f"w{number} " for number in range(30)]
BYTES = ["<0x0A>", "<0xE3>", "<0x80>"]


def save(folder: Path, tokens: list[str], decoder: object) -> Path:
    """Save a random Llama whose texts consist of ``tokens`` and never end."""
    vocabulary = {token: index for index, token in enumerate(tokens)}
    backend = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    backend.decoder = decoder
    PreTrainedTokenizerFast(tokenizer_object=backend, unk_token="<unk>").save_pretrained(folder)
    torch.manual_seed(3)
    shape = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2}
    model = LlamaForCausalLM(LlamaConfig(vocab_size=len(tokens), initializer_range=1.0, **shape))
    model.generation_config.eos_token_id = None
    model.save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save(tmp_path_factory.mktemp("turns"), TOKENS, decoders.Fuse())


@pytest.fixture(scope="module")
def with_bytes(tmp_path_factory: pytest.TempPathFactory) -> Network:
    """Return a model with single bytes among its tokens, whose text is known at the end of a run of bytes."""
    decoder = decoders.Sequence([decoders.ByteFallback(), decoders.Fuse()])
    return load_network(str(save(tmp_path_factory.mktemp("bytes"), [*TOKENS[:1], *BYTES, "a", "b"], decoder)))


def test_instruction_of_a_cut_text_equals_that_of_the_complete_text(folder: Path) -> None:
    model = HuggingFaceModel(str(folder))
    soft = torch.randn(150, 3, 16, generator=torch.Generator().manual_seed(0))
    whole = model.generate(soft, "", "a", max_new_tokens=48, special_tokens=False)
    cut = model.generate(soft, "", "a", max_new_tokens=48, special_tokens=False, until=is_settled)
    assert [clean(text) for text in cut] == [clean(text) for text in whole]
    assert all(text.startswith(begun) for text, begun in zip(whole, cut, strict=True))
    shorter = [begun for text, begun in zip(whole, cut, strict=True) if len(begun) < len(text)]
    assert len(shorter) > 30
    assert len({clean(text) for text in cut}) > 10


def test_writer_generates_no_more_than_the_instruction(folder: Path) -> None:
    model = HuggingFaceModel(str(folder))
    projection = Projection.draw("uniform", dimension=4, soft_tokens=2, hidden_size=16, seed=0)
    writer = Writer(model, WriterPrompt("", "a", special_tokens=False), projection, max_new_tokens=48)
    points = (torch.rand(60, 4, generator=torch.Generator().manual_seed(0)) * 2 - 1).tolist()
    writings, _ = writer.write([Proposal(tuple(point)) for point in points])
    whole = model.generate(projection(points), "", "a", max_new_tokens=48, special_tokens=False)
    assert [writing.instruction for writing in writings] == [clean(text) for text in whole]
    assert sum(len(writing.raw) for writing in writings) < sum(map(len, whole))


TOKEN = st.integers(0, 4)
UNKNOWN, LINE, PART = 0, 1, 2  # a special token, a new line, and the beginning of a character


@given(st.lists(TOKEN, min_size=1, max_size=8), st.lists(TOKEN, max_size=5))
@example([4, LINE, LINE, 4], [])
@example([4, LINE, LINE], [PART])
@example([4, LINE, LINE, UNKNOWN], [PART])
def test_later_tokens_do_not_change_a_settled_instruction(
    with_bytes: Network, begun: list[int], rest: list[int]
) -> None:
    if is_enough(with_bytes, begun, is_settled):
        assert clean(with_bytes.decode(begun + rest)) == clean(with_bytes.decode(begun))


def test_single_bytes_do_not_settle_a_text(with_bytes: Network) -> None:
    """Two newline bytes are not newlines if a byte follows that makes the run of bytes invalid."""
    assert with_bytes.decode([4, LINE, LINE]) == "a\n\n"
    assert with_bytes.decode([4, LINE, LINE, PART]) == "a\ufffd\ufffd\ufffd"
    assert not is_enough(with_bytes, [4, LINE, LINE], is_settled)
    assert is_enough(with_bytes, [4, LINE, LINE, 4], is_settled)


def test_end_token_takes_precedence_over_until(with_bytes: Network) -> None:
    """The end token decides if both would end a row."""
    ending = replace(with_bytes, eos=(4,))
    embeddings = torch.randn(30, 3, 16, generator=torch.Generator().manual_seed(0))
    expected = [ids[: ids.index(4) + 1] if 4 in ids else ids for ids in decode(with_bytes, embeddings, 20)]
    assert decode(ending, embeddings, 20, None, lambda text: False) == expected
