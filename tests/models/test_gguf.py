"""GGUF files: the same texts as the same weights in safetensors, and one sentence for every file that does not fit."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import AutoModelForCausalLM, AutoTokenizer

import instructzero
from instructzero.errors import ModelError
from instructzero.models import gguf as gguf_module
from instructzero.models import network
from instructzero.models.embeddings import load_embeddings
from instructzero.models.gguf import find_gguf, read_gguf
from instructzero.models.huggingface import HuggingFaceModel
from instructzero.models.llama import is_plain_llama
from instructzero.models.local_blackbox import HuggingFaceBlackBox
from instructzero.models.network import load_network
from instructzero.models.registry import load_blackbox, load_writer
from instructzero.models.sources import fingerprint
from instructzero.types import Message, Request
from tests.models.gguf_files import (
    Q8_0,
    GGMLQuantizationType,
    rounded,
    save_checkpoint,
    tiny_llama_model,
    tiny_tokenizer,
    write_gguf,
)

QUESTIONS = ("apple", "river stone", "write the word in the reverse order")


@dataclass(frozen=True)
class Twins:
    """The same weights twice: a GGUF file alone in its folder, and a folder of transformers."""

    file: Path
    folder: Path


@pytest.fixture(scope="session")
def parts():
    tokenizer = tiny_tokenizer()
    return tiny_llama_model(len(tokenizer)), tokenizer


@pytest.fixture(scope="session")
def exact(parts, tmp_path_factory: pytest.TempPathFactory) -> Twins:
    place = tmp_path_factory.mktemp("gguf")
    (place / "one").mkdir()
    return Twins(write_gguf(place / "one" / "tiny.gguf", *parts), save_checkpoint(place / "twin", *parts))


@pytest.fixture(scope="session")
def quantized(parts, tmp_path_factory: pytest.TempPathFactory) -> Twins:
    model, tokenizer = parts
    place = tmp_path_factory.mktemp("quantized")
    file = write_gguf(place / "tiny.Q8_0.gguf", model, tokenizer, form=Q8_0)
    return Twins(file, save_checkpoint(place / "twin", rounded(model, Q8_0), tokenizer))


@pytest.fixture(params=["exact", "quantized"])
def twins(request: pytest.FixtureRequest) -> Twins:
    return request.getfixturevalue(request.param)


def answers(box: HuggingFaceBlackBox) -> list[str]:
    async def run() -> list[str]:
        try:
            asked = [Request((Message("user", text),), 12, 0.0) for text in QUESTIONS]
            return [completion.text for completion in await asyncio.gather(*map(box.complete, asked))]
        finally:
            await box.close()

    return asyncio.run(run())


def test_weights_equal_those_of_the_same_model_in_safetensors(twins: Twins) -> None:
    loaded = load_network(str(twins.file)).model.state_dict()
    expected = load_network(str(twins.folder)).model.state_dict()
    assert loaded.keys() == expected.keys()
    for name, weights in expected.items():
        assert torch.equal(loaded[name], weights), name


def test_writer_writes_the_texts_of_the_same_model_in_safetensors(twins: Twins) -> None:
    writer, twin = HuggingFaceModel(str(twins.file)), HuggingFaceModel(str(twins.folder))
    soft = torch.randn(6, 3, writer.hidden_size, generator=torch.Generator().manual_seed(0))
    texts = [each.generate(soft, "write", "word", max_new_tokens=9, special_tokens=True) for each in (writer, twin)]
    assert texts[0] == texts[1]
    assert len(set(texts[0])) > 1
    states = [each.represent(soft, "write", "word", special_tokens=True) for each in (writer, twin)]
    assert torch.equal(*states)
    assert writer.embedding_statistics() == twin.embedding_statistics()


@pytest.mark.parametrize("template", ["chat", "completion"])
def test_black_box_answers_like_the_same_model_in_safetensors(twins: Twins, template: str) -> None:
    found = [answers(HuggingFaceBlackBox(str(place), template=template)) for place in (twins.file, twins.folder)]
    assert found[0] == found[1]
    assert len(set(found[0])) > 1


def test_tokenizer_equals_that_of_the_checkpoint(exact: Twins) -> None:
    own, twin = load_network(str(exact.file)), load_network(str(exact.folder))
    for text in (*QUESTIONS, "<eos> é 漢字\n\t", ""):
        assert own.encode(text, special_tokens=True) == twin.encode(text, special_tokens=True)
        assert own.decode(own.encode(text, special_tokens=False)) == twin.decode(
            twin.encode(text, special_tokens=False)
        )
    turns = [{"role": "user", "content": "hello"}]
    assert own.render_chat(turns) == twin.render_chat(turns)
    assert (own.eos, own.pad, own.context) == (twin.eos, twin.pad, twin.context) == ((2,), 0, 256)


def test_a_folder_with_one_file_is_the_file(exact: Twins) -> None:
    writer, box = load_writer(str(exact.file.parent)), load_blackbox(f"hf:{exact.file}")
    assert writer._network is box._network
    assert writer.identity == {
        "backend": "huggingface",
        "model": "tiny.gguf",
        "revision": fingerprint(exact.file),
        "dtype": "float32",
    }
    assert box.identity["template"] == "chat"


def test_a_checkpoint_beside_the_file_is_loaded_from_its_folder(exact: Twins, tmp_path: Path) -> None:
    both = shutil.copytree(exact.folder, tmp_path / "both")
    shutil.copy(exact.file, both / "other.gguf")
    assert find_gguf(str(both)) is None
    assert load_network(str(both)).revision == load_network(str(exact.folder)).revision


def test_files_beside_the_file_change_nothing(exact: Twins, tmp_path: Path) -> None:
    both = shutil.copytree(exact.folder, tmp_path / "both")
    tiny_tokenizer(chat=False).save_pretrained(both)
    (both / "generation_config.json").write_text('{"eos_token_id": 9}')
    copy = load_network(str(shutil.copy(exact.file, both)))
    assert (copy.has_chat_template, copy.eos, copy.revision) == (True, (2,), fingerprint(exact.file))


def test_a_link_keeps_the_name_of_the_file(exact: Twins, tmp_path: Path) -> None:
    shutil.copy(exact.file, tmp_path / "0123abcd")
    (tmp_path / "tiny.gguf").symlink_to("0123abcd")
    assert load_network(str(tmp_path)).revision == fingerprint(exact.file)


def test_a_text_ends_at_the_tokens_that_the_file_names(parts, tmp_path: Path) -> None:
    ids = {"tokenizer.ggml.eot_token_id": 7, "tokenizer.ggml.eom_token_id": 2}
    assert load_network(str(write_gguf(tmp_path / "turns.gguf", *parts, more=ids))).eos == (2, 7)


def test_loaded_model_can_be_saved_like_any_other(quantized: Twins, tmp_path: Path) -> None:
    loaded = load_network(str(quantized.file))
    assert is_plain_llama(loaded.model)
    loaded.model.save_pretrained(tmp_path)
    loaded.tokenizer.save_pretrained(tmp_path)
    again = AutoModelForCausalLM.from_pretrained(tmp_path).state_dict()
    assert all(torch.equal(again[name], weights) for name, weights in loaded.model.state_dict().items())
    text = "write the word"
    assert AutoTokenizer.from_pretrained(tmp_path)(text).input_ids == loaded.encode(text, special_tokens=True)


def test_loading_prints_nothing(exact: Twins, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    load_network(str(shutil.copy(exact.file, tmp_path)))
    assert capfd.readouterr() == ("", "")


def test_dtype_is_that_of_the_dequantized_weights(quantized: Twins) -> None:
    loaded = load_network(str(quantized.file), dtype="bfloat16")
    assert loaded.dtype == "bfloat16"
    expected = load_network(str(quantized.folder), dtype="bfloat16").model.state_dict()
    assert all(torch.equal(weights, expected[name]) for name, weights in loaded.model.state_dict().items())
    with pytest.raises(ModelError, match=r"for the GGUF file tiny.Q8_0.gguf.*got int8; use --dtype bfloat16"):
        load_network(str(quantized.file), dtype="int8")


def test_header_counts_weights_and_names_forms(quantized: Twins) -> None:
    header = read_gguf(quantized.file)
    weights = sum(weights.numel() for weights in load_network(str(quantized.folder)).model.parameters())
    assert (header.weights, header.forms, header.ends) == (weights, ("F32", "Q8_0"), (2,))


@pytest.mark.parametrize(("dtype", "bytes_each"), [("float32", 4), ("bfloat16", 2)])
def test_memory_is_that_of_the_dequantized_weights(
    quantized: Twins, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, dtype: str, bytes_each: int
) -> None:
    file = shutil.copy(quantized.file, tmp_path)
    needed = bytes_each * read_gguf(quantized.file).weights
    monkeypatch.setattr(network, "free_bytes", lambda device: needed - 1)
    with pytest.raises(ModelError, match=rf"of free memory on cpu for the weights of tiny.Q8_0.gguf in {dtype}"):
        load_network(str(file), dtype=dtype)
    monkeypatch.setattr(network, "free_bytes", lambda device: needed)
    assert load_network(str(file), dtype=dtype).dtype == dtype


def test_other_weights_change_the_revision(exact: Twins, tmp_path: Path) -> None:
    copy = Path(shutil.copy(exact.file, tmp_path))
    assert fingerprint(copy) == fingerprint(exact.file)
    copy.write_bytes(copy.read_bytes()[:-4] + b"\0\0\0\0")
    assert load_network(str(copy)).revision == fingerprint(copy) != fingerprint(exact.file)
    assert fingerprint(copy.rename(tmp_path / "renamed.gguf")) != fingerprint(exact.file)


def test_missing_package_raises_model_error_with_the_extra(exact: Twins, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gguf_module, "find_spec", lambda name: None if name == "gguf" else True)
    with pytest.raises(ModelError, match=r"without gguf; pip install 'instructzero\[gguf\]'$"):
        read_gguf(exact.file)


def test_unknown_architecture_raises_model_error(parts, tmp_path: Path) -> None:
    file = write_gguf(tmp_path / "odd.gguf", *parts, architecture="abacus")
    with pytest.raises(ModelError, match=r"transformers can read, got .*odd.gguf with the architecture abacus in F32"):
        load_network(str(file))


def test_unreadable_quantisation_raises_model_error(parts, tmp_path: Path) -> None:
    file = write_gguf(tmp_path / "odd.gguf", *parts, stated=GGMLQuantizationType.I32)
    with pytest.raises(ModelError, match=r"transformers can read, got .*odd.gguf with .* llama in F32, I32"):
        load_network(str(file))


def test_unknown_type_of_tensor_raises_model_error(exact: Twins, tmp_path: Path) -> None:
    name = b"token_embd.weight"
    contents = exact.file.read_bytes()
    at = contents.index(name) + len(name) + 4 + 2 * 8
    file = tmp_path / "odd.gguf"
    file.write_bytes(contents[:at] + (999).to_bytes(4, "little") + contents[at + 4 :])
    with pytest.raises(ModelError, match=r"package gguf knows, got .*odd.gguf with tensors of type 999; use a file"):
        read_gguf(file)


@pytest.mark.parametrize("contents", [b"", b"GG", b'{"not": "a GGUF file"}'])
def test_file_of_another_kind_raises_model_error(contents: bytes, tmp_path: Path) -> None:
    (tmp_path / "text.gguf").write_bytes(contents)
    with pytest.raises(ModelError, match=r"expected a GGUF file, got .*text.gguf, which does not begin with GGUF"):
        load_network(str(tmp_path / "text.gguf"))


def test_other_version_raises_model_error(exact: Twins, tmp_path: Path) -> None:
    contents = exact.file.read_bytes()
    (tmp_path / "old.gguf").write_bytes(contents[:4] + (1).to_bytes(4, "little") + contents[8:])
    with pytest.raises(ModelError, match=r"version 2 or 3, got .*old.gguf of version 1"):
        read_gguf(tmp_path / "old.gguf")


@given(share=st.floats(0, 1, exclude_max=True))
@settings(max_examples=60, deadline=None)
def test_cut_file_raises_model_error(share: float, quantized: Twins, tmp_path_factory: pytest.TempPathFactory) -> None:
    contents = quantized.file.read_bytes()
    file = tmp_path_factory.getbasetemp() / "cut.gguf"
    whole = len(contents) - 32  # the last tensor may be followed by so many empty bytes
    file.write_bytes(contents[: 4 + int(share * (whole - 4))])
    with pytest.raises(ModelError, match=r"expected a complete GGUF file, got .*cut.gguf with .*; download it again"):
        read_gguf(file)


@given(at=st.integers(4, 400), value=st.integers(0, 255))
@settings(max_examples=100, deadline=None)
def test_damaged_header_is_read_or_raises_model_error(
    at: int, value: int, quantized: Twins, tmp_path_factory: pytest.TempPathFactory
) -> None:
    contents = bytearray(quantized.file.read_bytes())
    contents[at] = value
    file = tmp_path_factory.getbasetemp() / "damaged.gguf"
    file.write_bytes(contents)
    with contextlib.suppress(ModelError):
        read_gguf(file)


def test_several_files_in_a_folder_raise_model_error_with_their_names(tmp_path: Path) -> None:
    for name in ("a.Q4_0.gguf", "b.Q8_0.gguf"):
        (tmp_path / name).write_bytes(b"GGUF")
    with pytest.raises(ModelError, match=r"with 2 \(a.Q4_0.gguf, b.Q8_0.gguf\); give the path of one of them"):
        load_network(str(tmp_path))


def test_split_model_raises_model_error(parts, tmp_path: Path) -> None:
    for part in (1, 2):
        (tmp_path / f"big-{part:05}-of-00002.gguf").write_bytes(b"GGUF")
    for name in (str(tmp_path), str(tmp_path / "big-00001-of-00002.gguf")):
        with pytest.raises(ModelError, match=r"in one GGUF file, got .*big-00001-of-00002.gguf, part 1 of 2; join"):
            load_network(name)
    file = write_gguf(tmp_path / "renamed.gguf", *parts, more={"split.count": 3})
    with pytest.raises(ModelError, match=r"in one GGUF file, got .*renamed.gguf, one of 3 parts; join"):
        load_network(str(file))


def test_missing_file_raises_model_error(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"got '.*none.gguf', which is no file on this machine; check the path"):
        load_network(str(tmp_path / "none.gguf"))


def test_embeddings_of_a_served_writer_raise_model_error(exact: Twins) -> None:
    with pytest.raises(ModelError, match=r"served writer, got the GGUF file .*tiny.gguf; give the checkpoint"):
        load_embeddings(str(exact.file.parent))


def test_run_repeats_to_the_byte_and_resumes_from_another_directory(
    exact: Twins, task_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(exact.file.parent)
    options = {
        "exemplars": 2,
        "validation": 4,
        "confirmation": 2,
        "test": 4,
        "evaluations": 4,
        "initial": 2,
        "batch": 2,
    }
    limits = {"answer_tokens": 6, "instruction_tokens": 8, "metric": "f1"}
    models = {"writer": "tiny.gguf", "blackbox": "hf:tiny.gguf"}
    first = instructzero.optimize(task_file, directory=tmp_path / "first", **models, **options, **limits)
    instructzero.optimize(task_file, directory=tmp_path / "second", **models, **options, **limits)
    journal = tmp_path / "first" / "journal.jsonl"
    whole = journal.read_bytes()
    assert (tmp_path / "second" / "journal.jsonl").read_bytes() == whole
    journal.write_bytes(whole[: len(whole) // 2])
    (tmp_path / "first" / "result.json").unlink()
    monkeypatch.chdir(tmp_path)
    assert instructzero.resume(tmp_path / "first").instruction == first.instruction
    assert journal.read_bytes() == whole
