"""A small HTTP server on 127.0.0.1 with OpenAI's and Anthropic's batch APIs, whose batches end as a test wants it."""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from instructzero.testing.loopback import Loopback
from instructzero.testing.replies import Reply

_ERRORS = {400: "invalid_request_error", 429: "rate_limit_error", 529: "overloaded_error"}
_ONLINE = ("/v1/chat/completions", "/v1/messages")


@dataclass
class SentBatch:
    """A batch that the service has taken.

    Attributes
    ----------
    name
        The service's name.
    lines
        The requests, as they were sent.
    metadata
        What the client attached.
    end
        How it ends: "completed", "expired", "cancelled" or "failed".
    looks
        The looks at it so far.
    results
        The lines of its results, once it has ended.
    """

    name: str
    lines: list[dict[str, Any]]
    metadata: Mapping[str, str] = field(default_factory=dict)
    end: str = "completed"
    looks: int = 0
    results: list[bytes] | None = None
    created: float = field(default_factory=time.time)


class BatchService(Loopback):
    """Takes batches and answers every request in them with ``script(prompt)``; answers single requests, too.

    A batch goes on with every look at it, and ends with look number ``looks``. A prompt is the contents of the messages
    of a request, separated by blank lines; tokens are counted as words.

    Parameters
    ----------
    script
        The function from prompt to answer. It may also return a `Reply`, the refusal of one request.
    looks
        The looks at a batch after which it ends.
    port
        The port; 0 is any that is free.

    Attributes
    ----------
    ends
        How the next batches end; "completed" when it is empty.
    answered
        The share of the requests of an expired or cancelled batch that are answered.
    limit
        A batch of more requests fails because of too many enqueued tokens; None for no limit.
    held, held_from
        While ``held`` is True, no batch goes on but the first ``held_from`` ones.
    refusals
        Replies to the next requests, by method and the beginning of the path, such as ``"POST /v1/batches"``. A reply
        with status 0 closes the connection after the request was carried out.
    changed
        A function from the lines of results to other lines.
    batches
        The batches in the order in which they came.
    billed
        Answers with status 200, by prompt.
    single
        Requests outside of batches, by prompt.
    requests
        Methods and paths in the order in which they came.

    >>> service = BatchService(str.upper)
    >>> with service:
    ...     service.base_url.startswith("http://127.0.0.1:")
    True
    """

    def __init__(self, script: Callable[[str], str | Reply], *, looks: int = 2, port: int = 0) -> None:
        super().__init__("instructzero-batch-service")
        self.script = script
        self.looks = looks
        self.ends: deque[str] = deque()
        self.answered = 0.5
        self.limit: int | None = None
        self.held, self.held_from = False, 0
        self.refusals: dict[str, deque[Reply]] = {}
        self.changed: Callable[[list[bytes]], Iterable[bytes]] = list
        self.batches: list[SentBatch] = []
        self.billed: Counter[str] = Counter()
        self.single: Counter[str] = Counter()
        self.requests: list[str] = []
        self._files: dict[str, list[dict[str, Any]]] = {}
        self._asked_port = port

    @property
    def base_url(self) -> str:
        """The address for OpenAI's client; Anthropic's client takes ``root``."""
        return f"{self.root}/v1"

    async def _serve(self) -> None:
        server = await asyncio.start_server(self._talk, "127.0.0.1", self._asked_port, limit=2**26)
        self._listening(server.sockets[0].getsockname()[1])
        self._talks: set[asyncio.Task[Any]] = set()
        await self._stop.wait()
        server.close()
        for talk in list(self._talks):
            talk.cancel()
        await asyncio.gather(*self._talks, return_exceptions=True)

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._talks.add(task)
        try:
            while await self._exchange(reader, writer):
                pass
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            self._talks.discard(task)
            writer.close()

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Answer one request; return False if the connection is closed instead."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        length = re.search(r"content-length: *(\d+)", head, re.IGNORECASE)
        body = await reader.readexactly(int(length[1]) if length else 0)
        method, target = head.split(" ", 2)[:2]
        request = f"{method} {target}"
        self.requests.append(request)
        planned = next((replies for start, replies in self.refusals.items() if request.startswith(start)), None)
        refusal = planned.popleft() if planned else None
        reply = self._answer(method, target.partition("?")[0], body) if refusal is None or not refusal.status else b""
        if refusal is not None and not refusal.status:
            return False
        if refusal is not None:
            reply = refusal
        status, content = (
            (reply.line, json.dumps(reply.content).encode()) if isinstance(reply, Reply) else ("200 OK", reply)
        )
        writer.write(
            f"HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {len(content)}\r\n\r\n".encode()
        )
        writer.write(content)
        await writer.drain()
        return True

    def _answer(self, method: str, path: str, body: bytes) -> Reply | bytes:
        parts = path.removeprefix("/v1/").removesuffix("/").split("/")
        match method, *parts:
            case "POST", "files":
                return self._take_file(body)
            case "POST", "batches":
                return self._take_batch(json.loads(body))
            case "GET", "batches":
                return _json({"object": "list", "data": [self._seen(sent) for sent in self.batches], "has_more": False})
            case "GET", "batches", name:
                return self._look(name, self._seen)
            case "GET", "files", name, "content":
                return self._file(name)
            case "POST", "messages", "batches":
                sent = self._add(json.loads(body)["requests"], {})
                return _json(self._seen_by_anthropic(sent))
            case "GET", "messages", "batches":
                return _json({"data": [self._seen_by_anthropic(sent) for sent in self.batches], "has_more": False})
            case "GET", "messages", "batches", name:
                return self._look(name, self._seen_by_anthropic)
            case "GET", "messages", "batches", name, "results":
                found = self._found(name)
                return Reply({}, 404) if found is None or found.results is None else b"\n".join(found.results)
            case "POST", *_ if path in _ONLINE:
                return self._single(path, json.loads(body))
        return Reply({"error": {"message": "not found"}}, 404)

    def _single(self, path: str, body: dict[str, Any]) -> Reply:
        prompt = _prompt(body)
        self.single[prompt] += 1
        return self._completed(prompt, path == "/v1/messages")

    def _take_file(self, form: bytes) -> bytes:
        """Read an upload (RFC 7578)."""
        boundary = form.partition(b"\r\n")[0]
        contents = {}
        for part in form.split(boundary)[1:-1]:
            head, _, content = part.partition(b"\r\n\r\n")
            name = re.search(rb'name="(\w+)"', head)
            assert name is not None
            contents[name[1]] = content.removesuffix(b"\r\n")
        assert contents[b"purpose"] == b"batch"
        file = f"file-{len(self._files)}"
        self._files[file] = [json.loads(line) for line in contents[b"file"].splitlines()]
        return _json({"id": file, "object": "file", "purpose": "batch"})

    def _take_batch(self, asked: dict[str, Any]) -> bytes:
        lines = self._files[asked["input_file_id"]]
        assert all(line["url"] == asked["endpoint"] and line["method"] == "POST" for line in lines)
        return _json(self._seen(self._add(lines, asked.get("metadata", {}))))

    def _add(self, lines: list[dict[str, Any]], metadata: Mapping[str, str]) -> SentBatch:
        names = [line["custom_id"] for line in lines]
        assert len(set(names)) == len(names)
        assert all(re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", name) for name in names)
        end = self.ends.popleft() if self.ends else "completed"
        if self.limit is not None and len(lines) > self.limit:
            end = "failed"
        sent = SentBatch(f"batch_{len(self.batches)}", lines, metadata, end)
        self.batches.append(sent)
        return sent

    def _found(self, name: str) -> SentBatch | None:
        return next((sent for sent in self.batches if sent.name == name), None)

    def _look(self, name: str, seen: Callable[[SentBatch], dict[str, Any]]) -> Reply | bytes:
        sent = self._found(name)
        if sent is None:
            return Reply({"error": {"message": f"no batch {name}"}}, 404)
        if not self.held or self.batches.index(sent) < self.held_from:
            sent.looks += 1
        if sent.looks >= self.looks and sent.results is None:
            sent.results = list(self.changed(self._results(sent)))
        return _json(seen(sent))

    def _results(self, sent: SentBatch) -> list[bytes]:
        if sent.end == "failed":
            return []
        answered = len(sent.lines) if sent.end == "completed" else int(len(sent.lines) * self.answered)
        lines = [self._result(line) for line in sent.lines[:answered]]
        return lines + [_unanswered(line, sent.end) for line in sent.lines[answered:]]

    def _result(self, line: Mapping[str, Any]) -> bytes:
        name, is_anthropic = line["custom_id"], "params" in line
        reply = self._completed(_prompt(line["params"] if is_anthropic else line["body"]), is_anthropic)
        if not is_anthropic:
            response = {"status_code": reply.status, "request_id": "r", "body": reply.content}
            return _json({"id": "b", "custom_id": name, "response": response, "error": None})
        if reply.status == 200:
            return _json({"custom_id": name, "result": {"type": "succeeded", "message": reply.content}})
        error = {"type": _ERRORS.get(reply.status, "api_error"), "message": reply.content["error"]["message"]}
        return _json({"custom_id": name, "result": {"type": "errored", "error": {"type": "error", "error": error}}})

    def _completed(self, prompt: str, is_anthropic: bool) -> Reply:
        text = self.script(prompt)
        if isinstance(text, Reply):
            return text
        self.billed[prompt] += 1
        tokens = len(prompt.split()), len(text.split())
        if is_anthropic:
            usage = dict(zip(("input_tokens", "output_tokens"), tokens, strict=True))
            content = [{"type": "text", "text": text}]
            return Reply({"type": "message", "content": content, "stop_reason": "end_turn", "usage": usage})
        usage = dict(zip(("prompt_tokens", "completion_tokens"), tokens, strict=True))
        choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": text}}
        return Reply({"object": "chat.completion", "choices": [choice], "usage": usage})

    def _seen(self, sent: SentBatch) -> dict[str, Any]:
        """Return a batch in OpenAI's form; the results with errors are in a file of their own."""
        ended = sent.results is not None
        running = ("validating", "in_progress", "finalizing")[min(2, sent.looks)]
        seen: dict[str, Any] = {
            "id": sent.name,
            "object": "batch",
            "status": sent.end if ended else running,
            "metadata": sent.metadata,
            "created_at": int(sent.created),
            "request_counts": {"total": len(sent.lines), "completed": len(sent.lines) if ended else 0, "failed": 0},
            "output_file_id": f"{sent.name}-output" if sent.results else None,
            "error_file_id": f"{sent.name}-error" if sent.results else None,
        }
        if ended and sent.end == "failed":
            code = "token_limit_exceeded" if self.limit else "model_not_found"
            seen["errors"] = {
                "object": "list",
                "data": [{"code": code, "message": "the batch is refused", "line": None}],
            }
        return seen

    def _seen_by_anthropic(self, sent: SentBatch) -> dict[str, Any]:
        ended = sent.results is not None
        counts = dict.fromkeys(("processing", "succeeded", "errored", "canceled", "expired"), 0)
        counts["succeeded" if ended else "processing"] = len(sent.lines)
        return {
            "id": sent.name,
            "type": "message_batch",
            "processing_status": "ended" if ended else "in_progress",
            "request_counts": counts,
            "created_at": datetime.fromtimestamp(sent.created, UTC).isoformat(),
            "results_url": "https://elsewhere.invalid/results" if ended else None,
        }

    def _file(self, name: str) -> Reply | bytes:
        sent = self._found(name.rpartition("-")[0])
        if sent is None or sent.results is None:
            return Reply({"error": {"message": f"no file {name}"}}, 404)
        wants_errors = name.endswith("-error")
        return b"\n".join(line for line in sent.results if _is_error(line) == wants_errors)


def _json(content: Any) -> bytes:
    return json.dumps(content).encode()


def _is_error(line: bytes) -> bool:
    return b'"status_code": 200' not in line


def _unanswered(line: Mapping[str, Any], end: str) -> bytes:
    name = line["custom_id"]
    if "params" in line:
        return _json({"custom_id": name, "result": {"type": {"cancelled": "canceled"}.get(end, end)}})
    error = {"code": f"batch_{end}", "message": f"This request could not be executed: the batch has {end}."}
    return _json({"custom_id": name, "response": None, "error": error})


def _prompt(body: Mapping[str, Any]) -> str:
    system: Sequence[str] = [body["system"]] if "system" in body else []
    return "\n\n".join([*system, *(message["content"] for message in body["messages"])])
