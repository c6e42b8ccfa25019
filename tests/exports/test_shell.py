"""The curl command: quoted correctly for any texts of a run, and answered by a server."""

from __future__ import annotations

import json
import shlex
import shutil
import subprocess

import pytest
from hypothesis import assume, given

from instructzero.errors import ConfigurationError
from instructzero.exports.access import Access, Header
from instructzero.exports.asking import Asking
from instructzero.exports.shell import PLACE, curl
from instructzero.testing.endpoint import Endpoint
from instructzero.types import Example
from tests.exports.askings import ASKINGS, MAIL, make_asking

needs_curl = pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")


@given(ASKINGS)
def test_curl_with_hostile_texts_is_parsed_by_a_shell(asking: Asking) -> None:
    assume(asking.kind in ("openai", "anthropic"))
    words = shlex.split(curl(asking), comments=True)
    assert words[:2] == ["curl", "-sS"]
    assert words[2].startswith(asking.endpoint)
    body = json.loads(words[words.index("-d") + 1])
    asked = body["messages"][0]["content"] if asking.chat else body["prompt"]
    assert asked == asking.prompt.render(asking.instruction, PLACE)
    assert (body["model"], body[asking.limit], body["temperature"]) == (asking.model, 64, asking.temperature)


@needs_curl
@pytest.mark.parametrize("chat", [True, False])
@pytest.mark.parametrize("instruction", ['It\'s "$HOME" `id` $(id) \\ \n!; é', "' -d @/etc/passwd '", "%s\0\r"])
def test_curl_in_a_real_shell_sends_the_prompt(instruction: str, chat: bool) -> None:
    with Endpoint(str.upper) as endpoint:
        shots = (Example("o'clock", ("time",)),)
        asking = make_asking(
            endpoint=endpoint.base_url, official=False, instruction=instruction, chat=chat, shots=shots
        )
        done = subprocess.run(
            ["sh", "-c", curl(asking)], capture_output=True, check=True, env={"PATH": "/usr/bin:/bin"}
        )
        asked = asking.prompt.render(instruction, PLACE)
        assert list(endpoint.received) == [asked]
        choice = json.loads(done.stdout)["choices"][0]
        assert (choice["message"]["content"] if chat else choice["text"]) == asked.upper()


@needs_curl
@pytest.mark.parametrize("kind", ["openai", "anthropic"])
def test_curl_of_a_template_sends_its_messages(kind: str) -> None:
    with Endpoint(str.upper) as endpoint:
        address = endpoint.base_url if kind == "openai" else endpoint.root
        asking = make_asking(kind=kind, endpoint=address, official=False, template=MAIL)
        command = curl(asking)
        subprocess.run(["sh", "-c", command], capture_output=True, check=True, env={"PATH": "/usr/bin:/bin"})
        places = {"subject": "YOUR SUBJECT", "e-mail text": "YOUR E-MAIL TEXT"}
        assert list(endpoint.received) == [asking.prompt.render(asking.instruction, places)]
    assert "Replace each YOUR ..." in command


@needs_curl
def test_curl_comment_explains_how_to_write_an_apostrophe() -> None:
    with Endpoint(str.upper) as endpoint:
        asking = make_asking(kind="anthropic", endpoint=endpoint.root, official=False)
        command = curl(asking).replace(f"Input: {PLACE}", r"Input: it\u0027s \"so\"\n")
        subprocess.run(["sh", "-c", command], capture_output=True, check=True, env={"PATH": "/usr/bin:/bin"})
        assert list(endpoint.received) == [asking.prompt.render(asking.instruction, 'it\'s "so"\n')]


def test_curl_reads_the_key_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    command = curl(make_asking())
    assert '"Authorization: Bearer $OPENAI_API_KEY"' in command
    assert "sk-secret" not in command
    assert '"x-api-key: $ANTHROPIC_API_KEY"' in curl(make_asking(kind="anthropic"))


@pytest.mark.parametrize("kind", ["hf", "embedded", "python", "scripted", "object"])
def test_curl_of_model_without_api_raises_error(kind: str) -> None:
    with pytest.raises(ConfigurationError, match=f"behind an API for the format curl, got one of the kind '{kind}'"):
        curl(make_asking(kind=kind))


@needs_curl
@pytest.mark.parametrize("in_header", [True, False])
def test_curl_sends_headers_fields_and_query_of_the_run(in_header: bool) -> None:
    access = Access(
        variable="LOCAL_KEY",
        named=True,
        in_header=in_header,
        headers=(Header("X-Note", 'it\'s "$HOME"'), Header("X-Gate", "Token ", "GATE")),
        query=(("api-version", "2024-10-21"),),
        extra_body={"top_p": 0.5},
    )
    with Endpoint(str.upper) as endpoint:
        command = curl(make_asking(endpoint=endpoint.base_url, official=False, access=access))
        environment = {"PATH": "/usr/bin:/bin", "LOCAL_KEY": "local-secret", "GATE": "gate-secret"}
        subprocess.run(["sh", "-c", command], capture_output=True, check=True, env=environment)
        (head,), (body,) = endpoint.heads, endpoint.bodies
    assert "secret" not in command
    assert head.target == "/v1/chat/completions?api-version=2024-10-21"
    assert (head.headers["x-note"], head.headers["x-gate"]) == ('it\'s "$HOME"', "Token gate-secret")
    key = {"api-key": "local-secret"} if in_header else {"authorization": "Bearer local-secret"}
    assert {name: head.headers[name] for name in ("api-key", "authorization") if name in head.headers} == key
    assert body["top_p"] == 0.5
