from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable

import pytest

from instructzero.errors import EndpointError, ModelError
from instructzero.models.exchange import Exchange, together
from instructzero.models.service import Reply, Service
from instructzero.models.throttle import Throttle
from instructzero.testing import Endpoint, Fault, Faults
from instructzero.types import Completion


def use(
    endpoint: Endpoint, ask: Callable[[Exchange], Awaitable[list[str]]], *, concurrency: int = 2, retries: int = 0
) -> list[str]:
    async def main() -> list[str]:
        service = Service(endpoint.base_url, "any", "ANY_KEY", "", timeout=5)
        exchange = Exchange(service, throttle=Throttle(concurrency), retries=retries)
        try:
            return await ask(exchange)
        finally:
            await exchange.close()

    return asyncio.run(main())


def read(reply: Reply) -> Completion:
    if reply.status != 200:
        raise ModelError(f"status {reply.status}")
    return Completion(json.loads(reply.body)["choices"][0]["text"])


def body(prompt: str) -> bytes:
    return json.dumps({"prompt": prompt}).encode()


def test_together_returns_answers_in_order_with_limited_concurrency() -> None:
    async def ask(exchange: Exchange) -> list[str]:
        prompts = [f"p{index}" for index in range(7)]
        posts = (exchange.post("/completions", lambda p=prompt: body(p), read) for prompt in prompts)
        return [answer.text for answer in await together(posts)]

    with Endpoint(str.upper, latency=0.01) as endpoint:
        assert use(endpoint, ask) == [f"P{index}" for index in range(7)]
        assert endpoint.most_in_flight == 2


def test_post_makes_the_body_when_it_is_sent() -> None:
    made: list[str] = []

    async def ask(exchange: Exchange) -> list[str]:
        def make(prompt: str) -> bytes:
            made.append(prompt)
            return body(prompt)

        posts = (exchange.post("/completions", lambda p=prompt: make(p), read) for prompt in "abc")
        tasks = asyncio.ensure_future(together(posts))
        while not made:
            await asyncio.sleep(0)
        assert made == ["a"]
        return [answer.text for answer in await tasks]

    with Endpoint(str.upper, latency=0.01) as endpoint:
        assert use(endpoint, ask, concurrency=1) == ["A", "B", "C"]


@pytest.mark.parametrize(("retries", "tries"), [(0, 1), (1, 2)])
def test_post_over_a_broken_connection_is_tried_retries_plus_one_times(retries: int, tries: int) -> None:
    async def ask(exchange: Exchange) -> list[str]:
        await exchange.post("/completions", lambda: body("ping"), read)
        return []

    with Endpoint(str.upper, faults=Faults({Fault.RESET_UNREAD: 1.0})) as endpoint:
        with pytest.raises(EndpointError, match="the connection broke"):
            use(endpoint, ask, retries=retries)
        assert endpoint.received["ping"] == tries


def test_together_cancels_the_others_at_the_first_failure() -> None:
    async def ask(exchange: Exchange) -> list[str]:
        slow = exchange.post("/completions", lambda: body("slow"), read)
        wrong = exchange.post("/nowhere", lambda: body("wrong"), read)
        with pytest.raises(ModelError, match="status 404"):
            await together([slow, wrong])
        return [str(len(asyncio.all_tasks()))]

    with Endpoint(str.upper, latency=0.3) as endpoint:
        assert use(endpoint, ask) == ["1"]
        assert endpoint.billed.total() == 0


def test_post_sends_a_body_of_megabytes_completely() -> None:
    prompt = "x" * 3_000_000

    async def ask(exchange: Exchange) -> list[str]:
        return [(await exchange.post("/completions", lambda: body(prompt), read)).text]

    with Endpoint(lambda text: str(len(text))) as endpoint:
        assert use(endpoint, ask) == ["3000000"]


def test_late_answer_is_kept_and_one_after_twice_the_timeout_is_not() -> None:
    async def main(latency: float) -> tuple[str, int]:
        with Endpoint(str.upper, latency=latency) as endpoint:
            service = Service(endpoint.base_url, "any", "ANY_KEY", "", timeout=0.2)
            exchange = Exchange(service, throttle=Throttle(2, timeout=service.timeout), retries=0)
            try:
                return (await exchange.post("/completions", lambda: body("ping"), read)).text, endpoint.received.total()
            finally:
                await exchange.close()

    assert asyncio.run(main(0.25)) == ("PING", 1)
    with pytest.raises(EndpointError, match=r"no answer within 0\.4 s, twice the timeout of 0\.2 s"):
        asyncio.run(main(1.0))
