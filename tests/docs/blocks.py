"""The fenced blocks of a page of the documentation, in their order, with what the comments above them say."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise, takewhile
from pathlib import Path
from textwrap import dedent

DOCS = Path(__file__).parents[2] / "docs"
RUN = ("bash", "python")
"""The languages of blocks that run."""

_FENCE = re.compile(r"^(?P<indent> *)(?P<ticks>`{3,}) *(?P<language>[\w+-]*)(?P<rest>.*)$")
_TITLE = re.compile(r'title="([^"]+)"')
_COMMENT = re.compile(r"^ *<!-- (?P<name>setup|not run|exit code): *(?P<value>.+?) *-->$")


@dataclass(frozen=True)
class Comment:
    """A comment for the tests: ``<!-- name: value -->``."""

    name: str
    value: str
    line: int


@dataclass(frozen=True)
class Block:
    """A fenced block.

    Parameters
    ----------
    language, text, line, title
        The word after the fence, the lines inside without common indentation, the line of the fence, the title or "".
    not_run
        The reason why it does not run; "" if it runs.
    exit_code
        The exit code that its last command has.
    output
        The expected output; None if any will do.
    """

    language: str
    text: str
    line: int
    title: str = ""
    end: int = 0
    not_run: str = ""
    exit_code: int = 0
    output: str | None = None

    @property
    def runs(self) -> bool:
        """True for commands and code; a block with a title is a file."""
        return self.language in RUN and not self.title


@dataclass(frozen=True)
class Page:
    """A page: its name without suffix, such as ``how-to/limit-cost``, and its set-ups and blocks in their order."""

    name: str
    path: Path
    steps: tuple[Comment | Block, ...] = field(repr=False)

    @property
    def blocks(self) -> list[Block]:
        """The blocks."""
        return [step for step in self.steps if isinstance(step, Block)]


def read_page(path: Path, root: Path = DOCS) -> Page:
    """Return the page in a file; its name begins at ``root``."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return Page(path.relative_to(root).with_suffix("").as_posix(), path, tuple(_steps(lines)))


def names_of_pages() -> list[str]:
    """Return the names of all pages."""
    return sorted(path.relative_to(DOCS).with_suffix("").as_posix() for path in DOCS.rglob("*.md"))


def _steps(lines: list[str]) -> Iterator[Comment | Block]:
    """Yield set-ups and blocks; other comments and the output after a block become parts of the block."""
    found = list(_items(lines))
    comments: list[Comment] = []
    for item, later in pairwise([*found, None]):
        if isinstance(item, Block):
            if not _is_output(item, found, lines):
                yield _completed(item, comments, later, lines)
            comments = []
        elif item is not None and item.name == "setup":
            yield item
        elif item is not None:
            comments.append(item)


def _completed(block: Block, comments: list[Comment], later: Comment | Block | None, lines: list[str]) -> Block:
    said = {comment.name: comment.value for comment in comments if not _between(lines, comment.line, block.line)}
    followed = isinstance(later, Block) and block.runs and _follows(block, later, lines)
    return Block(
        block.language,
        block.text,
        block.line,
        block.title,
        block.end,
        not_run=said.get("not run", ""),
        exit_code=int(said.get("exit code", 0)),
        output=later.text if followed and isinstance(later, Block) else None,
    )


def _is_output(block: Block, found: list[Comment | Block], lines: list[str]) -> bool:
    blocks = [item for item in found if isinstance(item, Block)]
    place = blocks.index(block)
    return place > 0 and blocks[place - 1].runs and _follows(blocks[place - 1], block, lines)


def _follows(block: Block, later: Block, lines: list[str]) -> bool:
    """Return True if a text without a title stands directly below a block."""
    return later.language == "text" and not later.title and not _between(lines, block.end, later.line)


def _between(lines: list[str], above: int, below: int) -> str:
    """Return what stands between two lines, apart from comments."""
    return "".join(line.strip() for line in lines[above : below - 1] if not _COMMENT.match(line))


def _items(lines: list[str]) -> Iterator[Comment | Block]:
    rest = iter(enumerate(lines, 1))
    for number, line in rest:
        if comment := _COMMENT.match(line):
            yield Comment(comment["name"], comment["value"], number)
        elif fence := _FENCE.match(line):
            yield _block(fence, number, rest)


def _block(fence: re.Match[str], number: int, rest: Iterator[tuple[int, str]]) -> Block:
    inside = [line for _, line in takewhile(lambda pair: pair[1].strip() != fence["ticks"], rest)]
    title = _TITLE.search(fence["rest"])
    text = dedent("".join(f"{line}\n" for line in inside))
    return Block(fence["language"], text, number, title[1] if title else "", number + len(inside) + 1)
