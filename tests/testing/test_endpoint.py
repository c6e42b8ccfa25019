"""The test endpoint: its interfaces, its counts and its simulated faults."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import httpx2
import pytest

from instructzero.calls.asker import Asker
from instructzero.errors import TransientError
from instructzero.models.openai import OpenAIBlackBox
from instructzero.models.throttle import Throttle
from instructzero.testing import Endpoint, Fault, Faults, Reply
from instructzero.types import Completion, Message, Request, Usage


def request(text: str) -> Request:
    return Request((Message("user", text),))


def ask(endpoint: Endpoint, *texts: str, timeout: float = 30.0) -> list[Completion]:
    """Send one request per text, all at once."""

    async def run() -> list[Completion]:
        box = OpenAIBlackBox("m", base_url=endpoint.base_url, timeout=timeout)
        try:
            return list(await asyncio.gather(*(box.complete(request(text)) for text in texts)))
        finally:
            await box.close()

    return asyncio.run(run())


def send(url: str, body: Any) -> httpx2.Response:
    return httpx2.post(url, json=body, headers={"connection": "close"})


def test_chat_request_answers_joined_messages() -> None:
    with Endpoint(str.upper) as endpoint:
        messages = [{"role": "system", "content": "be brief"}, {"role": "user", "content": "ping"}]
        data = send(f"{endpoint.base_url}/chat/completions", {"messages": messages}).json()
    assert data["choices"][0]["message"] == {"role": "assistant", "content": "BE BRIEF\n\nPING"}
    assert data["usage"] == {"prompt_tokens": 3, "completion_tokens": 3, "total_tokens": 6}


def test_completion_request_answers_prompt() -> None:
    with Endpoint(str.upper) as endpoint:
        data = send(f"{endpoint.base_url}/completions", {"prompt": "ping “pong”"}).json()
    assert data["choices"][0]["text"] == "PING “PONG”"


def test_anthropic_request_answers_joined_messages() -> None:
    with Endpoint(str.upper) as endpoint:
        body = {"system": "be brief", "messages": [{"role": "user", "content": "ping"}]}
        data = send(f"{endpoint.root}/v1/messages", body).json()
    assert data["content"] == [{"type": "text", "text": "BE BRIEF\n\nPING"}]
    assert data["usage"] == {"input_tokens": 3, "output_tokens": 3}


@pytest.mark.parametrize(("path", "body"), [("/v1/models", {"prompt": "x"}), ("/v1/chat/completions", [])])
def test_malformed_request_gives_404(path: str, body: Any) -> None:
    with Endpoint(str.upper) as endpoint:
        response = send(endpoint.root + path, body)
    assert response.status_code == 404
    assert "error" in response.json()
    assert not endpoint.received


def test_endpoint_counts_requests_and_billed_answers() -> None:
    with Endpoint(str.upper) as endpoint:
        assert [answer.text for answer in ask(endpoint, "a b", "c", "c")] == ["A B", "C", "C"]
    assert endpoint.received == endpoint.billed == {"a b": 1, "c": 2}
    assert endpoint.usage == Usage(3, 4, 4)
    assert (endpoint.in_flight, endpoint.failed.total()) == (0, 0)


def test_endpoint_counts_concurrent_requests() -> None:
    with Endpoint(str.upper, latency=0.1) as endpoint:
        ask(endpoint, *map(str, range(20)))
    assert endpoint.most_in_flight == 20


def test_split_and_pipelined_requests_are_answered() -> None:
    body = json.dumps({"prompt": "ping"}).encode()
    whole = b"POST /v1/completions HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)

    async def talk(port: int) -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for piece in (whole[:30], whole[30:-3], whole[-3:] + whole):
            writer.write(piece)
            await asyncio.sleep(0.01)
        received = b""
        while received.count(b"PING") < 2:
            received += await reader.read(4096)
        writer.close()
        return received

    with Endpoint(str.upper, latency=0.01) as endpoint:
        received = asyncio.run(talk(int(endpoint.root.rpartition(":")[2])))
    assert received.count(b"HTTP/1.1 200 OK") == 2
    assert endpoint.received == {"ping": 2}


BILLED_PERHAPS = (
    *(Fault.RESET_UNREAD, Fault.RESET_MIDWAY, Fault.EMPTY, Fault.HTML),
    *(Fault.CUT_JSON, Fault.WRONG_TYPES, Fault.HANG),
)


@pytest.mark.parametrize("fault", [fault for fault in Fault if fault is not Fault.DELAY])
def test_faults_are_transient_and_not_billed(fault: Fault) -> None:
    with Endpoint(str.upper, faults=Faults({fault: 1.0}, retry_after=3.0)) as endpoint:
        with pytest.raises(TransientError) as caught:
            ask(endpoint, "ping", timeout=0.2 if fault is Fault.HANG else 30.0)
        assert endpoint.failed == {fault: 1}
        assert endpoint.received == {"ping": 1}
        assert not endpoint.billed
    assert caught.value.maybe_paid == (fault in BILLED_PERHAPS)
    assert caught.value.throttled == (fault in (Fault.THROTTLED, Fault.THROTTLED_SILENTLY))
    assert caught.value.retry_after == (3.0 if fault is Fault.THROTTLED else None)


def test_delayed_answer_is_billed() -> None:
    with Endpoint(str.upper, faults=Faults({Fault.DELAY: 1.0}, delay=0.01)) as endpoint:
        assert ask(endpoint, "ping")[0].text == "PING"
    assert endpoint.billed == {"ping": 1}


def test_asker_gets_all_answers_billed_once_despite_faults() -> None:
    """A third of the requests fail; with retries, every answer arrives and is billed once."""
    rates = dict.fromkeys(sorted(set(Fault) - {Fault.HANG}), 0.03)  # without requests that hang, which are only slow
    faults = Faults(rates, seed=3, delay=0.01, retry_after=0.01)
    texts = [f"question {number}" for number in range(60)]

    async def run(base_url: str) -> list[Completion]:
        box = OpenAIBlackBox("m", base_url=base_url)
        asker = Asker(box, retries=6, throttle=Throttle(16))
        try:
            return list(await asyncio.gather(*(asker.ask(request(text)) for text in texts)))
        finally:
            await asker.close()

    with Endpoint(str.upper, faults=faults) as endpoint:
        answers = asyncio.run(run(endpoint.base_url))
    assert [answer.text for answer in answers] == [text.upper() for text in texts]
    assert endpoint.billed == dict.fromkeys(texts, 1)
    assert endpoint.most_in_flight <= 16
    tries = endpoint.received.total()
    assert tries == 60 + endpoint.failed.total() - endpoint.failed[Fault.DELAY]
    assert len(endpoint.failed) >= 6


def test_reply_of_the_script_is_sent_as_it_is() -> None:
    replies = {"a": Reply.refusal("too long", status=413), "b": Reply.chat("x", "length")}
    with Endpoint(lambda prompt: replies[prompt]) as endpoint:
        refused, cut = (send(f"{endpoint.base_url}/completions", {"prompt": prompt}) for prompt in "ab")
    assert (refused.status_code, refused.json()["error"]["message"]) == (413, "too long")
    assert cut.json()["choices"][0]["finish_reason"] == "length"
    assert endpoint.billed == {"b": 1}


def test_heads_are_recorded_with_query_and_path_of_a_deployment_is_answered() -> None:
    with Endpoint(str.upper) as endpoint:
        url = f"{endpoint.root}/openai/deployments/d/chat/completions?api-version=1"
        messages = [{"role": "user", "content": "ping"}]
        data = httpx2.post(url, json={"messages": messages}, headers={"X-Team": "search"}).json()
    assert data["choices"][0]["message"]["content"] == "PING"
    (head,) = endpoint.heads
    assert head.target == "/openai/deployments/d/chat/completions?api-version=1"
    assert head.headers["x-team"] == "search"
