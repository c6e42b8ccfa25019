"""The embedded pair: it loads like any other models, and a search with it improves the score."""

import asyncio

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

import instructzero
from instructzero.models.huggingface import HuggingFaceModel
from instructzero.models.local_blackbox import HuggingFaceBlackBox
from instructzero.models.packed import embedded_folder
from instructzero.prompts import writer_prompt, zero_shot
from instructzero.tasks import builtin_names, load_task_data, split_task
from instructzero.types import Proposal, Request
from instructzero.writing.projection import Projection
from instructzero.writing.writer import Writer

EMBEDDED = embedded_folder()

DEMO = "larger_animal"


@pytest.fixture(scope="module")
def writer_model():
    return HuggingFaceModel(str(EMBEDDED / "writer"), device="cpu")


@pytest.fixture(scope="module")
def plain_transformers():
    """Return tokenizer and network of a folder, loaded without this package."""
    return {
        name: (
            AutoTokenizer.from_pretrained(EMBEDDED / name),
            AutoModelForCausalLM.from_pretrained(EMBEDDED / name, dtype=torch.float32),
        )
        for name in ("writer", "blackbox")
    }


def continuation(tokenizer, network, text, tokens):
    """Return the text that transformers generates after ``text``."""
    inputs = tokenizer(text, return_tensors="pt")
    output = network.generate(**inputs, max_new_tokens=tokens, do_sample=False)
    return tokenizer.decode(output[0, inputs["input_ids"].shape[1] :], skip_special_tokens=True)


def task_writer(model, name, seed=0):
    task = split_task(load_task_data(name), seed=seed)
    projection = Projection.draw("uniform", dimension=10, soft_tokens=5, hidden_size=model.hidden_size, seed=seed)
    prompt = writer_prompt(model, task.exemplars, template="auto", placement="front")
    return task, Writer(model, prompt, projection, max_new_tokens=64)


def answers(instruction, inputs):
    """Return the answers of the black box with an instruction."""

    async def ask():
        blackbox = HuggingFaceBlackBox(str(EMBEDDED / "blackbox"), device="cpu")
        requests = [Request(zero_shot(instruction, text), 32) for text in inputs]
        completions = await asyncio.gather(*(blackbox.complete(request) for request in requests))
        await blackbox.close()
        return [completion.text for completion in completions]

    return asyncio.run(ask())


def mean_score(name, instruction, examples=40):
    task = split_task(load_task_data(name), test=examples)
    said = answers(instruction, [example.input for example in task.test])
    return sum(task.metric(text, example.outputs) for text, example in zip(said, task.test, strict=True)) / len(said)


def test_embedded_models_have_different_architectures():
    families = {
        AutoModelForCausalLM.from_pretrained(EMBEDDED / name).config.model_type for name in ("writer", "blackbox")
    }
    assert len(families) == 2


@pytest.mark.parametrize("name", ["first_word_letter", "sum", "negation"])
def test_embedded_texts_equal_those_of_transformers(writer_model, plain_transformers, name):
    task, writer = task_writer(writer_model, name)
    (writing,), _ = writer.write([Proposal(None)])
    assert writing.raw == continuation(*plain_transformers["writer"], writer.prompt.after, 64)
    inputs = [example.input for example in task.test[:5]]
    prompts = [zero_shot(writing.instruction, text)[0].content for text in inputs]
    expected = [continuation(*plain_transformers["blackbox"], prompt, 32) for prompt in prompts]
    assert answers(writing.instruction, inputs) == expected


def test_soft_prompts_change_the_text_of_the_embedded_writer(writer_model):
    points = torch.rand(50, 10, generator=torch.Generator().manual_seed(0)) * 2 - 1
    for name in ("first_word_letter", DEMO):
        _, writer = task_writer(writer_model, name)
        writings, _ = writer.write([Proposal(tuple(point)) for point in points.tolist()])
        assert len({writing.instruction for writing in writings}) >= 10


@pytest.mark.parametrize(
    ("name", "good", "wrong"),
    [
        ("first_word_letter", "write the first letter of the word.", "write the sum of the two numbers."),
        ("sum", "add the two numbers.", "write the first letter of the word."),
        ("larger_animal", "write the larger animal.", "write the smaller animal."),
    ],
)
def test_embedded_black_box_follows_the_instruction(name, good, wrong):
    assert mean_score(name, good) >= mean_score(name, wrong) + 0.5


def test_every_built_in_task_splits_with_the_default_sizes():
    assert len(builtin_names()) == 32
    for name in builtin_names():
        task = split_task(load_task_data(name))
        assert (len(task.exemplars), len(task.validation)) == (5, 20)
        assert len(task.test) >= 40


def test_run_beats_the_plain_instruction_on_the_test_examples(tmp_path):
    result = instructzero.optimize(DEMO, evaluations=75, directory=tmp_path / "run")
    assert result.test_score > result.plain.test.mean
