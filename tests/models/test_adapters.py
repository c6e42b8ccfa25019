"""PEFT adapters: the texts of peft's own unmerged model, and one sentence for every adapter that does not fit."""

from __future__ import annotations

import asyncio
import json
import os
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

peft = pytest.importorskip("peft")

from huggingface_hub import constants  # noqa: E402
from transformers import AutoModelForCausalLM  # noqa: E402

from instructzero.calls.call import Call  # noqa: E402
from instructzero.errors import ModelError  # noqa: E402
from instructzero.models import adapters, network  # noqa: E402
from instructzero.models.adapters import MERGEABLE, find_adapter  # noqa: E402
from instructzero.models.embeddings import load_embeddings  # noqa: E402
from instructzero.models.huggingface import HuggingFaceModel  # noqa: E402
from instructzero.models.llama import is_plain_llama  # noqa: E402
from instructzero.models.local_blackbox import HuggingFaceBlackBox  # noqa: E402
from instructzero.models.network import load_network  # noqa: E402
from instructzero.models.registry import load_blackbox, load_writer  # noqa: E402
from instructzero.models.sources import fingerprint  # noqa: E402
from instructzero.types import Message, Request  # noqa: E402
from tests.models.adapter_files import CONFIG, restate, save_adapter, save_base, unmerged  # noqa: E402
from tests.models.conftest import byte_tokenizer  # noqa: E402
from tests.models.gguf_files import tiny_llama_model, tiny_tokenizer, write_gguf  # noqa: E402

QUESTIONS = ("apple", "river stone", "write the word in the reverse order")
WEIGHTS = "adapter_model.safetensors"
COMMITS = {"org/base": "b" * 40, "org/adapter": "a" * 40}


@pytest.fixture(scope="session")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_base(tmp_path_factory.mktemp("adapters") / "base")


@pytest.fixture(scope="session")
def lora(base: Path) -> Path:
    return save_adapter(base.parent / "lora", base)


@pytest.fixture
def own(lora: Path, tmp_path: Path) -> Path:
    """Return a copy of the adapter for a test that changes it."""
    return shutil.copytree(lora, tmp_path / "own")


def logits(model: Any) -> torch.Tensor:
    ids = torch.arange(3, 40)[None]
    with torch.inference_mode():
        return model(input_ids=ids).logits


def generated(model: Any, **inputs: torch.Tensor) -> list[list[int]]:
    """Return the ids that transformers' `generate` appends, greedily."""
    width = inputs["input_ids"].shape[1] if "input_ids" in inputs else 0
    with torch.inference_mode():
        return model.generate(**inputs, do_sample=False, max_new_tokens=9, pad_token_id=0)[:, width:].tolist()


def answers(box: HuggingFaceBlackBox) -> list[str]:
    async def run() -> list[str]:
        try:
            asked = [Request((Message("user", text),), 9, 0.0) for text in QUESTIONS]
            return [completion.text for completion in await asyncio.gather(*map(box.complete, asked))]
        finally:
            await box.close()

    return asyncio.run(run())


@pytest.mark.parametrize("kind", MERGEABLE)
def test_merged_model_predicts_like_the_unmerged_one(kind: str, base: Path, tmp_path: Path) -> None:
    folder = save_adapter(tmp_path / kind, base, kind=kind)
    loaded = load_network(str(folder)).model
    expected, plain = logits(unmerged(folder, base)), logits(AutoModelForCausalLM.from_pretrained(base))
    torch.testing.assert_close(logits(loaded), expected, atol=1e-4, rtol=1e-4)
    assert (expected - plain).abs().max() > 0.1
    assert is_plain_llama(loaded)
    assert {type(module).__module__.partition(".")[0] for module in loaded.modules()} == {"torch", "transformers"}


