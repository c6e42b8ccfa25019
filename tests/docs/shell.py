"""The commands of a block, and a shell that keeps variables and the folder from one command to the next."""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

OPERATORS = frozenset("&|;<>()")
_STATE = "code=$?; {{ pwd; env -0; }} > {}; exit $code"
_OWN = ("_", "SHLVL", "PWD", "OLDPWD")
_READY_S = 30.0
_LISTENS = "0A"


def commands_of(text: str) -> Iterator[str]:
    """Yield the commands of a block; one may continue after a backslash, in quotes, or in a here-document."""
    command = ""
    for line in text.splitlines():
        command += f"{line}\n"
        if not line.endswith("\\") and _is_complete(command):
            if _words(command):
                yield command.strip()
            command = ""
    if command.strip():
        yield command.strip()


def _is_complete(command: str) -> bool:
    if not re.search(r"""['"`(]|<<|\b(?:do|then|case)\b|\{$""", command):
        return True
    found = subprocess.run(["bash", "-n", "-c", command], capture_output=True, check=False)
    return found.returncode == 0 and not found.stderr


def _words(command: str, *, with_quotes: bool = False) -> list[str]:
    """Return the words and operators of a command, without comments."""
    lexer = shlex.shlex(command.replace("\\\n", " "), posix=not with_quotes, punctuation_chars=True)
    lexer.whitespace_split = True
    return list(lexer)


def is_background(command: str) -> bool:
    """Return True for a command that ends in ``&``."""
    return _words(command)[-1:] == ["&"]


def calls_of(command: str) -> list[list[str]]:
    """Return the arguments of every ``instructzero`` in a command, as they are written."""
    words = _words(command.replace("$(", " ; ").replace("`", " ; "))
    ends = [place for place, word in enumerate(words) if set(word) <= OPERATORS] + [len(words)]
    starts = [place for place, word in enumerate(words) if word == "instructzero" and "install" not in words[:place]]
    return [words[start + 1 : next(end for end in ends if end > start)] for start in starts]


def is_plain(command: str) -> bool:
    """Return True for ``instructzero`` with arguments and nothing else."""
    words = _words(command, with_quotes=True)  # a '|' in quotes is an argument
    return words[:1] == ["instructzero"] and not any(set(word) <= OPERATORS for word in words) and "`" not in command


class Shell:
    """Runs commands in bash; servers that it starts end with the ``with`` block."""

    def __init__(self, folder: Path) -> None:
        self._state = folder / "state"
        self._servers: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> Shell:
        return self

    def __exit__(self, *exception: object) -> None:
        for server in self._servers:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(server.pid, signal.SIGTERM)
        for server in self._servers:
            server.wait(30)

    def run(self, command: str) -> tuple[int, str]:
        """Return the exit code and the output of a command; variables and folder hold for later ones."""
        script = f"set -a\n{command}\n{_STATE.format(shlex.quote(str(self._state)))}"
        done = subprocess.run(
            ["bash", "-c", script],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            check=False,
            timeout=280,
        )
        self._take_over()
        return done.returncode, done.stdout.decode("utf-8", "backslashreplace")

    def expand(self, command: str) -> list[str]:
        """Return the words of a plain command as bash passes them on."""
        found = subprocess.run(["bash", "-c", f"printf '%s\\0' {command}"], capture_output=True, check=True)
        return found.stdout.decode().split("\0")[:-1]

    def start(self, command: str) -> tuple[int, str]:
        """Start a server and wait until it listens; return 0 and no output, or those of a process that has failed."""
        log = self._state.with_name(f"server-{len(self._servers)}.log")
        with log.open("wb") as output:
            server = subprocess.Popen(
                ["bash", "-c", f"exec {command.rstrip(' &')}"],
                stdout=output,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )
        self._servers.append(server)
        deadline = time.monotonic() + _READY_S
        while server.poll() is None and not _listens(server.pid):
            if time.monotonic() > deadline:
                return 1, f"it did not listen within {_READY_S:.0f} seconds\n{log.read_text(errors='replace')}"
            time.sleep(0.02)
        return server.poll() or 0, log.read_text(errors="replace") if server.poll() else ""

    def _take_over(self) -> None:
        if not self._state.exists():  # the command was an exit
            return
        folder, _, variables = self._state.read_text(encoding="utf-8").partition("\n")
        self._state.unlink()
        os.chdir(folder)
        now = dict(line.split("=", 1) for line in variables.split("\0") if "=" in line)
        for name in [*os.environ]:
            if name not in now and name not in _OWN:
                del os.environ[name]
        os.environ.update({name: value for name, value in now.items() if name not in _OWN and name != "code"})


def _listens(pid: int) -> bool:
    """Return True if a process has a TCP socket that listens."""
    with contextlib.suppress(OSError):
        links = {os.readlink(entry) for entry in Path(f"/proc/{pid}/fd").iterdir()}
        sockets = [line.split() for line in Path(f"/proc/{pid}/net/tcp").read_text().splitlines()[1:]]
        return any(part[3] == _LISTENS and f"socket:[{part[9]}]" in links for part in sockets)
    return False
