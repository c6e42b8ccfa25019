"""Writers on a server, in both dialects: they give the local texts, and errors that name the fix."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

import instructzero
from instructzero.errors import EndpointError, ModelError
from instructzero.models.huggingface import HuggingFaceModel
from instructzero.models.packed import embedded_folder
from instructzero.models.registry import load_writer
from instructzero.models.served_writer import ServedWriter
from instructzero.models.sglang import Sglang
from instructzero.models.vllm import Vllm
from instructzero.models.wire import Dialect
from instructzero.testing import Fault, Faults
from instructzero.testing.writer_server import WriterServer
from tests.serving import free_port

EMBEDDED = str(embedded_folder() / "writer")
EXEMPLARS = "Input: cat\nOutput: c\n\nInput: dog\nOutput: d\n\nThe instruction was to"
SMALL = {"evaluations": 6, "initial": 3, "batch": 3, "validation": 6, "test": 8, "confirmation": 0, "answer_tokens": 16}


@pytest.fixture(params=[Vllm(), Sglang()], ids=["vllm", "sglang"])
def dialect(request: pytest.FixtureRequest) -> Dialect:
    return request.param


@pytest.fixture(scope="module")
def server() -> Iterator[WriterServer]:
    with WriterServer(EMBEDDED) as server:
        yield server


@pytest.fixture(scope="module")
def local_run(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Return the journal of a small run with the local writer."""
    folder = tmp_path_factory.mktemp("runs") / "local"
    instructzero.optimize("first_word_letter", writer=f"hf:{EMBEDDED}", directory=folder, **SMALL)
    return journal(folder)


def journal(folder: Path) -> list[str]:
    """Return all lines but the first, which names the models."""
    return (folder / "journal.jsonl").read_text(encoding="utf-8").splitlines()[1:]


def soft_prompts(count: int, hidden_size: int) -> torch.Tensor:
    return torch.randn(count, 3, hidden_size, generator=torch.Generator().manual_seed(1))


def write(writer: instructzero.SoftPromptModel, count: int = 2, after: str = "Say it: ") -> list[str]:
    soft = soft_prompts(count, writer.hidden_size)
    return writer.generate(soft, "", after, max_new_tokens=8, special_tokens=True)


def refusal(writer: ServedWriter) -> str:
    with pytest.raises(ModelError) as caught:
        write(writer)
    return str(caught.value)


@pytest.mark.parametrize("before", ["", "Look: "])
def test_served_texts_equal_the_local_texts(dialect: Dialect, before: str, server: WriterServer) -> None:
    writers = ServedWriter(dialect, EMBEDDED, url=server.url), HuggingFaceModel(EMBEDDED, device="cpu")
    soft = soft_prompts(6, 256)
    served, local = (
        [
            *writer.generate(soft, before, EXEMPLARS, max_new_tokens=24, special_tokens=True),
            *writer.generate(None, before, EXEMPLARS, max_new_tokens=24, special_tokens=True),
        ]
        for writer in writers
    )
    assert served == local
    assert len(set(served)) > 1


@pytest.mark.parametrize("kind", ["vllm", "sglang"])
def test_run_with_served_writer_gives_the_journal_of_the_local_run(
    kind: str, server: WriterServer, local_run: list[str], tmp_path: Path
) -> None:
    writer = load_writer(f"{kind}:{EMBEDDED}", url=server.url)
    instructzero.optimize("first_word_letter", writer=writer, directory=tmp_path / "run", **SMALL)
    assert journal(tmp_path / "run") == local_run
    assert any('"kind":"round"' in line for line in local_run)


def test_chat_template_comes_from_the_tokenizer(dialect: Dialect, tiny_chat: Path) -> None:
    with WriterServer(str(tiny_chat)) as server:
        served = ServedWriter(dialect, str(tiny_chat), url=server.url)
        local = HuggingFaceModel(str(tiny_chat))
        rendered = served.render_chat("hello")
        assert rendered == local.render_chat("hello")
        texts = [
            writer.generate(None, "", rendered, max_new_tokens=8, special_tokens=False) for writer in (served, local)
        ]
        assert texts[0] == texts[1]


def test_identity_does_not_depend_on_the_address(dialect: Dialect) -> None:
    near, far = (ServedWriter(dialect, EMBEDDED, url=url).identity for url in (None, "http://far:1"))
    assert near == far
    assert near == {**HuggingFaceModel(EMBEDDED, device="cpu").identity, "backend": dialect.backend}


def test_server_without_the_flags_for_embeddings_raises_model_error(dialect: Dialect, tiny_llama: Path) -> None:
    with WriterServer(str(tiny_llama), takes_embeddings=False) as server:
        said = refusal(ServedWriter(dialect, str(tiny_llama), url=server.url))
    assert f"start it with {dialect.flags}" in said


def test_server_of_another_model_raises_model_error(dialect: Dialect, tiny_llama: Path) -> None:
    with WriterServer(str(tiny_llama), name="some/poet") as server:
        said = refusal(ServedWriter(dialect, str(tiny_llama), url=server.url))
    assert f"expected {tiny_llama} among the models at {server.url}, got some/poet" in said
    assert f"{dialect.command} {tiny_llama} {dialect.flags}" in said


def test_server_of_other_weights_under_the_same_name_raises_model_error(
    dialect: Dialect, tiny_llama: Path, tmp_path: Path
) -> None:
    other = shutil.copytree(tiny_llama, tmp_path / "elsewhere" / "llama")
    weights = load_file(other / "model.safetensors")
    weights["model.embed_tokens.weight"] = weights["model.embed_tokens.weight"].flip(0)
    save_file(weights, other / "model.safetensors", metadata={"format": "pt"})
    with WriterServer(str(other)) as server:
        said = refusal(ServedWriter(dialect, str(tiny_llama), url=server.url))
    assert "continues their embeddings differently from their tokens" in said


