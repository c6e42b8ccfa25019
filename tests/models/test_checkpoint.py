from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import torch
from huggingface_hub.errors import LocalEntryNotFoundError
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM

from instructzero.errors import ModelError
from instructzero.models import checkpoint
from instructzero.models.checkpoint import Checkpoint

TABLE = "model.embed_tokens.weight"


def tensors(folder: Path) -> dict[str, torch.Tensor]:
    return load_file(folder / "model.safetensors")


def read(folder: Path, *names: str) -> torch.Tensor:
    return Checkpoint(str(folder), folder.name, None).read(names or (TABLE,))


def test_read_from_a_single_file_returns_the_tensor(tiny_llama: Path) -> None:
    assert torch.equal(read(tiny_llama), tensors(tiny_llama)[TABLE])


def test_read_from_shards_opens_only_the_shard_with_the_tensor(tiny_llama: Path, tmp_path: Path) -> None:
    AutoModelForCausalLM.from_pretrained(tiny_llama).save_pretrained(tmp_path, max_shard_size="20KB")
    parts = sorted(tmp_path.glob("*.safetensors"))
    assert len(parts) > 2
    for part in parts:
        if TABLE not in load_file(part):
            part.write_bytes(b"broken")
    assert torch.equal(read(tmp_path), tensors(tiny_llama)[TABLE])


def test_read_from_the_hub_downloads_only_the_file_with_the_tensor(
    tiny_llama: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    AutoModelForCausalLM.from_pretrained(tiny_llama).save_pretrained(tmp_path, max_shard_size="20KB")
    fetched: list[str] = []

    def download(source: str, name: str, *, revision: str | None) -> str:
        assert (source, revision) == ("someone/llama", "abc")
        if not (tmp_path / name).exists():
            raise LocalEntryNotFoundError(name)
        fetched.append(name)
        return str(tmp_path / name)

    monkeypatch.setattr(checkpoint, "hf_hub_download", download)
    table = Checkpoint("someone/llama", "someone/llama", "abc").read([TABLE])
    assert torch.equal(table, tensors(tiny_llama)[TABLE])
    assert len(fetched) == 2
    assert TABLE in load_file(tmp_path / fetched[1])


def test_read_from_a_torch_file_returns_the_tensor(tiny_llama: Path, tmp_path: Path) -> None:
    torch.save(tensors(tiny_llama), tmp_path / "pytorch_model.bin")
    assert torch.equal(read(tmp_path), tensors(tiny_llama)[TABLE])


@pytest.mark.parametrize("wrapping", ["", "language_model.model."])
def test_read_finds_a_tensor_in_another_wrapper_module(wrapping: str, tiny_llama: Path, tmp_path: Path) -> None:
    save_file({wrapping + "embed_tokens.weight": torch.ones(2, 3)}, tmp_path / "model.safetensors")
    assert torch.equal(read(tmp_path), torch.ones(2, 3))


def test_read_prefers_the_first_name_and_falls_back_to_the_second(tmp_path: Path) -> None:
    save_file({"lm_head.weight": torch.ones(2, 3)}, tmp_path / "model.safetensors")
    assert torch.equal(read(tmp_path, TABLE, "lm_head.weight"), torch.ones(2, 3))
    save_file({"lm_head.weight": torch.ones(2, 3), TABLE: torch.zeros(2, 3)}, tmp_path / "model.safetensors")
    assert torch.equal(read(tmp_path, TABLE, "lm_head.weight"), torch.zeros(2, 3))


def test_read_with_two_possible_tensors_raises_model_error(tmp_path: Path) -> None:
    both = {f"{part}.embed_tokens.weight": torch.ones(2, 3) for part in ("encoder", "decoder")}
    save_file(both, tmp_path / "model.safetensors")
    with pytest.raises(ModelError, match=r"expected the weights model\.embed_tokens\.weight in "):
        read(tmp_path)


def test_read_from_a_folder_without_weights_raises_model_error(tiny_llama: Path, tmp_path: Path) -> None:
    shutil.copy(tiny_llama / "config.json", tmp_path)
    with pytest.raises(ModelError, match=r"in model\.safetensors or pytorch_model\.bin .* check that the files"):
        read(tmp_path)


def test_read_from_a_damaged_file_raises_model_error(tiny_llama: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(tiny_llama, tmp_path / "llama")
    (copy / "model.safetensors").write_bytes((copy / "model.safetensors").read_bytes()[:1000])
    with pytest.raises(ModelError, match="does not load"):
        read(copy)
