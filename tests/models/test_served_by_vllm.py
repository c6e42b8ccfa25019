"""The embedded pair on real vLLM servers: the same run as in this process.

vLLM needs an environment of its own; the variable ``VLLM`` names its program there, such as /opt/vllm/bin/vllm.
"""

import json
import os
import re
from contextlib import ExitStack

import pytest
import torch

import instructzero
from instructzero.errors import ModelError
from instructzero.models.huggingface import HuggingFaceModel
from instructzero.models.packed import embedded_folder
from instructzero.models.served_writer import ServedWriter
from instructzero.models.vllm import Vllm
from tests.serving import free_port, serving

EMBEDDED = embedded_folder()

PROGRAM = os.environ.get("VLLM")
WRITER = str(EMBEDDED / "writer")
EXACT = ["--dtype", "float32", "--enforce-eager", "--max-model-len", "2048"]
SMALL = {"VLLM_CPU_KVCACHE_SPACE": "1", "VLLM_CPU_OMP_THREADS_BIND": "nobind"}

pytestmark = [
    pytest.mark.skipif(PROGRAM is None, reason="no vLLM: the variable VLLM names no program"),
    pytest.mark.timeout(1200),  # each server takes a minute to start
]


@pytest.fixture(scope="module")
def served():
    """Return a function that starts a server of a model with flags and returns its address."""
    with ExitStack() as stack:

        def start(model, *flags):
            port = free_port()
            command = [PROGRAM, "serve", EMBEDDED / model, *EXACT, "--port", port, *flags]
            return stack.enter_context(serving(command, port=port, ready="/v1/models", seconds=300, **SMALL))

        yield start


@pytest.fixture(scope="module")
def writer_url(served):
    return served("writer", "--enable-prompt-embeds")


@pytest.fixture(scope="module")
def blackbox_url(served):
    return served("blackbox", "--enable-prompt-embeds", "--served-model-name", "blackbox", "writer")


def test_vllm_writer_gives_the_texts_of_the_local_writer(writer_url):
    local, served = HuggingFaceModel(WRITER), ServedWriter(Vllm(), WRITER, url=writer_url)
    mean, deviation = local.embedding_statistics()
    noise = torch.randn(24, 5, local.hidden_size, generator=torch.Generator().manual_seed(0))
    soft = mean + deviation * noise
    order = {"before": "Input: cat\nOutput: dog\nThe instruction was to", "after": ""}
    options = {**order, "max_new_tokens": 24, "special_tokens": True}
    texts = local.generate(soft, **options)
    assert len(set(texts)) > 6
    assert served.generate(soft, **options) == texts
    assert served.generate(None, **options) == local.generate(None, **options)


@pytest.mark.parametrize("method", ["instructzero", "paper"])
def test_run_on_vllm_gives_the_journal_of_the_local_run(method, writer_url, blackbox_url, tmp_path):
    settings = {"method": method, "evaluations": 20, "batch": 5, "initial": 10, "validation": 20, "test": 50}
    remote = {"writer": f"vllm:{WRITER}", "writer_url": writer_url}
    answering = {"blackbox": "openai:blackbox", "base_url": f"{blackbox_url}/v1"}
    instructzero.optimize("antonyms", directory=tmp_path / "local", **settings)
    instructzero.optimize("antonyms", directory=tmp_path / "served", **settings, **remote, **answering)
    journals = [(tmp_path / name / "journal.jsonl").read_text().splitlines() for name in ("local", "served")]
    heads = [json.loads(journal[0]) for journal in journals]
    for head in heads:
        del head["writer"], head["black box"], head["check"]
    assert heads[0] == heads[1]
    assert journals[0][1:] == journals[1][1:]


def test_vllm_without_embeddings_and_vllm_with_other_weights_raise_different_errors(served, blackbox_url):
    for url, message in [
        (served("writer"), "start it with --enable-prompt-embeds"),
        (blackbox_url, "expected the weights of .* of hidden size 256, .* got others"),
    ]:
        writer = ServedWriter(Vllm(), WRITER, url=url)
        with pytest.raises(ModelError, match=message) as caught:
            writer.generate(torch.zeros(1, 2, 256), "a", "b", max_new_tokens=4, special_tokens=True)
        assert re.fullmatch(r"expected .*", str(caught.value))
