"""What stands in for services and models that a page names, so that its commands run as they are written.

The services of OpenAI and Anthropic are one `Endpoint` on this machine; their prices stay the listed ones. A model of
the hub is one of the embedded pair. A port is another, free one with as many digits. Names in the output are turned
back.
"""

from __future__ import annotations

import re
import socket
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from random import Random
from unittest import mock

from instructzero.models import addresses, anthropic, openai
from instructzero.models.scripted import PHRASES, obey

EMBEDDED = Path(addresses.__file__).parent / "embedded"

_HUB = re.compile(r"(?P<role>\w+(?: |=|: ?)[\"']?)?hf:(?P<name>[A-Za-z][\w.-]*/[\w.-]+)")
_DATA = ("task", "data", "test_data")
_PORT = re.compile(r"(?:127\.0\.0\.1|localhost):(\d{4,5})\b|--port[ =](\d{4,5})\b")
_ASKS_FOR_TEXTS = "between <prompt> and </prompt>"
_COUNT = re.compile(r"Write (\d+) different instructions")


def answer_about_words(prompt: str) -> str:
    """Write phrases as the writer, and follow simple instructions about words as the black box."""
    if _ASKS_FOR_TEXTS in prompt:
        return texts_from(PHRASES, prompt)
    return obey(prompt) or "I do not know."


def texts_from(ideas: tuple[str, ...], prompt: str) -> str:
    """Return as many ideas as a request asks for, in an order that depends on the request."""
    start = zlib.crc32(prompt.encode())
    asked = _COUNT.search(prompt)
    count = int(asked[1]) if asked else 1
    return "\n".join(f"<prompt>{ideas[(start + 3 * number) % len(ideas)]}</prompt>" for number in range(count))


class StandIns:
    """Pairs of what a page shows and what is used instead.

    Parameters
    ----------
    text
        The text of the page, in which ports and models of the hub are sought.
    folder
        A folder for links to models.
    """

    def __init__(self, text: str, folder: Path) -> None:
        self._models = folder / "models"
        self._pairs = [*_ports(text), *self._hub(text)]

    def add(self, shown: str, real: str) -> None:
        """Use ``real`` in the place of ``shown``."""
        self._pairs.append((shown, real))

    def real(self, text: str) -> str:
        """Return a text with what is used."""
        for shown, real in self._pairs:
            text = re.sub(rf"(?<![\w.-]){re.escape(shown)}(?![\w-])", lambda _, real=real: real, text)
        return text

    def shown(self, text: str) -> str:
        """Return a text with what the page shows."""
        for shown, real in self._pairs:
            text = text.replace(real, shown)
        return text

    def _hub(self, text: str) -> Iterator[tuple[str, str]]:
        for found in _HUB.finditer(text):
            role = re.sub(r"\W", "", found["role"] or "")
            link = self._models / found["name"]
            if role in _DATA or link.is_symlink():
                continue
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(EMBEDDED / ("writer" if role == "writer" else "blackbox"))
            yield f"hf:{found['name']}", f"hf:{link}"


def _ports(text: str) -> Iterator[tuple[str, str]]:
    for port in sorted({found[1] or found[2] for found in _PORT.finditer(text)}):
        yield port, str(_free_port(len(port)))


def _free_port(digits: int) -> int:
    """Return a free port with this number of digits, so that lines of the output are as long as the page shows."""
    random = Random()
    while True:
        port = random.randrange(2000, 10_000) if digits == 4 else random.randrange(10_000, 32_768)
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)):
                return port


@contextmanager
def services_at(root: str) -> Iterator[None]:
    """Let the official services be at another address."""
    real = official(root)
    with (
        mock.patch.dict(addresses.OFFICIAL, real),
        mock.patch.object(openai, "OFFICIAL_URL", real["openai"]),
        mock.patch.object(anthropic, "OFFICIAL_URL", real["anthropic"]),
    ):
        yield


def official(root: str) -> Mapping[str, str]:
    """Return the addresses that stand for the official ones, by kind."""
    return {"openai": f"{root}/v1", "anthropic": root}


class Script:
    """The function from prompt to answer of the stand-in for services; a set-up may replace it."""

    def __init__(self) -> None:
        self.answer: Callable[[str], str] = answer_about_words

    def __call__(self, prompt: str) -> str:
        """Return the answer to a prompt."""
        return self.answer(prompt)
