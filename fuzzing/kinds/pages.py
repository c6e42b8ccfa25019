"""Error pages and answers of endpoints, of a quarter of a megabyte, through everything that reads them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

from fuzzing.hostile import text, value
from fuzzing.steps import Call, Command
from instructzero.models.complaint import Complaint
from instructzero.models.listing import _models
from instructzero.models.parameters import Parameters
from instructzero.models.service import Reply, Service
from instructzero.models.waits import seconds_asked

SIZE = 240_000
_PIECES = (
    "<style", "<style>", "</style", "<", ">", "temperature ", "max_tokens ", "invalid ", "context length is ", "too large: 1", "1", "1 h ", "9h",
    "try again in ", "1.5 ", "seed must be ", "between 1 and ", "[1,", "(", " ", "\n", "a", "model ", "exceed ", "request ", "violat", "key-",
    "sk-a", "sk_", "bearer ", "daily ", "\"retryDelay\":", "x-ratelimit-reset", "per ", "only ", "fixed at ", "<=", "..", "range ", "`", "\\n",
    "\\", "\"a\": ", "input tokens ", "prompt ", "{", "[", "0", "and ", ", ", "24-hour ", "to ", "must be set to ", "must be ", "`a` ", "-", "é",
)  # fmt: skip
_CODES: tuple[Any, ...] = (
    "9" * 5000,
    "400",
    "²",
    "٣",
    "-1",
    "0",
    "1e400",
    10**4000,
    400.0,
    None,
    True,
    [],
    {},
    "context_length" * 100,
)
_HEADERS = ("retry-after", "retry-after-ms", "date", "x-ratelimit-remaining-requests", "x-ratelimit-reset-requests")


def steps(random: Random, folder: Path, around: Path) -> Iterator[Command | Call]:
    """Read a refusal, and a list of models."""
    body = _body(random)
    status = random.choice((200, 302, 400, 401, 402, 403, 404, 408, 413, 422, 429, 451, 500, 503, 504))
    headers = {name: random.choice(("0", "9" * 5000, "1e400", "nan", "-5", "9h" * 40_000, "Wed, 21 Oct 2015 07:28:00 GMT", text(random)))
               for name in random.sample(_HEADERS, 2)}  # fmt: skip
    yield Call(_refused, (status, headers, body))
    yield Call(_models, (body,))


def _refused(status: int, headers: dict[str, str], body: bytes) -> None:
    service = Service("http://127.0.0.1:9/v1", "m", "KEY", "sk-secret")
    complaint = Complaint.read(body)
    failure = service.failure(status, headers, complaint)
    assert len(str(failure)) < 500
    seconds_asked(headers, complaint.message, complaint.details)
    parameters = Parameters("max_tokens", {"top_p": 1})
    parameters.learn(status, complaint, {"temperature": 0.0, "seed": 1, "max_tokens": 5, "top_p": 1})
    from instructzero.models.parameters import _status

    _status(Reply(200, {}, body), complaint)
    service.embedded_failure(_error(body))
    service.unreachable(complaint.message, sent=bool(status % 2))
    service.unreadable(headers)


def _error(body: bytes) -> Any:
    try:
        data = json.loads(body)
    except (ValueError, RecursionError):
        return body.decode("utf-8", "replace")
    return data.get("error", data) if isinstance(data, dict) else data


def _body(random: Random) -> bytes:
    message = _long(random)
    kind = random.random()
    if kind < 0.4:
        return message.encode("utf-8", "replace")
    error: Any = {"message": message, "code": random.choice(_CODES)}
    if random.random() < 0.3:
        error |= {"type": value(random), "param": random.choice(("temperature", value(random)))}
    if random.random() < 0.2:
        error["message"] = value(random)
    if kind < 0.9:
        return _dumped({"error": error} if random.random() < 0.8 else error)
    return _dumped(
        random.choice(
            (value(random), {"data": value(random)}, {"data": [{"id": value(random), "max_model_len": value(random)}]})
        )
    )


def _dumped(content: Any) -> bytes:
    try:
        return json.dumps(content).encode()
    except ValueError:  # an integer of too many digits
        return b'{"error": {"code": ' + b"9" * 5000 + b', "message": "x"}}'


def _long(random: Random) -> str:
    pieces = [random.choice(_PIECES) for _ in range(random.choice((1, 1, 2, 3)))]
    pumped = "".join(pieces)
    before = random.choice(_PIECES) if random.random() < 0.5 else ""
    return (before + pumped * (SIZE // len(pumped)))[:SIZE] + random.choice(("", random.choice(_PIECES)))