def test_server_that_scales_embeddings_raises_model_error(dialect: Dialect, tiny_llama: Path) -> None:
    with WriterServer(str(tiny_llama), scale=-1.0) as server:
        assert "differently from their tokens" in refusal(ServedWriter(dialect, str(tiny_llama), url=server.url))


def test_server_is_checked_once(dialect: Dialect, tiny_llama: Path) -> None:
    with WriterServer(str(tiny_llama)) as server:
        writer = ServedWriter(dialect, str(tiny_llama), url=f"{server.url}/v1")
        write(writer, 2)
        assert len(server.bodies) == 6 + 2
        write(writer, 3)
        assert len(server.bodies) == 6 + 2 + 3


def test_key_is_read_from_the_environment_and_not_shown(
    dialect: Dialect, tiny_llama: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = "token-abcdef"
    monkeypatch.delenv(dialect.variable, raising=False)
    with WriterServer(str(tiny_llama), key=key) as server:
        assert f"environment variable {dialect.variable}" in refusal(
            ServedWriter(dialect, str(tiny_llama), url=server.url)
        )
        monkeypatch.setenv(dialect.variable, "token-wrong")
        assert "token-wrong" not in refusal(ServedWriter(dialect, str(tiny_llama), url=server.url))
        monkeypatch.setenv(dialect.variable, key)
        writer = ServedWriter(dialect, str(tiny_llama), url=server.url)
        assert len(write(writer)) == 2
        assert key not in json.dumps([*server.bodies, dict(writer.identity), repr(vars(writer))], default=str)


def test_temporary_failures_of_the_server_are_retried(dialect: Dialect, tiny_llama: Path) -> None:
    rates = dict.fromkeys((Fault.THROTTLED, Fault.SERVER_ERROR, Fault.CUT_JSON, Fault.RESET_UNREAD, Fault.HTML), 0.06)
    with WriterServer(str(tiny_llama), name="llama", faults=Faults(rates, seed=3)) as server:
        texts = write(ServedWriter(dialect, str(tiny_llama), url=server.url), 20)
        assert sum(server.failed.values()) > 2
    assert texts == write(HuggingFaceModel(str(tiny_llama)), 20)


def test_server_that_stays_broken_raises_endpoint_error(dialect: Dialect, tiny_llama: Path) -> None:
    with WriterServer(str(tiny_llama), faults=Faults({Fault.SERVER_ERROR: 1.0})) as server:
        writer = ServedWriter(dialect, str(tiny_llama), url=server.url, retries=1)
        with pytest.raises(EndpointError, match=r"status 500: out of order \(the last of 2 tries\); .*resume later"):
            write(writer)


def test_no_request_is_sent_before_generate(dialect: Dialect, tiny_llama: Path) -> None:
    writer = ServedWriter(dialect, str(tiny_llama), url=f"http://127.0.0.1:{free_port()}", retries=0)
    with pytest.raises(EndpointError, match="cannot be reached"):
        write(writer)


def test_requests_in_flight_stay_within_concurrency(dialect: Dialect, tiny_llama: Path) -> None:
    with WriterServer(str(tiny_llama), latency=0.02) as server:
        write(ServedWriter(dialect, str(tiny_llama), url=server.url, concurrency=3), 9)
        assert 1 < server.most_in_flight <= 3


def test_context_of_the_server_limits_the_texts(dialect: Dialect, tiny_llama: Path) -> None:
    with WriterServer(str(tiny_llama), context=40) as server:
        writer = ServedWriter(dialect, str(tiny_llama), url=server.url)
        (text,) = writer.generate(None, "", "a" * 30, max_new_tokens=64, special_tokens=True)
        (longer,) = HuggingFaceModel(str(tiny_llama)).generate(
            None, "", "a" * 30, max_new_tokens=64, special_tokens=True
        )
        assert longer.startswith(text)
        with pytest.raises(ModelError, match="shorter than the 40 positions of llama, got 50 tokens"):
            writer.generate(None, "", "a" * 50, max_new_tokens=4, special_tokens=True)
        asked = len(server.bodies)
        with pytest.raises(ModelError, match="shorter than the 256 positions"):
            writer.generate(None, "", "a" * 300, max_new_tokens=4, special_tokens=True)
        assert len(server.bodies) == asked


def test_generate_works_inside_a_running_event_loop(dialect: Dialect, tiny_llama: Path) -> None:
    with WriterServer(str(tiny_llama)) as server:
        writer = ServedWriter(dialect, str(tiny_llama), url=server.url)

        async def cell() -> list[str]:
            return write(writer)

        assert asyncio.run(cell()) == write(HuggingFaceModel(str(tiny_llama)))


def test_represent_raises_model_error(dialect: Dialect) -> None:
    writer = ServedWriter(dialect, EMBEDDED)
    with pytest.raises(ModelError, match=r"instinct, zopo and presto .* use a local writer \(hf:"):
        writer.represent(soft_prompts(1, 256), "", "now", special_tokens=True)


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("http://me:secret@host:8000", "without user, password or query"),
        ("http://host:8000/?token=secret", "without user, password or query"),
        ("host:8000", "expected an address such as .* fix writer_url"),
    ],
)
def test_invalid_writer_url_raises_model_error(dialect: Dialect, url: str, said: str) -> None:
    with pytest.raises(ModelError, match=said) as caught:
        ServedWriter(dialect, EMBEDDED, url=url)
    assert "secret" not in str(caught.value)
