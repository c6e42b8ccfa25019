"""The section with the messages as sent: they are what a server received, and hostile texts stay text."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

import instructzero
from instructzero.models.scripted import ScriptedWriter
from instructzero.report.messages import messages, messages_of
from instructzero.report.source import Source, read_source
from instructzero.testing import Endpoint
from tests.report.conftest import NASTY, WORDS, embedded

PROMPT = "system:\nBe brief. {instruction}\n\n{examples}\nuser:\nWord: {input}"


def reversed_word(prompt: str) -> str:
    return prompt.rpartition("Word: ")[2][::-1] if "reverse" in prompt else "no"


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> tuple[Source, list[dict]]:
    """A run against a server, and the bodies of the requests that the server received."""
    directory = tmp_path_factory.mktemp("asked") / "run"
    rows = directory.with_name("words.jsonl")
    rows.write_text("".join(json.dumps({"input": word, "output": word[::-1]}) + "\n" for word in WORDS))
    with Endpoint(reversed_word) as endpoint:
        instructzero.optimize(
            rows,
            writer=ScriptedWriter(),
            blackbox="openai:demo",
            base_url=endpoint.base_url,
            prompt=PROMPT,
            shots=2,
            extra_body={"top_p": 0.5},
            answer_tokens=33,
            evaluations=6,
            initial=4,
            batch=2,
            test=6,
            validation=4,
            confirmation=0,
            directory=directory,
        )
        bodies = list(endpoint.bodies)
    return read_source(directory), bodies


def test_request_is_one_that_the_server_received(asked: tuple[Source, list[dict]]) -> None:
    source, bodies = asked
    found = messages_of(source)
    request = json.loads(found["request"])
    assert request in bodies
    assert request["messages"] == found["messages"]
    assert [message["role"] for message in found["messages"]] == ["system", "user"]
    assert source.task is not None
    assert found["messages"][1]["content"] == f"Word: {source.task.test[0].input}"
    assert all(shot.input in found["messages"][0]["content"] for shot in source.task.exemplars[:2])
    assert (found["parameters"]["maximum tokens"], found["parameters"]["temperature"]) == (33, 0.0)
    assert found["example"]["part"] == "test"
    assert found["example"]["answer"] == source.history.tests[str(source.best)].predictions[0]


def test_running_search_shows_a_validation_example(asked: tuple[Source, list[dict]]) -> None:
    source, _ = asked
    found = messages_of(replace(source, result=None))
    assert source.task is not None
    assert found["example"]["part"] == "validation"
    assert source.task.validation[0].input in found["messages"][1]["content"]


def test_section_has_messages_parameters_and_request(asked: tuple[Source, list[dict]]) -> None:
    source, _ = asked
    page = messages({"messages": messages_of(source)})
    assert "the best instruction with the first test example, after 2 exemplars." in page
    assert page.count("<button") == 3
    assert "&quot;top_p&quot;: 0.5" in page


def test_lost_examples_leave_the_names_of_the_fields(asked: tuple[Source, list[dict]]) -> None:
    source, _ = asked
    found = messages_of(replace(source, task=None))
    assert not found["filled"]
    assert found["messages"][1]["content"] == "Word: {input}"
    assert "The examples are not available" in messages({"messages": found})


def test_object_has_no_request_and_hostile_texts_stay_text(hostile: Path) -> None:
    found = embedded(hostile / "report.html")["messages"]
    assert found["request"] is None
    assert any(nasty in found["messages"][0]["content"] for nasty in NASTY)
    page = messages({"messages": found})
    assert "<script" not in page
    assert "<img" not in page