@pytest.mark.parametrize(
    "options",
    [
        {"use_dora": True},
        {"use_rslora": True, "target_modules": "all-linear"},
        {"target_modules": ["q_proj", "lm_head", "embed_tokens"]},
        {"modules_to_save": ["lm_head", "norm"]},
        {"trainable_token_indices": [5, 7]},
        {"init_lora_weights": "pissa"},
    ],
    ids=lambda options: "-".join(options),
)
def test_merged_lora_with_an_option_predicts_like_the_unmerged_one(
    options: dict[str, Any], base: Path, tmp_path: Path
) -> None:
    folder = save_adapter(tmp_path / "lora", base, **options)
    torch.testing.assert_close(
        logits(load_network(str(folder)).model), logits(unmerged(folder, base)), atol=1e-4, rtol=1e-4
    )


def test_writer_writes_the_texts_of_the_unmerged_model(lora: Path, base: Path) -> None:
    writer, model = HuggingFaceModel(str(lora)), unmerged(lora, base)
    tokenizer, embed = byte_tokenizer(chat=False), model.get_input_embeddings()
    soft = torch.randn(6, 3, writer.hidden_size, generator=torch.Generator().manual_seed(0))
    before, after = (embed(torch.tensor(tokenizer(text).input_ids)) for text in ("write the words", "word"))
    rows = torch.cat([before.expand(6, -1, -1), soft, after.expand(6, -1, -1)], dim=1).detach()
    expected = [tokenizer.decode(row, skip_special_tokens=True) for row in generated(model, inputs_embeds=rows)]
    assert writer.generate(soft, "write the words", "word", max_new_tokens=9, special_tokens=True) == expected
    plain = HuggingFaceModel(str(base)).generate(soft, "write the words", "word", max_new_tokens=9, special_tokens=True)
    assert len(set(expected)) > 1
    assert plain != expected


def test_black_box_answers_like_the_unmerged_model(lora: Path, base: Path) -> None:
    model, tokenizer = unmerged(lora, base), byte_tokenizer(chat=False)
    rows = [generated(model, **tokenizer(text, return_tensors="pt"))[0] for text in QUESTIONS]
    expected = [tokenizer.decode(row, skip_special_tokens=True) for row in rows]
    assert answers(HuggingFaceBlackBox(str(lora))) == expected
    assert answers(HuggingFaceBlackBox(str(base))) != expected


def test_base_model_that_is_in_use_does_not_change(lora: Path, base: Path) -> None:
    whole = load_network(str(base))
    before = {name: weights.clone() for name, weights in whole.model.state_dict().items()}
    adapted = load_network(str(lora))
    assert load_network(str(base)) is whole
    assert adapted is not whole
    assert all(torch.equal(weights, before[name]) for name, weights in whole.model.state_dict().items())


def test_writer_and_black_box_share_the_model_and_name_adapter_and_base(lora: Path, base: Path) -> None:
    writer, box = load_writer(str(lora)), load_blackbox(f"hf:{lora}")
    assert writer._network is box._network
    assert writer.identity == {
        "backend": "huggingface",
        "model": "lora",
        "revision": fingerprint(lora),
        "dtype": "float32",
        "base": "base",
        "base_revision": fingerprint(base),
    }
    assert box.identity == {**writer.identity, "template": "completion"}
    assert "base" not in load_writer(str(base)).identity


def test_another_adapter_or_another_base_is_another_model(lora: Path, base: Path, tmp_path: Path) -> None:
    other = save_adapter(tmp_path / "a" / "lora", base, seed=1)
    base_too = shutil.copytree(base, tmp_path / "b" / "base")
    weights = load_file(base_too / "model.safetensors")
    save_file({name: 2 * tensor for name, tensor in weights.items()}, base_too / "model.safetensors", {"format": "pt"})
    shutil.copytree(lora, tmp_path / "b" / "lora")
    moved = restate(tmp_path / "b" / "lora", {"base_model_name_or_path": "../base"})
    restate(shutil.copytree(lora, tmp_path / "c" / "lora"), {"base_model_name_or_path": "../base"})
    shutil.copytree(base, tmp_path / "c" / "base")
    boxes = [HuggingFaceBlackBox(str(folder)) for folder in (lora, other, moved, tmp_path / "c" / "lora")]
    request = Request((Message("user", "apple"),), 9, 0.0)
    assert len({Call.of(box.identity, request).key for box in boxes}) == 4
    assert [box.identity["model"] for box in boxes] == ["lora"] * 4
    assert len({box.identity["revision"] for box in boxes[:2]}) == 2
    assert len({box.identity["revision"] for box in boxes[2:]}) == 1
    assert len({box.identity["base_revision"] for box in boxes[2:]}) == 2


