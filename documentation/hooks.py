"""Hooks of MkDocs: pages from the code, and comments for the tests left out."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
if str(ROOT) not in sys.path:  # MkDocs loads this file by its path
    sys.path.insert(0, str(ROOT))

from mkdocs.structure.files import File, Files  # noqa: E402

from documentation import commands, methods, python, settings  # noqa: E402
from documentation.markdown import code  # noqa: E402

PAGES = {
    "reference/settings.md": settings.page,
    "reference/commands.md": commands.page,
    "reference/python.md": python.page,
    "reference/methods.md": methods.page,
}
"""The pages that are made from the code."""

_OUTSIDE = re.compile(
    r"\[(?P<label>[^\[\]]+)\]\((?:\.\./)*(?P<path>(?:src|training|tests|examples)/[^)#\s]+|[\w./-]+\.tar\.xz)\)"
)
_COMMENT = re.compile(r"^[ ]*<!-- (?:setup|not run|exit code):.*-->\n", re.MULTILINE)


def on_files(files: Files, *, config: Any) -> Files:
    """Add the pages that are made from the code."""
    for name, make in PAGES.items():
        files.append(File.generated(config, name, content=make()))
    return files


def on_page_markdown(markdown: str, *, page: Any, **_: Any) -> str:
    """Leave out the comments for the tests, and name the files that are in a checkout only."""
    folder = Path(page.file.src_uri).parent
    return _OUTSIDE.sub(lambda found: _named(found["label"], found["path"], folder), _COMMENT.sub("", markdown))


def _named(label: str, path: str, folder: Path) -> str:
    """Return the path of a file as code, after the label of its link unless that is only its name.

    >>> _named("`cma.py`", "src/instructzero/bo/cma.py", Path())
    '`src/instructzero/bo/cma.py`'
    >>> _named("the archive", "real.tar.xz", Path("benchmarks"))
    'the archive (`docs/benchmarks/real.tar.xz`)'
    """
    shown = code(path if "/" in path else f"docs/{(folder / path).as_posix()}")
    return shown if label.strip("`/ ") in path else f"{label} ({shown})"
