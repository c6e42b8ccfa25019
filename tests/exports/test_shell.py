"""The curl command: quoted whatever the run holds, and answered by a server."""

from __future__ import annotations

import json
import shlex
import shutil
import subprocess

import pytest
from hypothesis import assume, given

from instructzero.errors import ConfigurationError
from instructzero.exports.asking import Asking
from instructzero.exports.shell import PLACE, curl
from instructzero.testing.endpoint import Endpoint
from instructzero.types import Example
from tests.exports.askings import ASKINGS, asking

needs_curl = pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")


@given(ASKINGS)
def test_a_shell_reads_back_what_the_run_asked(each: Asking) -> None:
    assume(each.kind in ("openai", "anthropic"))
    words = shlex.split(curl(each), comments=True)
    assert words[:2] == ["curl", "-sS"]
    assert words[2].startswith(each.endpoint)
    body = json.loads(words[words.index("-d") + 1])
    asked = body["messages"][0]["content"] if each.chat else body["prompt"]
    assert asked == each.prompt.render(each.instruction, PLACE)
    assert (body["model"], body[each.limit], body["temperature"]) == (each.model, 64, each.temperature)


@needs_curl
@pytest.mark.parametrize("chat", [True, False])
@pytest.mark.parametrize("instruction", ['It\'s "$HOME" `id` $(id) \\ \n!; é', "' -d @/etc/passwd '", "%s\0\r"])
def test_a_real_shell_sends_it_to_a_server(instruction: str, chat: bool) -> None:
    with Endpoint(str.upper) as endpoint:
        shots = (Example("o'clock", ("time",)),)
        each = asking(endpoint=endpoint.base_url, official=False, instruction=instruction, chat=chat, shots=shots)
        done = subprocess.run(["sh", "-c", curl(each)], capture_output=True, check=True, env={"PATH": "/usr/bin:/bin"})
        asked = each.prompt.render(instruction, PLACE)
        assert list(endpoint.received) == [asked]
        choice = json.loads(done.stdout)["choices"][0]
        assert (choice["message"]["content"] if chat else choice["text"]) == asked.upper()


@needs_curl
def test_an_input_with_an_apostrophe_is_written_as_the_comment_says() -> None:
    with Endpoint(str.upper) as endpoint:
        each = asking(kind="anthropic", endpoint=endpoint.root, official=False)
        command = curl(each).replace(f"Input: {PLACE}", r"Input: it\u0027s \"so\"\n")
        subprocess.run(["sh", "-c", command], capture_output=True, check=True, env={"PATH": "/usr/bin:/bin"})
        assert list(endpoint.received) == [each.prompt.render(each.instruction, 'it\'s "so"\n')]


def test_the_key_stays_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    command = curl(asking())
    assert '"Authorization: Bearer $OPENAI_API_KEY"' in command
    assert "sk-secret" not in command
    assert '"x-api-key: $ANTHROPIC_API_KEY"' in curl(asking(kind="anthropic"))


@pytest.mark.parametrize("kind", ["hf", "embedded", "python", "scripted", "object"])
def test_a_model_without_an_address_has_no_command(kind: str) -> None:
    with pytest.raises(ConfigurationError, match=f"behind an API for the format curl, got one of the kind '{kind}'"):
        curl(asking(kind=kind))
