"""What every writer must keep to, whatever stands behind it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from instructzero.errors import ModelError
from instructzero.models.base import SoftPromptModel
from instructzero.models.huggingface import HuggingFaceModel
from instructzero.models.scripted import ScriptedWriter

Make = Callable[[], SoftPromptModel]


@pytest.fixture(params=["hf", "scripted"])
def writer(request: pytest.FixtureRequest, tiny_model: Path) -> SoftPromptModel:
    return HuggingFaceModel(str(tiny_model), batch_size=3) if request.param == "hf" else ScriptedWriter()


def soft_prompts(writer: SoftPromptModel, count: int = 7) -> torch.Tensor:
    generator = torch.Generator().manual_seed(3)
    return torch.randn(count, 4, writer.hidden_size, generator=generator)


def write(writer: SoftPromptModel, soft: torch.Tensor | None, before: str = "Say: ") -> list[str]:
    return writer.generate(soft, before, "now", max_new_tokens=8, special_tokens=True)


def test_a_text_does_not_depend_on_its_batch(writer: SoftPromptModel) -> None:
    soft = soft_prompts(writer)
    together = write(writer, soft)
    assert together == [write(writer, row[None])[0] for row in soft]
    assert together == write(writer, soft)


def test_soft_prompts_change_the_text(writer: SoftPromptModel) -> None:
    assert len(set(write(writer, soft_prompts(writer)))) > 1


def test_works_without_a_soft_prompt(writer: SoftPromptModel) -> None:
    assert len(write(writer, None)) == 1


def test_works_with_nothing_before_the_soft_prompt(writer: SoftPromptModel) -> None:
    assert len(write(writer, soft_prompts(writer, 2), before="")) == 2


def test_takes_double_precision(writer: SoftPromptModel) -> None:
    soft = soft_prompts(writer)
    assert write(writer, soft.double()) == write(writer, soft)


def test_refuses_a_wrong_shape(writer: SoftPromptModel) -> None:
    with pytest.raises(ModelError, match="expected soft prompts of shape"):
        write(writer, torch.zeros(1, 2, writer.hidden_size + 1))


def test_refuses_a_chat_where_it_has_no_template(writer: SoftPromptModel) -> None:
    if writer.has_chat_template:
        assert "hello" in writer.render_chat("hello")
    else:
        with pytest.raises(ModelError, match="template completion"):
            writer.render_chat("hello")


def test_embedding_statistics_are_finite(writer: SoftPromptModel) -> None:
    mean, deviation = writer.embedding_statistics()
    assert abs(mean) < 1
    assert 0 < deviation < 10


def test_identity_is_text_without_paths(writer: SoftPromptModel, tiny_model: Path) -> None:
    assert all(isinstance(value, str) for value in writer.identity.values())
    assert str(tiny_model.parent) not in str(dict(writer.identity))
