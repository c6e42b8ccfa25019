from __future__ import annotations

import asyncio
import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, BertConfig, BertModel, GenerationConfig

from instructzero.errors import ModelError
from instructzero.models.huggingface import HuggingFaceModel
from instructzero.models.local_blackbox import HuggingFaceBlackBox
from instructzero.models.prefix import cache_argument, prompt_inputs
from instructzero.types import Completion, Message, Request


def greedy(folder: Path, text: str, count: int) -> list[int]:
    """Return greedy ids from complete forward passes of transformers, without cache, mask or padding."""
    model = AutoModelForCausalLM.from_pretrained(folder)
    ids = AutoTokenizer.from_pretrained(folder)(text)["input_ids"]
    new: list[int] = []
    with torch.inference_mode():
        while len(new) < count and (not new or new[-1] != 2):
            new.append(int(model(torch.tensor([ids + new])).logits[0, -1].argmax()))
    return new


def ask(box: HuggingFaceBlackBox, *requests: Request) -> list[Completion]:
    async def run() -> list[Completion]:
        try:
            return list(await asyncio.gather(*map(box.complete, requests)))
        finally:
            await box.close()

    return asyncio.run(run())


def request(text: str, max_tokens: int = 6, temperature: float = 0.0) -> Request:
    return Request((Message("user", text),), max_tokens, temperature)


def test_black_box_equals_greedy_decoding_despite_sampling_settings(tiny_model: Path) -> None:
    texts = ["a", "much longer than the others", "some words"]
    box = HuggingFaceBlackBox(str(tiny_model), template="completion")
    tokenizer = AutoTokenizer.from_pretrained(tiny_model)
    for text, answer in zip(texts, ask(box, *(request(text, 9) for text in texts)), strict=True):
        ids = greedy(tiny_model, text, 9)
        assert answer.text == tokenizer.decode(ids, skip_special_tokens=True)
        assert answer.completion_tokens == len(ids)
        assert answer.prompt_tokens == len(tokenizer(text)["input_ids"])


def test_prompts_with_a_common_prefix_share_it_and_give_the_same_answers(tiny_model: Path) -> None:
    starts = ("Instruction: reverse the word.\nInput: ", "Instruction: say the first letter of it.\nInput: ")
    texts = [start + "x" * (1 + index) for start in starts for index in range(4)] + ["other"]
    box = HuggingFaceBlackBox(str(tiny_model), template="completion")
    tokenizer = AutoTokenizer.from_pretrained(tiny_model)
    rows = sorted(tokenizer(text)["input_ids"] for text in texts)
    assert cache_argument(box._network) in prompt_inputs(box._network, rows)
    expected = [tokenizer.decode(greedy(tiny_model, text, 9), skip_special_tokens=True) for text in texts]
    assert [answer.text for answer in ask(box, *(request(text, 9) for text in texts))] == expected


def test_writer_equals_generate_of_transformers(tiny_model: Path) -> None:
    writer = HuggingFaceModel(str(tiny_model))
    soft = torch.randn(2, 3, writer.hidden_size, generator=torch.Generator().manual_seed(0))
    model, tokenizer = (
        AutoModelForCausalLM.from_pretrained(tiny_model),
        AutoTokenizer.from_pretrained(tiny_model),
    )
    model.generation_config = GenerationConfig(eos_token_id=2, pad_token_id=0)
    embed = model.get_input_embeddings()
    expected = []
    for row in soft:
        parts = [
            embed(torch.tensor(tokenizer("Say").input_ids)),
            row,
            embed(torch.tensor(tokenizer("it").input_ids)),
        ]
        ids = model.generate(inputs_embeds=torch.cat(parts)[None], max_new_tokens=7, do_sample=False)
        expected.append(tokenizer.decode(ids[0], skip_special_tokens=True))
    assert writer.generate(soft, "Say", "it", max_new_tokens=7, special_tokens=False) == expected


def test_writer_without_soft_prompt_equals_plain_decoding(tiny_llama: Path) -> None:
    (text,) = HuggingFaceModel(str(tiny_llama)).generate(None, "Say ", "it", max_new_tokens=7, special_tokens=True)
    tokenizer = AutoTokenizer.from_pretrained(tiny_llama)
    assert text == tokenizer.decode(greedy(tiny_llama, "Say it", 7), skip_special_tokens=True)


def test_represent_returns_the_input_of_the_head_at_the_last_token(tiny_model: Path) -> None:
    writer = HuggingFaceModel(str(tiny_model))
    soft = torch.randn(2, 3, writer.hidden_size, generator=torch.Generator().manual_seed(0))
    states = writer.represent(soft, "Say", "it", special_tokens=False)
    model, tokenizer = AutoModelForCausalLM.from_pretrained(tiny_model), AutoTokenizer.from_pretrained(tiny_model)
    embed = model.get_input_embeddings()
    parts = [embed(torch.tensor(tokenizer(text).input_ids)).expand(2, -1, -1) for text in ("Say", "it")]
    with torch.no_grad():
        logits = model(inputs_embeds=torch.cat([parts[0], soft, parts[1]], dim=1)).logits[:, -1]
        read = model.get_output_embeddings()(states.float())
    torch.testing.assert_close(read, logits, rtol=1e-4, atol=1e-4)


def test_represent_of_a_prompt_beyond_the_context_raises_model_error(tiny_llama: Path) -> None:
    writer = HuggingFaceModel(str(tiny_llama))
    with pytest.raises(ModelError, match="256 positions"):
        writer.represent(torch.zeros(1, 2, writer.hidden_size), "", "x" * 300, special_tokens=True)