def test_loaded_model_can_be_saved_like_any_other(lora: Path, tmp_path: Path) -> None:
    loaded = load_network(str(lora))
    loaded.model.save_pretrained(tmp_path)
    loaded.tokenizer.save_pretrained(tmp_path)
    again = load_network(str(tmp_path))
    assert again.base is None
    assert all(torch.equal(again.model.state_dict()[name], own) for name, own in loaded.model.state_dict().items())


def test_lower_precision_is_that_of_the_merged_weights(own: Path, base: Path) -> None:
    loaded = load_network(str(own), dtype="bfloat16")
    assert loaded.dtype == "bfloat16"
    exact = load_network(str(own)).model.state_dict()
    for name, weights in loaded.model.state_dict().items():
        torch.testing.assert_close(weights.float(), exact[name], atol=0.02, rtol=0.01)


def test_tokenizer_comes_from_the_adapter_if_it_has_one(own: Path, base: Path, tmp_path: Path) -> None:
    assert not load_network(str(own)).has_chat_template
    tokenizer = byte_tokenizer(chat=True)
    tokenizer.eos_token = "a"
    tokenizer.save_pretrained(own)
    loaded = load_network(str(own))
    assert loaded.has_chat_template
    assert loaded.eos == (2, tokenizer.convert_tokens_to_ids("a"))
    bare = shutil.copytree(base, tmp_path / "bare", ignore=shutil.ignore_patterns("tokenizer*"))
    restate(own, {"base_model_name_or_path": str(bare)})
    assert load_network(str(own)).render_chat([{"role": "user", "content": "x"}]) == "<bos>user: x\nassistant:"


def test_tokenizer_with_tokens_that_the_base_does_not_have_raises_model_error(own: Path) -> None:
    tokenizer = byte_tokenizer(chat=True)
    tokenizer.add_tokens(["<one>", "<two>"])
    tokenizer.save_pretrained(own)
    with pytest.raises(ModelError, match=r"at most 259 tokens, for which its base model .*, got 261; remove the"):
        load_network(str(own))


