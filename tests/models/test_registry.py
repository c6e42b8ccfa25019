from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from instructzero.errors import ModelError
from instructzero.models.registry import (
    ModelSpec,
    capabilities,
    is_asked,
    load_blackbox,
    load_writer,
    parse_model,
    returns_texts_only,
    usual_address,
    with_absolute_folder,
)
from instructzero.models.scripted import PHRASES, echo, obey
from instructzero.protocols import capabilities_of


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
        ("models/tiny.gguf", ModelSpec("hf", "models/tiny.gguf")),
    ],
)
def test_parse_model_returns_kind_and_name(spec: str, expected: ModelSpec) -> None:
    assert parse_model(spec) == expected


@pytest.mark.parametrize("spec", ["", ":", "openia:gpt-4o", "openai:", "openai", "hf:"])
def test_parse_model_of_an_invalid_specification_raises_model_error(spec: str) -> None:
    with pytest.raises(ModelError, match="expected a model as anthropic:MODEL"):
        parse_model(spec)


def test_parse_model_of_a_misspelled_kind_names_the_nearest() -> None:
    with pytest.raises(ModelError, match="did you mean openai:MODEL"):
        parse_model("openia:gpt-4o")


def test_load_blackbox_without_kind_raises_model_error() -> None:
    with pytest.raises(ModelError, match="expected a model as"):
        load_blackbox("gpt-4o-mini")


def test_load_writer_of_a_service_raises_model_error() -> None:
    with pytest.raises(ModelError, match="takes soft prompts"):
        load_writer("openai:gpt-4o")


@pytest.mark.parametrize("kind", ["vllm", "sglang"])
def test_load_blackbox_of_a_served_writer_raises_model_error_with_the_alternative(kind: str) -> None:
    with pytest.raises(ModelError, match=rf"got '{kind}:m', .* openai:m with --base-url http://localhost:"):
        load_blackbox(f"{kind}:m", base_url="http://localhost:1")


def test_unknown_model_names_list_the_known_names() -> None:
    with pytest.raises(ModelError, match="writer, blackbox"):
        load_writer("embedded:poet")
    with pytest.raises(ModelError, match="echo, obey"):
        load_blackbox("scripted:poet")


def test_load_returns_the_model_of_a_specification(tiny_llama: Path) -> None:
    assert load_writer(str(tiny_llama)).hidden_size == 32
    assert load_blackbox(f"hf:{tiny_llama}", batch_size=5).concurrency == 20
    assert load_writer("scripted:phrases").hidden_size == 8
    for kind in ("vllm", "sglang"):
        writer = load_writer(f"{kind}:{tiny_llama}", url="http://localhost:1", dtype="bfloat16")
        assert writer.identity.items() >= {"backend": kind, "model": "llama", "dtype": "bfloat16"}.items()
    assert load_blackbox("scripted:obey", concurrency=3).concurrency == 3
    for kind in ("openai", "anthropic"):
        box = load_blackbox(f"{kind}:m", base_url="http://localhost:1/v1", concurrency=7)
        assert (box.identity["backend"], box.identity["model"], box.concurrency) == (kind, "m", 7)


def test_registry_imports_no_heavy_library_before_a_model_is_loaded() -> None:
    code = (
        "import sys, instructzero.models.registry as r; r.load_blackbox('scripted:echo');"
        "print([name for name in ('torch', 'transformers', 'openai') if name in sys.modules])"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "[]"


def test_loaded_models_declare_the_capabilities_of_their_backend(
    tiny_llama: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "key")
    monkeypatch.setenv("ANTHROPIC_API_KEY", "key")
    local, remote = f"hf:{tiny_llama}", ("openai:m", "anthropic:m", "python:html:escape", "scripted:echo")
    for spec in (local, "embedded:blackbox", *remote):
        assert capabilities_of(load_blackbox(spec)) == capabilities(spec)
    for spec in (local, "embedded:writer", f"vllm:{tiny_llama}", f"sglang:{tiny_llama}", "scripted:phrases"):
        assert capabilities_of(load_writer(spec)) == capabilities(spec)


def test_capabilities_of_an_object_without_them_are_those_of_a_paid_service() -> None:
    declared = capabilities_of(object())
    assert (declared.local, declared.free, declared.likelihoods, declared.temperature) == (False, False, False, True)


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ("vllm:m", True),
        ("sglang:m", True),
        ("hf:m", False),
        ("openai:m", False),
        ("object:Mine", False),
        ("a/b", False),
    ],
)
def test_returns_texts_only_holds_for_served_writers(spec: str, expected: bool) -> None:
    assert returns_texts_only(spec) is expected


@pytest.mark.parametrize("prefix", ["", "hf:", "vllm:", "sglang:"])
def test_with_absolute_folder_resolves_a_folder(prefix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "model").mkdir()
    assert with_absolute_folder(f"{prefix}model") == f"{prefix}{tmp_path / 'model'}"
    for other in (f"{prefix}elsewhere", "openai:model", "embedded:model"):
        assert with_absolute_folder(other) == other


def test_with_absolute_folder_resolves_a_gguf_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "blob").touch()
    (tmp_path / "model.gguf").symlink_to("blob")
    assert with_absolute_folder("hf:model.gguf") == f"hf:{tmp_path / 'model.gguf'}"
    assert with_absolute_folder("./model.gguf") == str(tmp_path / "model.gguf")
    for other in ("blob", "hf:blob", "hf:none.gguf"):
        assert with_absolute_folder(other) == other


def test_usual_address_is_that_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", "http://proxy/v1")
    assert usual_address("openai:m") == "http://proxy/v1"
    assert usual_address("hf:m") is None
    monkeypatch.delenv("OPENAI_BASE_URL")
    assert usual_address("openai:m") is None


def test_scripts_answer_the_phrases() -> None:
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


@pytest.mark.parametrize(
    ("spec", "asked"),
    [
        ("openai:m", True),
        ("anthropic:m", True),
        ("python:module:function", True),
        ("scripted:obey", True),
        ("scripted:phrases", False),
        ("scripted:poet", False),
        ("embedded:writer", False),
        ("hf:m", False),
        ("vllm:m", False),
        ("folder", False),
        ("C:\\models\\m", False),
        ("object:MyWriter", False),
        ("object:asked:function", True),
        ("openai:", False),
    ],
)
def test_writer_without_soft_prompts_is_asked(spec: str, asked: bool) -> None:
    assert is_asked(spec) is asked


@pytest.mark.parametrize("kind", ["openai", "anthropic"])
def test_wrong_address_names_the_setting_of_the_role(kind: str) -> None:
    with pytest.raises(ModelError, match="fix writer_url"):
        load_blackbox(f"{kind}:m", base_url="localhost", address_setting="writer_url")