def test_embedding_statistics_equal_those_of_the_matrix(tiny_llama: Path) -> None:
    weight = AutoModelForCausalLM.from_pretrained(tiny_llama).get_input_embeddings().weight.detach()
    mean, deviation = HuggingFaceModel(str(tiny_llama)).embedding_statistics()
    assert mean == pytest.approx(float(weight.mean()), abs=1e-6)
    assert deviation == pytest.approx(float(weight.std()), rel=1e-3)


def test_writer_and_black_box_share_one_network(tiny_llama: Path) -> None:
    writer, box = HuggingFaceModel(str(tiny_llama)), HuggingFaceBlackBox(str(tiny_llama))
    assert writer._network is box._network


def test_other_weights_in_the_same_folder_change_the_identity(tiny_llama: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(tiny_llama, tmp_path / "llama")
    before = dict(HuggingFaceBlackBox(str(copy)).identity)
    assert before == dict(HuggingFaceBlackBox(str(tiny_llama)).identity)
    weights = copy / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-4] + b"\0\0\0\0")
    assert dict(HuggingFaceBlackBox(str(copy)).identity) != before


def test_sample_depends_on_its_request_alone(tiny_llama: Path) -> None:
    requests = [request(text, 6, 1.5) for text in ("a", "bb", "ccc")]
    together = ask(HuggingFaceBlackBox(str(tiny_llama)), *requests)
    alone = [ask(HuggingFaceBlackBox(str(tiny_llama)), request)[0] for request in requests]
    assert together == alone
    assert together[0] != ask(HuggingFaceBlackBox(str(tiny_llama)), request("a", 6))[0]


def test_different_seeds_give_different_samples_of_one_prompt(tiny_llama: Path) -> None:
    def samples(temperature: float) -> list[str]:
        plain = request("Sample this.", 12, temperature)
        box = HuggingFaceBlackBox(str(tiny_llama))
        return [answer.text for answer in ask(box, plain, *(replace(plain, seed=seed) for seed in range(4)))]

    assert samples(1.0) == samples(1.0)
    assert len(set(samples(1.0))) == 5
    assert len(set(samples(0.0))) == 1


def test_answer_ends_at_the_end_of_the_context(tiny_llama: Path) -> None:
    box = HuggingFaceBlackBox(str(tiny_llama))
    long, short = ask(box, request("a" * 250, 50), request("a", 50))
    assert long.prompt_tokens + long.completion_tokens <= 256
    assert short == ask(HuggingFaceBlackBox(str(tiny_llama)), request("a", 50))[0]


def test_too_long_prompt_raises_one_line_model_error(tiny_llama: Path) -> None:
    with pytest.raises(ModelError, match=r"shorter than the 256 positions of llama, got 400 tokens"):
        ask(HuggingFaceBlackBox(str(tiny_llama)), request("a" * 400))
    with pytest.raises(ModelError, match="256 positions"):
        HuggingFaceModel(str(tiny_llama)).generate(None, "a" * 300, "", max_new_tokens=4, special_tokens=False)


def test_chat_template_is_used_if_the_model_has_one(tiny_chat: Path, tiny_llama: Path) -> None:
    assert HuggingFaceBlackBox(str(tiny_chat)).identity["template"] == "chat"
    assert HuggingFaceBlackBox(str(tiny_llama)).identity["template"] == "completion"
    with pytest.raises(ModelError, match="template completion"):
        ask(HuggingFaceBlackBox(str(tiny_llama), template="chat"), request("a"))


@pytest.mark.parametrize("name", ["./no/such/folder", "nobody/nothing-of-this-name"])
def test_unknown_model_raises_model_error(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(ModelError, match="neither a folder here nor reachable on the hub") as caught:
        HuggingFaceModel(name)
    assert name in str(caught.value)


def test_folder_without_model_raises_model_error(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"without config\.json"):
        HuggingFaceModel(str(tmp_path))


def test_broken_weights_raise_model_error(tiny_llama: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(tiny_llama, tmp_path / "llama")
    weights = copy / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    with pytest.raises(ModelError, match="does not load"):
        HuggingFaceModel(str(copy))


def test_missing_weights_raise_model_error(tiny_llama: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(tiny_llama, tmp_path / "llama")
    config = json.loads((copy / "config.json").read_text())
    (copy / "config.json").write_text(json.dumps({**config, "num_hidden_layers": 3}))
    with pytest.raises(ModelError, match="expected all weights"):
        HuggingFaceModel(str(copy))


def test_model_that_generates_no_text_raises_model_error(tiny_llama: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(tiny_llama, tmp_path / "bert")
    size = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16}
    BertModel(BertConfig(vocab_size=259, **size)).save_pretrained(folder)
    with pytest.raises(ModelError, match="causal language model"):
        HuggingFaceModel(str(folder))


def test_impossible_settings_raise_model_error(tiny_llama: Path) -> None:
    with pytest.raises(ModelError, match="device"):
        HuggingFaceModel(str(tiny_llama), device="abacus")
    with pytest.raises(ModelError, match="dtypes"):
        HuggingFaceModel(str(tiny_llama), dtype="int3")
    with pytest.raises(ModelError, match="batch size"):
        HuggingFaceModel(str(tiny_llama), batch_size=0)
    with pytest.raises(ModelError, match="templates"):
        HuggingFaceBlackBox(str(tiny_llama), template="poem")
