from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from instructzero.errors import ModelError
from instructzero.models.registry import ModelSpec, load_blackbox, load_writer, parse_model
from instructzero.models.scripted import PHRASES, echo, obey


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ("hf:gpt2", ModelSpec("hf", "gpt2")),
        ("hf:/some/folder", ModelSpec("hf", "/some/folder")),
        ("openai:ft:gpt-4o:me::1", ModelSpec("openai", "ft:gpt-4o:me::1")),
        ("python:pkg.mod:function", ModelSpec("python", "pkg.mod:function")),
        ("embedded:writer", ModelSpec("embedded", "writer")),
        ("vllm:Qwen/Qwen2.5-7B-Instruct", ModelSpec("vllm", "Qwen/Qwen2.5-7B-Instruct")),
        ("sglang:./folder", ModelSpec("sglang", "./folder")),
        ("lmsys/vicuna-13b-v1.3", ModelSpec("hf", "lmsys/vicuna-13b-v1.3")),
        ("./folder", ModelSpec("hf", "./folder")),
    ],
)
def test_specifications(spec: str, expected: ModelSpec) -> None:
    assert parse_model(spec) == expected


@pytest.mark.parametrize("spec", ["", ":", "openia:gpt-4o", "openai:", "openai", "hf:"])
def test_specifications_that_are_none(spec: str) -> None:
    with pytest.raises(ModelError, match="expected a model as hf:FOLDER_OR_HUB_ID"):
        parse_model(spec)


def test_the_nearest_kind_is_named() -> None:
    with pytest.raises(ModelError, match="did you mean openai:MODEL"):
        parse_model("openia:gpt-4o")


def test_a_black_box_must_name_its_kind() -> None:
    with pytest.raises(ModelError, match="expected a model as"):
        load_blackbox("gpt-4o-mini")


def test_a_service_is_no_writer() -> None:
    with pytest.raises(ModelError, match="takes soft prompts"):
        load_writer("openai:gpt-4o")


@pytest.mark.parametrize("kind", ["vllm", "sglang"])
def test_a_served_writer_is_no_black_box(kind: str) -> None:
    with pytest.raises(ModelError, match=rf"got '{kind}:m', .* openai:m with base_url"):
        load_blackbox(f"{kind}:m", base_url="http://localhost:1")


def test_unknown_names_list_the_known_ones() -> None:
    with pytest.raises(ModelError, match="writer, blackbox"):
        load_writer("embedded:poet")
    with pytest.raises(ModelError, match="echo, obey"):
        load_blackbox("scripted:poet")


def test_models_from_specifications(tiny_llama: Path) -> None:
    assert load_writer(str(tiny_llama)).hidden_size == 32
    assert load_blackbox(f"hf:{tiny_llama}", batch_size=5).concurrency == 20
    assert load_writer("scripted:phrases").hidden_size == 8
    for kind in ("vllm", "sglang"):
        writer = load_writer(f"{kind}:{tiny_llama}", writer_url="http://localhost:1", dtype="bfloat16")
        assert writer.identity.items() >= {"backend": kind, "model": "llama", "dtype": "bfloat16"}.items()
    assert load_blackbox("scripted:obey", concurrency=3).concurrency == 3
    for kind in ("openai", "anthropic"):
        box = load_blackbox(f"{kind}:m", base_url="http://localhost:1/v1", concurrency=7)
        assert (box.identity["backend"], box.identity["model"], box.concurrency) == (kind, "m", 7)


def test_nothing_heavy_is_imported_until_it_is_used() -> None:
    code = (
        "import sys, instructzero.models.registry as r; r.load_blackbox('scripted:echo');"
        "print([name for name in ('torch', 'transformers', 'openai') if name in sys.modules])"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "[]"


def test_scripts() -> None:
    prompt = "Instruction: {}\n\nInput: cat\n\nOutput:"
    assert echo(prompt.format("anything")) == "cat"
    assert [obey(prompt.format(phrase)) for phrase in PHRASES] == [
        "CAT",
        "CAT",
        "tac",
        "tac",
        "c",
        "3",
        "cat",
        "",
    ]
