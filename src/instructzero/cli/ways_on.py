"""The ways on from a directory that holds another run, each as the command to run."""

from __future__ import annotations

import itertools
import shlex
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from instructzero.errors import ConfigurationError, OtherRun

_PROGRAM = "instructzero"


@contextmanager
def naming_commands(arguments: Sequence[str]) -> Iterator[None]:
    """Add commands to an `OtherRun` of the block; ``arguments`` are those of the command that was refused."""
    try:
        yield
    except OtherRun as error:
        lines = commands(error.path, arguments, resumable=error.resumable)
        raise ConfigurationError(f"{error}:").followed_by(*lines) from None


def commands(directory: Path, arguments: Sequence[str], *, resumable: bool = True) -> list[str]:
    """Return the commands for a run beside the one in ``directory``, in its place and, if it can be, to resume it.

    >>> for line in commands(Path("runs/x"), ["run", "--task", "my words.csv", "--out", "runs/x", "--seed=7"]):
    ...     print(line)
      instructzero run --task 'my words.csv' --seed=7 --out runs/x-2
      instructzero run --task 'my words.csv' --out runs/x --seed=7 --overwrite
      instructzero resume runs/x
    """
    kept = [argument for argument in arguments if argument != "--overwrite"]
    lines = [[*_without_out(kept), "--out", str(_beside(directory))], [*kept, "--overwrite"]]
    if resumable:
        lines.append(["resume", str(directory)])
    return [f"  {command_line(line)}" for line in lines]


def command_line(arguments: Sequence[str]) -> str:
    """Return the command with these arguments as one printable line for a shell."""
    return " ".join(map(_quoted, [_PROGRAM, *arguments]))


def _beside(directory: Path) -> Path:
    """Return the first directory that does not exist among DIRECTORY-2, DIRECTORY-3 and so on."""
    place = directory if directory.name not in ("", "..") else directory.resolve()
    names = (place.with_name(f"{place.name}-{number}") for number in itertools.count(2))
    return next(path for path in names if not path.exists())


def _without_out(arguments: Sequence[str]) -> list[str]:
    """Return the arguments without ``--out FOLDER`` and ``--out=FOLDER``."""
    pairs = zip(arguments, ["", *arguments], strict=False)
    return [one for one, before in pairs if before != "--out" and one != "--out" and not one.startswith("--out=")]


def _quoted(argument: str) -> str:
    """Return a word of a shell; control characters are escaped in the form that bash and zsh read."""
    if argument.isprintable():
        return shlex.quote(argument)
    escaped = argument.replace("\\", "\\\\").replace("'", "\\'")
    return f"$'{''.join(one if one.isprintable() else _escape(one) for one in escaped)}'"


def _escape(character: str) -> str:
    of_a_byte = "\udc80" <= character <= "\udcff"  # Python's form of a byte of an argument that is no UTF-8
    encoded = character.encode("utf-8", "surrogateescape" if of_a_byte else "surrogatepass")
    return "".join(f"\\x{byte:02x}" for byte in encoded)
