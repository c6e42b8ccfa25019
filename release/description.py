"""The README as the package index shows it. It imports only the standard library, because a build has nothing else."""

import re
from pathlib import PurePosixPath

_FENCE = re.compile(r"^```", re.MULTILINE)
_PICTURE = re.compile(r"!\[(?P<text>[^\]]*)\]\((?P<target>[^)\s]+)\)")
_LINK = re.compile(r"(?<!!)\[(?P<text>[^\]]*)\]\((?P<target>[^)\s]+)\)")
_ELSEWHERE = re.compile(r"[a-z][a-z0-9+.-]*:|#")  # an absolute address, or a heading of the same page
_PAPER = "https://arxiv.org/abs/2306.03082"


def links(source: str | None) -> dict[str, str]:
    """Return the links of the project by their names; those into the repository only if its address is known."""
    found = {"Paper": _PAPER}
    if source:
        base = source.rstrip("/")
        found |= {"Source": base, "Changelog": f"{base}/blob/HEAD/CHANGELOG.md", "Issues": f"{base}/issues"}
    return found


def long_description(readme: str, source: str | None) -> str:
    """Return the README without relative addresses.

    Parameters
    ----------
    readme
        Markdown. Fenced blocks are kept as they are.
    source
        The address of the repository; None if there is none yet. Then pictures are left out, and a relative link
        becomes its text.

    >>> long_description("See the [guide](docs/guide.md).", None)
    'See the guide.'
    >>> long_description("See the [guide](docs/guide.md).", "https://git.example.org/us/it")
    'See the [guide](https://git.example.org/us/it/blob/HEAD/docs/guide.md).'
    """
    pieces = _FENCE.split(readme)  # every second piece is the inside of a fence
    pieces[::2] = [_absolute(piece, source) for piece in pieces[::2]]
    return "```".join(pieces)


def _absolute(text: str, source: str | None) -> str:
    text = _PICTURE.sub(lambda found: _picture(found, source), text)
    text = _LINK.sub(lambda found: _link(found, source), text)
    return text if source else re.sub(r"\n{3,}", "\n\n", text)


def _picture(found: re.Match[str], source: str | None) -> str:
    if _ELSEWHERE.match(found["target"]):
        return found[0]
    return f"![{found['text']}]({_address(source, 'raw', found['target'])})" if source else ""


def _link(found: re.Match[str], source: str | None) -> str:
    if _ELSEWHERE.match(found["target"]):
        return found[0]
    return f"[{found['text']}]({_address(source, 'blob', found['target'])})" if source else found["text"]


def _address(source: str, kind: str, target: str) -> str:
    return f"{source.rstrip('/')}/{kind}/HEAD/{PurePosixPath(target)}"
