"""The contract of `SoftPromptModel`, for all backends."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch

from instructzero.errors import ModelError
from instructzero.models.registry import load_writer
from instructzero.protocols import SoftPromptModel, capabilities_of
from instructzero.testing.writer_server import WriterServer

Make = Callable[[], SoftPromptModel]


DIALECTS = ("vllm", "sglang")


@pytest.fixture(scope="module", params=["hf", "scripted", *DIALECTS])
def writer(request: pytest.FixtureRequest, tiny_model: Path) -> Iterator[SoftPromptModel]:
    if request.param == "hf":
        yield load_writer(f"hf:{tiny_model}", batch_size=3)
    elif request.param == "scripted":
        yield load_writer("scripted:phrases")
    else:
        with WriterServer(str(tiny_model)) as server:
            yield load_writer(f"{request.param}:{tiny_model}", url=server.url)


def soft_prompts(writer: SoftPromptModel, count: int = 7) -> torch.Tensor:
    generator = torch.Generator().manual_seed(3)
    return torch.randn(count, 4, writer.hidden_size, generator=generator)


def write(writer: SoftPromptModel, soft: torch.Tensor | None, before: str = "Say: ") -> list[str]:
    return writer.generate(soft, before, "now", max_new_tokens=8, special_tokens=True)


def test_text_does_not_depend_on_its_batch(writer: SoftPromptModel) -> None:
    soft = soft_prompts(writer)
    together = write(writer, soft)
    assert together == [write(writer, row[None])[0] for row in soft]
    assert together == write(writer, soft)


def test_until_may_cut_a_text_and_changes_nothing_before_the_cut(writer: SoftPromptModel) -> None:
    soft = soft_prompts(writer)
    options = {"max_new_tokens": 20, "special_tokens": True}
    whole = writer.generate(soft, "Say: ", "now", **options)
    cut = writer.generate(soft, "Say: ", "now", **options, until=lambda text: True)
    assert all(text.startswith(begun.rstrip("\ufffd")) for text, begun in zip(whole, cut, strict=True))
    assert writer.generate(soft, "Say: ", "now", **options, until=lambda text: False) == whole


def test_soft_prompts_change_the_text(writer: SoftPromptModel) -> None:
    assert len(set(write(writer, soft_prompts(writer)))) > 1


def test_generate_without_soft_prompt_returns_one_text(writer: SoftPromptModel) -> None:
    assert len(write(writer, None)) == 1


def test_generate_with_empty_before_returns_all_texts(writer: SoftPromptModel) -> None:
    assert len(write(writer, soft_prompts(writer, 2), before="")) == 2


def represent(writer: SoftPromptModel, soft: torch.Tensor, before: str = "Say: ") -> torch.Tensor:
    if not capabilities_of(writer).states:
        pytest.skip("these servers return texts only")
    return writer.represent(soft, before, "now", special_tokens=True)


def test_represent_returns_one_finite_state_per_prompt(writer: SoftPromptModel) -> None:
    states = represent(writer, soft_prompts(writer))
    assert states.dtype == torch.float64
    assert states.device.type == "cpu"
    assert states.shape == (7, states.shape[1])
    assert states.isfinite().all()
    assert represent(writer, soft_prompts(writer, 0)).shape[0] == 0
    assert represent(writer, soft_prompts(writer, 2), before="").shape == (2, states.shape[1])


def test_representation_depends_on_its_soft_prompt_alone(writer: SoftPromptModel) -> None:
    soft = soft_prompts(writer)
    together = represent(writer, soft)
    assert torch.equal(together, represent(writer, soft))
    alone = torch.cat([represent(writer, row[None]) for row in soft])
    torch.testing.assert_close(together, alone, rtol=1e-5, atol=1e-5)
    assert (torch.pdist(together) > 1e-3).all()


def test_gradients_flow_through_a_model_of_representations(writer: SoftPromptModel) -> None:
    states = represent(writer, soft_prompts(writer))
    weights = torch.zeros(states.shape[1], 1, dtype=torch.float64, requires_grad=True)
    (states @ weights).sum().backward()
    assert weights.grad is not None


def test_represent_with_a_wrong_shape_raises_model_error(writer: SoftPromptModel) -> None:
    with pytest.raises(ModelError, match="expected soft prompts of shape"):
        represent(writer, torch.zeros(1, 2, writer.hidden_size + 1))


def test_generate_accepts_double_precision(writer: SoftPromptModel) -> None:
    soft = soft_prompts(writer)
    assert write(writer, soft.double()) == write(writer, soft)


def test_generate_with_a_wrong_shape_raises_model_error(writer: SoftPromptModel) -> None:
    with pytest.raises(ModelError, match="expected soft prompts of shape"):
        write(writer, torch.zeros(1, 2, writer.hidden_size + 1))


def test_render_chat_without_template_raises_model_error(writer: SoftPromptModel) -> None:
    if writer.has_chat_template:
        assert "hello" in writer.render_chat("hello")
    else:
        with pytest.raises(ModelError, match="template completion"):
            writer.render_chat("hello")


def test_embedding_statistics_are_finite(writer: SoftPromptModel) -> None:
    mean, deviation = writer.embedding_statistics()
    assert abs(mean) < 1
    assert 0 < deviation < 10


def test_identity_is_text_without_local_paths(writer: SoftPromptModel, tiny_model: Path) -> None:
    assert all(isinstance(value, str) for value in writer.identity.values())
    assert str(tiny_model.parent) not in str(dict(writer.identity))