@pytest.mark.parametrize("named", ["../base", "base"])
def test_relative_base_model_begins_at_the_adapter_or_at_the_working_directory(
    named: str, own: Path, base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(base, tmp_path / "base")
    restate(own, {"base_model_name_or_path": named})
    monkeypatch.chdir(tmp_path if named == "base" else "/")
    assert find_adapter(str(own)).base == str(tmp_path / "base")
    assert load_network(str(own)).base_revision == fingerprint(base)


def test_gguf_base_model_is_dequantized_and_adapted(tmp_path: Path) -> None:
    tokenizer = tiny_tokenizer()
    model = tiny_llama_model(len(tokenizer))
    model.save_pretrained(tmp_path / "base")
    write_gguf(tmp_path / "tiny.gguf", model, tokenizer)
    folder = save_adapter(tmp_path / "lora", tmp_path / "base", named="../tiny.gguf")
    loaded = load_network(str(folder))
    torch.testing.assert_close(logits(loaded.model), logits(unmerged(folder, tmp_path / "base")), atol=1e-4, rtol=1e-4)
    assert (loaded.name, loaded.base, loaded.base_revision) == (
        "lora",
        "tiny.gguf",
        fingerprint(tmp_path / "tiny.gguf"),
    )
    assert loaded.has_chat_template


@pytest.fixture
def hub(lora: Path, base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put the base model and the adapter into a cache of the hub, and switch the network off."""
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    for name, folder in (("org/base", base), ("org/adapter", lora)):
        place = tmp_path / f"models--{name.replace('/', '--')}"
        shutil.copytree(folder, place / "snapshots" / COMMITS[name])
        (place / "refs").mkdir()
        (place / "refs" / "main").write_text(COMMITS[name])
    restate(
        tmp_path / "models--org--adapter" / "snapshots" / COMMITS["org/adapter"],
        {"base_model_name_or_path": "org/base"},
    )


@pytest.mark.usefixtures("hub")
@pytest.mark.parametrize("revision", [None, COMMITS["org/adapter"]])
def test_adapter_and_base_model_of_the_hub_have_their_commits(revision: str | None, lora: Path) -> None:
    loaded = load_network("org/adapter", revision=revision)
    assert (loaded.name, loaded.revision) == ("org/adapter", COMMITS["org/adapter"])
    assert (loaded.base, loaded.base_revision) == ("org/base", COMMITS["org/base"])
    assert torch.equal(logits(loaded.model), logits(load_network(str(lora)).model))


@pytest.mark.usefixtures("hub")
@pytest.mark.parametrize("revision", [None, "main", COMMITS["org/base"]])
def test_revision_of_a_model_of_the_hub_is_its_commit(revision: str | None) -> None:
    assert load_network("org/base", revision=revision).revision == COMMITS["org/base"]
    assert load_embeddings("org/base", revision=revision).revision == COMMITS["org/base"]


@pytest.mark.usefixtures("hub")
def test_revision_in_the_configuration_is_that_of_the_base_model(own: Path) -> None:
    restate(own, {"base_model_name_or_path": "org/base", "revision": COMMITS["org/base"]})
    assert load_network(str(own)).base_revision == COMMITS["org/base"]
    restate(own, {"revision": "c" * 40})
    with pytest.raises(
        ModelError, match=r"got 'org/base', which is neither .*; it is the base model that .*/own/adapt"
    ):
        load_network(str(own))


@pytest.mark.parametrize(("dtype", "bytes_each"), [("float32", 4), ("bfloat16", 2)])
def test_memory_is_that_of_the_base_model(
    own: Path, base: Path, monkeypatch: pytest.MonkeyPatch, dtype: str, bytes_each: int
) -> None:
    needed = bytes_each * sum(weights.numel() for weights in load_file(base / "model.safetensors").values())
    monkeypatch.setattr(network, "free_bytes", lambda device: needed - 1)
    with pytest.raises(ModelError, match=rf"the weights of base in {dtype}, got .* --dtype; it is the base model that"):
        load_network(str(own), dtype=dtype)
    monkeypatch.setattr(network, "free_bytes", lambda device: needed)
    assert load_network(str(own), dtype=dtype).dtype == dtype


def test_loading_prints_nothing(own: Path, capfd: pytest.CaptureFixture[str]) -> None:
    load_network(str(own))
    assert capfd.readouterr() == ("", "")


def test_missing_package_raises_model_error_with_the_extra(own: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(adapters, "find_spec", lambda name: None)
    with pytest.raises(ModelError, match=r"the adapter own, .* without peft; pip install 'instructzero\[peft\]'$"):
        load_network(str(own))


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        (
            {"peft_type": "PREFIX_TUNING"},
            r"that can be merged .*\(LORA, .*\), got PREFIX_TUNING in .*/own/adapter_conf",
        ),
        ({"peft_type": "PROMPT_TUNING"}, r"got PROMPT_TUNING in .*; use another adapter, or a whole model$"),
        ({"task_type": "SEQ_CLS"}, r"task_type CAUSAL_LM, got SEQ_CLS in .*; use an adapter that was trained to write"),
        ({"layer_replication": [[0, 2], [1, 2]]}, r"one set of weights for each layer, got .* with layer_replication"),
        ({"base_model_name_or_path": None}, r"as base_model_name_or_path in .*, got None; add it"),
        ({"base_model_name_or_path": "/no/such/llama"}, r"got '/no/such/llama', which is no folder and no file here"),
        ({"base_model_name_or_path": "../no.gguf"}, r"got '../no.gguf', which is no folder and no file here; correct"),
        ({"base_model_name_or_path": "."}, r"a whole model as the base model that .*, got another adapter, .*/own; m"),
        ({"peft_type": None}, r"configuration of a PEFT adapter, got .*, which is none \(it states no peft_type\)"),
        ({"a_new_way": 3}, r"that the installed peft knows in .*, got a_new_way; pip install --upgrade peft"),
        ({"target_modules": ["c_attn"]}, r"fits and can be merged .* kind LORA \(\w+Error: Target modules .*c_attn"),
        ({"target_modules": ["q_proj"]}, r"for those layers of its base .*missing or other ones for 8 tensors \(first"),
        ({"target_modules": ["q_proj", "v_proj", "down_proj", "k_proj"]}, r"missing or other ones for 4 tensors \(fi"),
        ({"alora_invocation_tokens": [3, 4]}, r"can be merged into .*\(NotImplementedError: aLoRA does not support"),
        ({"r": 4}, r"can be merged into .*\(RuntimeError: size mismatch for "),
    ],
    ids=lambda value: "-".join(map(str, *value.items())) if isinstance(value, dict) else "",
)
def test_configuration_that_does_not_fit_raises_model_error(changes: dict[str, Any], sentence: str, own: Path) -> None:
    restate(own, changes)
    with pytest.raises(ModelError, match=sentence) as caught:
        load_network(str(own))
    assert "\n" not in str(caught.value)


def _cut(folder: Path) -> None:
    (folder / WEIGHTS).write_bytes((folder / WEIGHTS).read_bytes()[:-100])


def _remove(folder: Path) -> None:
    (folder / WEIGHTS).unlink()


def _add_a_model(folder: Path) -> None:
    (folder / "model.safetensors").write_bytes(b"")


def _break(folder: Path) -> None:
    (folder / CONFIG).write_text("{")


def _no_numbers(folder: Path) -> None:
    weights = load_file(folder / WEIGHTS)
    save_file({name: tensor / 0 for name, tensor in weights.items()}, folder / WEIGHTS)


class _Evil:
    def __reduce__(self) -> tuple[Callable[[str], int], tuple[str]]:
        return os.system, ("touch evil",)


def _pickle_code(folder: Path) -> None:
    (folder / WEIGHTS).unlink()
    (folder / "adapter_model.bin").write_bytes(pickle.dumps({"weights": _Evil()}))


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        (_cut, r"of the kind LORA \(SafetensorError: .*\); check that the files are complete"),
        (_remove, r"adapter_model.safetensors or adapter_model.bin, beside .*, got neither; check"),
        (_add_a_model, r"an adapter or a whole model, got .* with both \(adapter_config.json, model.safetensors\)"),
        (_break, r"configuration of a PEFT adapter, got .*, which is none \(Expecting property name"),
        (_no_numbers, r"of the kind LORA \(ValueError: NaNs detected in the merged weights"),
        (_pickle_code, r"of the kind LORA \(UnpicklingError: Weights only load failed"),
    ],
)
def test_damaged_adapter_raises_model_error(
    damage: Callable[[Path], None], sentence: str, own: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    damage(own)
    with pytest.raises(ModelError, match=sentence):
        load_network(str(own))
    assert not Path("evil").exists()


def test_weights_in_a_pickle_are_loaded_like_those_of_a_checkpoint(own: Path, lora: Path) -> None:
    torch.save(load_file(own / WEIGHTS), own / "adapter_model.bin")
    (own / WEIGHTS).unlink()
    assert torch.equal(logits(load_network(str(own)).model), logits(load_network(str(lora)).model))


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        (
            {"hidden_size": 64},
            r"can be merged into .*/other, .*RuntimeError: size mismatch for .*; check that the files",
        ),
        ({"num_hidden_layers": 1}, r"names, got missing or other ones for 6 tensors \(first .*layers.1"),
        ({"num_hidden_layers": 3}, r"names, got missing or other ones for 6 tensors \(first .*layers.2"),
    ],
    ids=str,
)
def test_base_model_of_another_shape_raises_model_error(
    changes: dict[str, int], sentence: str, own: Path, tmp_path: Path
) -> None:
    restate(own, {"base_model_name_or_path": str(save_base(tmp_path / "other", **changes))})
    with pytest.raises(ModelError, match=sentence):
        load_network(str(own))


def test_incomplete_base_model_raises_model_error(own: Path, base: Path, tmp_path: Path) -> None:
    other = shutil.copytree(base, tmp_path / "other")
    (other / "model.safetensors").unlink()
    restate(own, {"base_model_name_or_path": str(other)})
    with pytest.raises(
        ModelError, match=r"causal language model in .*/other, but .*; it is the base model that .*/own"
    ):
        load_network(str(own))


def test_quantized_base_model_raises_model_error(own: Path, base: Path, tmp_path: Path) -> None:
    other = shutil.copytree(base, tmp_path / "other")
    config = json.loads((other / "config.json").read_text())
    quantized = {"quantization_config": {"quant_method": "bitsandbytes", "load_in_4bit": True}}
    (other / "config.json").write_text(json.dumps(config | quantized))
    restate(own, {"base_model_name_or_path": str(other)})
    with pytest.raises(
        ModelError, match=r"are not quantized, because an adapter .*, got other; name the model from wh"
    ):
        load_network(str(own))


@pytest.mark.parametrize("options", [{"dtype": "int4"}, {"device": "map"}], ids=str)
def test_weights_that_cannot_be_merged_into_raise_model_error(options: dict[str, str], own: Path) -> None:
    with pytest.raises(
        ModelError, match=r"for the adapter own, which is merged .*, got (auto and int4|map and auto); m"
    ):
        load_network(str(own), **options)


@pytest.mark.parametrize("target", ["lm_head", "embed_tokens"])
def test_adapter_of_shared_embeddings_raises_model_error(target: str, tmp_path: Path) -> None:
    base = save_base(tmp_path / "base", tie_word_embeddings=True)
    folder = save_adapter(tmp_path / "lora", base, target_modules=["q_proj", target])
    with pytest.raises(ModelError, match=rf"leaves the embeddings alone, .*, got .* with weights for {target}; untie"):
        load_network(str(folder))


def test_merged_model_that_predicts_otherwise_raises_model_error(own: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("peft.tuners.lora.layer.Linear.merge", lambda self, **options: None)
    with pytest.raises(ModelError, match=r"predicts as the unmerged one, got .*/own of the kind LORA, after which"):
        load_network(str(own))


def test_embeddings_of_a_served_writer_raise_model_error(lora: Path) -> None:
    with pytest.raises(ModelError, match=r"embeddings of a served writer, got the adapter lora; merge it with peft"):
        load_embeddings(str(lora))


FAST = (
    "--evaluations 4 --initial 2 --batch 2 --exemplars 2 --validation 4 --confirmation 2 --test 4 --metric f1".split()
)
SHORT = "--answer-tokens 6 --instruction-tokens 8 --device cpu".split()


def test_run_names_adapter_and_base_and_repeats_to_the_byte(command_line, lora: Path, base: Path) -> None:
    models = ("--writer", str(lora), "--blackbox", f"hf:{lora}")
    for out in ("first", "second"):
        code, _, errors = command_line("run", "--task", "words.jsonl", *models, *FAST, *SHORT, "--out", out, "--quiet")
        assert (code, errors) == (0, "")
    journals = [Path(out, "journal.jsonl").read_bytes() for out in ("first", "second")]
    assert journals[0] == journals[1]
    header = json.loads(journals[0].splitlines()[0])
    for role in ("writer", "black box"):
        assert (header[role]["revision"], header[role]["base_revision"]) == (fingerprint(lora), fingerprint(base))


def test_run_with_an_adapter_that_cannot_be_merged_ends_with_one_sentence(command_line, own: Path) -> None:
    restate(own, {"peft_type": "PREFIX_TUNING"})
    models = ("--writer", "embedded:writer", "--blackbox", f"hf:{own}")
    code, _, errors = command_line("run", "--task", "words.jsonl", *models, *FAST, "--out", "run")
    assert code == 2
    assert "got PREFIX_TUNING in" in errors
    assert "Traceback" not in errors
