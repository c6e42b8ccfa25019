"""The rate at which instructions are evaluated at an API; `python -m benchmarks.evaluate`.

`instructzero.testing.Endpoint` answers after 50 ms, in a separate process. "Ours" is the complete path: questions,
keys, call store on disk, budget with limits, retries, throttle, client, scores, and a journal with one record for every
instruction. It is compared with three references: the ideal rate, concurrency / latency; the published procedure, which
sends the 20 examples of one instruction at once, over a new connection each, and waits for all of them before the next
instruction; and a load generator, which only sends prepared requests and reads the replies from the stream. Rounds of
the load generator and of ours alternate.

`python -m benchmarks.evaluate --memory` makes 100,000 calls and shows the memory of the process meanwhile.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import os
import resource
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import count
from multiprocessing.connection import Connection
from pathlib import Path
from urllib.parse import urlsplit

from benchmarks.machine import describe
from instructzero.calls.budget import Budget
from instructzero.calls.limits import Limits
from instructzero.calls.paid import PaidModels
from instructzero.calls.prices import Price
from instructzero.calls.store import BLACK_BOX, CallStore
from instructzero.models.openai import OpenAIBlackBox
from instructzero.prompts import DEFAULT, renderer, zero_shot
from instructzero.records.journal import Journal
from instructzero.scoring.evaluator import Evaluator
from instructzero.scoring.scorers import MetricScorer
from instructzero.testing import Endpoint
from instructzero.types import Example

LATENCY_S = 0.05
EXAMPLES = [Example(f"word {number}", ("answer",)) for number in range(20)]
BATCH, INSTRUCTIONS, CONCURRENCY = 20, 25, 64
MANY_INSTRUCTIONS, MANY = 250, 1000
LONG_ROUNDS = 20
HEADER = """\
| | concurrency | calls | calls/s | of the ideal | of the raw rate | client's CPU a call |
|---|---|---|---|---|---|---|"""


@dataclass(frozen=True)
class Row:
    """One measurement: ``calls`` in ``seconds``, with ``cpu`` seconds of processor time in this process."""

    name: str
    concurrency: int
    calls: int
    seconds: float
    cpu: float

    @property
    def rate(self) -> float:
        """Calls per second."""
        return self.calls / self.seconds

    def line(self, raw: Row) -> str:
        """Return the Markdown row, relative to the load generator's row ``raw``."""
        ideal = self.concurrency / LATENCY_S
        cells = (f"{self.calls:,}", f"{self.rate:,.0f}", f"{self.rate / ideal:.0%}", f"{self.rate / raw.rate:.0%}")
        return f"| {self.name} | {self.concurrency:,} | {' | '.join(cells)} | {self.cpu / self.calls * 1e6:.0f} µs |"


def serve(pipe: Connection) -> None:
    """Run an endpoint until the other side of ``pipe`` sends a message; then send its processor time per request."""
    with Endpoint(lambda prompt: "answer", latency=LATENCY_S) as endpoint:
        pipe.send(endpoint.base_url)
        pipe.recv()
        used = resource.getrusage(resource.RUSAGE_SELF)
        pipe.send((used.ru_utime + used.ru_stime) / max(1, endpoint.received.total()))


@contextmanager
def endpoint() -> Iterator[str]:
    """Run an endpoint in another process and yield its address."""
    context = multiprocessing.get_context("spawn")
    ours, its = context.Pipe()
    process = context.Process(target=serve, args=(its,))
    process.start()
    try:
        yield ours.recv()
        ours.send("stop")
        ours.recv()
    finally:
        process.join(5)
        process.kill()


def timed(name: str, concurrency: int, calls: int, work: Callable[[], object]) -> Row:
    """Run ``work`` and return its measurement."""
    began, used = time.perf_counter(), time.process_time()
    work()
    return Row(name, concurrency, calls, time.perf_counter() - began, time.process_time() - used)


