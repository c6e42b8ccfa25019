"""The embedded pair gives the answers that `training.record` wrote down on another machine."""

import asyncio
import json
from pathlib import Path

import torch

from instructzero.models.huggingface import HuggingFaceModel
from instructzero.models.local_blackbox import HuggingFaceBlackBox
from instructzero.models.packed import embedded_folder
from instructzero.prompts import zero_shot
from instructzero.types import Request

EMBEDDED = embedded_folder()

RECORD = json.loads((Path(__file__).parent / "recorded_answers.json").read_text(encoding="utf-8"))


def test_record_holds_enough_entries():
    assert len(RECORD["black box"]) >= 50
    assert len(RECORD["writer"]) >= 10
    assert len({entry["answer"] for entry in RECORD["black box"]}) >= 40


def test_embedded_black_box_gives_the_recorded_answers():
    async def ask():
        blackbox = HuggingFaceBlackBox(str(EMBEDDED / "blackbox"), device="cpu")
        requests = [Request(zero_shot(entry["instruction"], entry["input"]), 64) for entry in RECORD["black box"]]
        completions = await asyncio.gather(*(blackbox.complete(request) for request in requests))
        await blackbox.close()
        return [completion.text for completion in completions]

    assert asyncio.run(ask()) == [entry["answer"] for entry in RECORD["black box"]]


def test_embedded_writer_gives_the_recorded_texts():
    model = HuggingFaceModel(str(EMBEDDED / "writer"), device="cpu")
    for entry in RECORD["writer"]:
        generator = torch.Generator().manual_seed(entry["seed"])
        soft = torch.randn(1, 5, model.hidden_size, generator=generator)
        texts = model.generate(soft, "", entry["prompt"], max_new_tokens=64, special_tokens=True)
        assert texts == [entry["text"]]
