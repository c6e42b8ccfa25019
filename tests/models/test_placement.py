"""Devices and precisions: the options for transformers, and the refusal of those that this machine lacks."""

from __future__ import annotations

from dataclasses import replace
from importlib.machinery import ModuleSpec
from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM

from instructzero.errors import ModelError
from instructzero.models import placement
from instructzero.models.decoding import decode
from instructzero.models.huggingface import HuggingFaceModel
from instructzero.models.llama import is_plain_llama
from instructzero.models.network import load_network
from instructzero.models.placement import place

GPU = torch.device("cuda", 0)


@pytest.fixture
def libraries(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """The libraries that count as installed."""
    installed = {"accelerate", "bitsandbytes"}
    monkeypatch.setattr(placement, "find_spec", lambda name: ModuleSpec(name, None) if name in installed else None)
    return installed


@pytest.fixture
def gpu(monkeypatch: pytest.MonkeyPatch, libraries: set[str]) -> None:
    """Pretend that the machine has a GPU."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(
        placement, "find_device", lambda device: GPU if device in ("auto", "cuda") else torch.device(device)
    )


def test_place_auto_without_gpu_is_cpu_in_float32() -> None:
    placed = place("auto", "auto")
    assert (placed.device.type, placed.options, placed.moves) == ("cpu", {"dtype": torch.float32}, True)
    assert place("cpu", "bfloat16").options == {"dtype": torch.bfloat16}


@pytest.mark.usefixtures("gpu")
def test_place_on_gpu_uses_a_device_map_if_accelerate_is_installed(libraries: set[str]) -> None:
    placed = place("cuda", "auto")
    assert (placed.device, placed.options, placed.moves) == (GPU, {"dtype": "auto", "device_map": {"": GPU}}, False)
    libraries.clear()
    assert place("cuda", "auto").options == {"dtype": "auto"}


@pytest.mark.usefixtures("gpu")
@pytest.mark.parametrize(("dtype", "bits"), [("int8", 8), ("int4", 4)])
def test_place_quantized_configures_bitsandbytes(dtype: str, bits: int) -> None:
    placed = place("cuda", dtype)
    config = placed.options["quantization_config"].to_dict()
    assert (config["load_in_8bit"], config["load_in_4bit"]) == (bits == 8, bits == 4)
    assert placed.options["device_map"] == {"": GPU}
    assert (placed.quantized, placed.spread, placed.moves) == (dtype, False, False)
    if bits == 4:
        assert (config["bnb_4bit_quant_type"], config["bnb_4bit_compute_dtype"]) == ("nf4", "bfloat16")


@pytest.mark.usefixtures("gpu")
def test_place_map_leaves_the_devices_to_accelerate() -> None:
    placed = place("map", "bfloat16")
    assert (placed.device, placed.spread) == (GPU, True)
    assert placed.options == {"dtype": torch.bfloat16, "device_map": "auto"}


@pytest.mark.parametrize(
    ("device", "dtype", "missing", "expected"),
    [
        ("auto", "int8", ["accelerate", "bitsandbytes"], "without accelerate and bitsandbytes; pip install"),
        ("auto", "int4", ["bitsandbytes"], "--dtype int4, got an environment without bitsandbytes"),
        ("map", "auto", ["accelerate"], "--device map, got an environment without accelerate"),
        ("map", "auto", [], "a GPU for --device map, got a machine without one; use --device cpu"),
        ("auto", "int8", [], "a GPU for --dtype int8, got a machine without one; use --dtype bfloat16"),
    ],
)
def test_missing_libraries_or_gpu_raise_model_error_that_names_them(
    device: str, dtype: str, missing: list[str], expected: str, libraries: set[str], tiny_llama: Path
) -> None:
    libraries.difference_update(missing)
    with pytest.raises(ModelError, match=expected):
        HuggingFaceModel(str(tiny_llama), device=device, dtype=dtype)


@pytest.mark.usefixtures("gpu")
def test_quantized_weights_on_cpu_raise_model_error() -> None:
    with pytest.raises(ModelError, match="a GPU for --dtype int8, got the device cpu"):
        place("cpu", "int8")


def test_model_partly_on_disk_decodes_the_same_ids(tiny_model: Path, tmp_path: Path) -> None:
    pytest.importorskip("accelerate")
    network = load_network(str(tiny_model))
    parts = [name for name, _ in network.model.named_children()]
    inner = [f"{parts[0]}.{name}" for name, _ in getattr(network.model, parts[0]).named_children()]
    places = {name: "disk" if name.endswith(("layers", ".h")) else "cpu" for name in [*inner, *parts[1:]]}
    spread = AutoModelForCausalLM.from_pretrained(
        tiny_model, dtype=torch.float32, device_map=places, offload_folder=tmp_path
    )
    assert not is_plain_llama(spread)
    embeddings = torch.randn(3, 5, 32, generator=torch.Generator().manual_seed(0))
    expected = decode(network, embeddings, 6)
    other = replace(network, model=spread.eval())
    assert other.device == torch.device("cpu")
    assert decode(other, embeddings, 6) == expected