def middle(rows: Sequence[Row]) -> Row:
    """Return the row with the median time."""
    return sorted(rows, key=lambda row: row.seconds)[len(rows) // 2]


@contextmanager
def path(url: str, concurrency: int) -> Iterator[Callable[[int], None]]:
    """Yield a function that evaluates a number of new instructions by the complete path."""
    numbers = count()
    with tempfile.TemporaryDirectory() as folder, CallStore(Path(folder) / "calls.sqlite") as store:
        journal = Journal(Path(folder) / "journal.jsonl")
        journal.start({"task": "benchmark"})
        limits = Limits(calls=10**9, usd=10.0**9, tokens=10**12)
        budget = Budget(limits, prices={BLACK_BOX: Price(0.15, 0.6)})
        models = {BLACK_BOX: OpenAIBlackBox("m", base_url=url, concurrency=concurrency)}
        with PaidModels(models, store, budget=budget, retries=5, tolerant=True) as paid:
            role = paid.role(BLACK_BOX)
            evaluator = Evaluator(role, MetricScorer(lambda text, answers: 1.0), render=renderer(DEFAULT))

            def evaluate(instructions: int) -> None:
                texts = [f"instruction {next(numbers)}" for _ in range(instructions)]
                for evaluation in evaluator.evaluate(texts, EXAMPLES):
                    journal.add_confirmation("instruction", evaluation)

            yield evaluate


def compare(url: str, concurrency: int, instructions: int, rounds: int) -> tuple[Row, Row]:
    """Return the median row of the load generator and of ours, from rounds that alternate after one of warm-up."""
    with path(url, concurrency) as evaluate:
        evaluate(instructions)
        references, rows = [], []
        for _ in range(rounds):
            references.append(raw(url, concurrency, instructions))
            work = partial(evaluate, instructions)
            rows.append(timed("ours", concurrency, instructions * len(EXAMPLES), work))
    return middle(references), middle(rows)


def print_memory(url: str) -> None:
    """Make 100,000 calls and print the memory on the way."""
    with path(url, MANY) as evaluate:
        for number in range(LONG_ROUNDS):
            evaluate(MANY_INSTRUCTIONS)
            if number % 4 == 3 or not number:
                print(f"{(number + 1) * MANY_INSTRUCTIONS * len(EXAMPLES):,} calls: {memory_mb():.0f} MB", flush=True)


def prepared(instruction: str, text: str) -> bytes:
    """Return a request as bytes."""
    messages = [{"role": message.role, "content": message.content} for message in zero_shot(instruction, text)]
    body = json.dumps({"model": "m", "max_tokens": 256, "temperature": 0.0, "messages": messages}).encode()
    head = "POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
    return head.encode() + b"Content-Length: %d\r\n\r\n%b" % (len(body), body)


async def exchange(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes) -> bytes:
    """Send a request and return the body of the reply."""
    writer.write(request)
    head = await reader.readuntil(b"\r\n\r\n")
    length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
    return await reader.readexactly(length)


def raw(url: str, concurrency: int, instructions: int) -> Row:
    """Measure the load generator: as many requests as ``ours``, over ``concurrency`` persistent connections."""
    requests = [prepared(f"raw {index}", example.input) for index in range(instructions) for example in EXAMPLES]
    calls = len(requests)

    async def work() -> None:
        async def send() -> None:
            reader, writer = await asyncio.open_connection(*address(url))
            while requests:
                await exchange(reader, writer, requests.pop())
            writer.close()

        await asyncio.gather(*(send() for _ in range(concurrency)))

    return timed("raw", concurrency, calls, lambda: asyncio.run(work()))


def published(url: str, instructions: int, ask: Callable[[str, str, str], Awaitable[object]], name: str) -> Row:
    """Measure the published procedure: all examples of an instruction at once, with new clients, then a barrier."""

    async def work() -> None:
        for index in range(instructions):
            await asyncio.gather(*(ask(url, f"published {index}", example.input) for example in EXAMPLES))

    return timed(name, BATCH, instructions * len(EXAMPLES), lambda: asyncio.run(work()))


async def ask_bare(url: str, instruction: str, text: str) -> object:
    """Ask over a new connection, with as little work as possible."""
    reader, writer = await asyncio.open_connection(*address(url))
    reply = await exchange(reader, writer, prepared(instruction, text))
    writer.close()
    return json.loads(reply)["choices"][0]["message"]["content"]


async def ask_sdk(url: str, instruction: str, text: str) -> object:
    """Ask with a new client of OpenAI's SDK."""
    from openai import AsyncOpenAI

    async with AsyncOpenAI(base_url=url, api_key="none") as client:
        messages = [{"role": "user", "content": zero_shot(instruction, text)[0].content}]
        reply = await client.chat.completions.create(model="m", messages=messages, temperature=0.0)  # type: ignore[arg-type]
    return reply.choices[0].message.content


def address(url: str) -> tuple[str | None, int | None]:
    """Return host and port of a URL."""
    parts = urlsplit(url)
    return parts.hostname, parts.port


def memory_mb() -> float:
    """Return the resident memory of this process in MB."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


def main() -> None:
    """Parse the command line and run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="repetitions of a measurement; the median is reported")
    parser.add_argument("--memory", action="store_true", help="show the memory during 100,000 calls instead")
    options = parser.parse_args()
    print(f"{describe()}; endpoint with {LATENCY_S * 1000:.0f} ms latency in another process\n")
    with endpoint() as url:
        if options.memory:
            print_memory(url)
        else:
            print_rates(url, options.rounds)


def print_rates(url: str, rounds: int) -> None:
    """Print the table of rates, and what a call takes of the client's processor."""
    print(HEADER)
    compared = []
    for concurrency, instructions in ((CONCURRENCY, INSTRUCTIONS), (MANY, MANY_INSTRUCTIONS)):
        reference, own = compare(url, concurrency, instructions, rounds)
        compared.append((reference, own))
        print(reference.line(reference))
        print(own.line(reference), flush=True)
    floor, small = compared[0]
    slow = [
        middle([published(url, INSTRUCTIONS, ask_bare, "published, bare connections") for _ in range(rounds)]),
        published(url, INSTRUCTIONS // 5, ask_sdk, "published, a client of the SDK a call"),
    ]
    for row in slow:
        print(row.line(floor))
    ratios = " and ".join(f"{small.rate / row.rate:.1f} ({row.name})" for row in slow)
    print(f"\nours at {CONCURRENCY} against the published procedure: {ratios} times as fast")
    for reference, own in compared:
        ratio = (own.cpu / own.calls) / (reference.cpu / reference.calls)
        print(f"processor time a call at {own.concurrency:,}: {ratio:.1f} times the load generator's")
    print(f"median of {rounds} rounds; load of the machine during the benchmark: {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
