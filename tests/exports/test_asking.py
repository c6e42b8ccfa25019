"""The prompt of an export is that of the search."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from instructzero.api import run_settings
from instructzero.build import build_task
from instructzero.calls.store import CallStore
from instructzero.config import make_settings
from instructzero.errors import ConfigurationError
from instructzero.exports.access import Access
from instructzero.exports.asking import Asking
from instructzero.exports.prompt import Prompt
from instructzero.finished_run import FinishedRun
from instructzero.prompts import DEFAULT
from instructzero.records.observers import Observer
from instructzero.types import Example
from tests.run_directories import OPENAI, write_run

TEXTS = st.text(st.sampled_from("ab#<>{}[]\n\0'\"\\") | st.characters(), max_size=12)
EXEMPLARS = st.lists(st.builds(Example, TEXTS, st.lists(TEXTS, min_size=1, max_size=2).map(tuple)), max_size=3)


@given(EXEMPLARS, TEXTS, TEXTS)
def test_prompt_renders_as_the_template_does(exemplars: list[Example], instruction: str, question: str) -> None:
    (message,) = DEFAULT.render(instruction, Example(question, ("",)), exemplars)
    assert Prompt.of(exemplars).render(instruction, question) == message.content


def test_asking_has_the_exemplars_of_the_run(scripted: dict[str, object], tmp_path: Path) -> None:
    settings = make_settings({**scripted, "shots": 2, "evaluations": 4})
    run_settings(settings, tmp_path / "run", Observer())
    run = FinishedRun.read(tmp_path / "run")
    asking = Asking.of(run)
    with CallStore(tmp_path / "run" / "calls.sqlite") as store:
        asked = {call.request.messages[0].content for call in store.export()}
    inputs = {example.input for example in build_task(settings).test}
    assert len(asking.shots) == 2
    assert {asking.prompt.render(asking.instruction, text) for text in inputs} <= asked


def test_asking_without_the_exemplars_raises_error(tmp_path: Path, task_file: Path) -> None:
    for name, task in (("gone", "nowhere.jsonl"), ("other", str(task_file))):
        run = FinishedRun.read(write_run(tmp_path / name, shots=1, task=task))
        with pytest.raises(
            ConfigurationError, match=r"expected the exemplars of the prompt of .* does not contain them any more"
        ):
            Asking.of(run)


@pytest.mark.parametrize(
    ("blackbox", "identity", "kind", "model", "limit", "official"),
    [
        ("openai:gpt-4o-mini", OPENAI, "openai", "gpt-4o-mini", "max_completion_tokens", True),
        ("openai:m", {**OPENAI, "endpoint": "http://h/v1"}, "openai", "m", "max_tokens", False),
        ("openai:m", {**OPENAI, "template": "completion"}, "openai", "m", "max_tokens", True),
        ("anthropic:c", {"endpoint": "https://api.anthropic.com"}, "anthropic", "c", "max_tokens", True),
        ("object:Mine", {"backend": "mine"}, "object", "", "max_tokens", False),
    ],
)
def test_asking_has_the_model_of_the_run(
    tmp_path: Path, blackbox: str, identity: dict[str, str], kind: str, model: str, limit: str, official: bool
) -> None:
    path = write_run(tmp_path, blackbox=blackbox, header={"black box": identity})
    asking = Asking.of(FinishedRun.read(path))
    assert (asking.kind, asking.model, asking.limit, asking.official) == (kind, model, limit, official)


def test_asking_keeps_hub_commit_but_not_folder_fingerprint(tmp_path: Path) -> None:
    for revision, kept in (("a" * 40, "a" * 40), ("b" * 16, ""), ("main", "")):
        header = {"black box": {"backend": "huggingface", "revision": revision, "template": "chat"}}
        path = write_run(tmp_path / revision, blackbox="hf:org/model", header=header)
        assert Asking.of(FinishedRun.read(path)).revision == kept


def test_asking_has_the_base_model_of_an_adapter(tmp_path: Path) -> None:
    base = {"base": "org/base", "base_revision": "b" * 40}
    header = {"black box": {"backend": "huggingface", "revision": "a" * 40, "template": "chat", **base}}
    asking = Asking.of(FinishedRun.read(write_run(tmp_path, blackbox="hf:org/adapter", header=header)))
    assert (asking.base, asking.base_revision, asking.revision) == ("org/base", "b" * 40, "a" * 40)


def test_asking_has_the_access_of_the_run(tmp_path: Path) -> None:
    address = "http://h/openai/deployments/d?api-version=2024-10-21"
    settings = {"base_url": address, "key_env": "LOCAL_KEY", "extra_body": {"top_p": 0.5}}
    identity = {**OPENAI, "endpoint": "http://h/openai/deployments/d"}
    path = write_run(tmp_path, blackbox="openai:m", header={"black box": identity}, **settings)
    access = Asking.of(FinishedRun.read(path)).access
    assert access == Access(
        variable="LOCAL_KEY",
        named=True,
        in_header=True,
        query=(("api-version", "2024-10-21"),),
        extra_body={"top_p": 0.5},
    )


@pytest.mark.parametrize(
    ("kind", "header", "own"),
    [
        ("openai", "Authorization: Bearer env:GATE", True),
        ("openai", "x-api-key: env:GATE", False),
        ("anthropic", "x-api-key: env:GATE", True),
    ],
)
def test_header_in_the_place_of_the_key_is_known(kind: str, header: str, own: bool) -> None:
    access = Access.of(make_settings({"task": "sum", "header": [header]}), kind, "https://mine.openai.azure.com/v1")
    assert (access.own_key, access.in_header) == (own, kind == "openai" and not own)
    assert access.headers[0].variable == "GATE"
