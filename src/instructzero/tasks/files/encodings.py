"""From the bytes of a file to its text: compression, byte order marks, UTF-8 and UTF-16."""

from __future__ import annotations

import codecs
import gzip
import io
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from instructzero.errors import TaskError

_GZIP = b"\x1f\x8b"
_CHUNK = 1024 * 1024
_LARGEST, _UNSUSPECTED = 500_000_000, 50_000_000  # bytes after decompression
_HIGHEST_RATIO = 200  # of larger contents to their gzip data; texts reach about 20, and zeros 1000
_OTHER_FILES = {
    b"PK\x03\x04": "a zip archive or a workbook; name a workbook .xlsx",
    b"PAR1": "a Parquet file; name it .parquet",
}
_MARKS = {
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF32_LE: "utf-32-le",  # before UTF-16, whose mark it begins with
    codecs.BOM_UTF32_BE: "utf-32-be",
    codecs.BOM_UTF16_LE: "utf-16-le",
    codecs.BOM_UTF16_BE: "utf-16-be",
}
_SAMPLE = 4096  # bytes
_FEWEST = 0.02  # the smallest share of ASCII characters in a text that is taken for UTF-16


def read_text(path: Path) -> str:
    """Return the text of the file ``path``, which may be compressed by gzip whatever its name is.

    Raises
    ------
    TaskError
        If the file is missing, unreadable, or neither UTF-8 nor UTF-16.
    """
    return decoded(unpacked(read_bytes(path), path), path)


def read_bytes(path: Path) -> bytes:
    """Return the content of the file ``path``; raise `TaskError` if it is missing or unreadable."""
    with _file_errors(path):
        return path.read_bytes()


def check_readable(path: Path) -> None:
    """Raise `TaskError` if the file ``path`` is missing or unreadable, before another library reads it."""
    with _file_errors(path), path.open("rb"):
        pass


@contextmanager
def _file_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError:
        raise TaskError(f"{path}: expected a file, got none there; check the path") from None
    except (OSError, ValueError) as error:
        raise TaskError(f"{path}: expected a readable file, got {error}") from None


def unpacked(data: bytes, path: Path) -> bytes:
    """Return the data without its compression by gzip, if any; raise `TaskError` if they are damaged or too large."""
    if not data.startswith(_GZIP):
        return data
    try:
        return _decompressed(data, path)
    except (OSError, EOFError, zlib.error) as error:
        raise TaskError(f"{path}: expected a whole gzip file, got {error}; copy or download it again") from None


def _decompressed(data: bytes, path: Path) -> bytes:
    """Return the content of gzip data; raise `TaskError` as soon as it is larger than that of a task can be."""
    content = bytearray()
    with gzip.GzipFile(fileobj=io.BytesIO(data)) as file:
        while chunk := file.read(_CHUNK):
            content += chunk
            check_size(len(data), len(content), path)
    return bytes(content)


def check_size(packed: int, unpacked: int, path: Path) -> None:
    """Raise `TaskError` if so many bytes are more than examples have, or than texts have that are packed into few."""
    if unpacked > _LARGEST or unpacked > max(_UNSUSPECTED, _HIGHEST_RATIO * packed):
        raise TaskError(
            f"{path}: expected examples of at most {_LARGEST // 10**6} MB, packed by at most {_HIGHEST_RATIO} to 1, "
            f"got {packed:,} bytes that hold at least {unpacked // 10**6} MB; use fewer examples"
        )


def decoded(data: bytes, path: Path) -> str:
    """Return the text of ``data``: UTF-16 or UTF-32 by its mark, UTF-16 also by its zero bytes, else UTF-8.

    Raises
    ------
    TaskError
        If the data have another encoding. Which one cannot be told from the bytes, and a wrong guess would change
        letters without a word.
    """
    for magic, came in _OTHER_FILES.items():
        if data.startswith(magic):
            raise TaskError(f"{path}: expected text, got {came}")
    mark = next((mark for mark in _MARKS if data.startswith(mark)), b"")
    encoding = _MARKS.get(mark) or _unmarked(data)
    try:
        text = data[len(mark) :].decode(encoding)
    except UnicodeDecodeError as error:
        raise TaskError(_undecoded(data, len(mark) + error.start, encoding, path)) from None
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise TaskError(f"{path}, line {line}: expected text, got a zero byte; save the file as UTF-8")
    return text


def _unmarked(data: bytes) -> str:
    """Return the encoding of data without a mark.

    Text has no zero byte in UTF-8, and in UTF-16 one for every ASCII character, at least for delimiters and line ends.
    Letters such as Ā and 一 have one on the other side, so that the majority decides.
    """
    even, odd = data[:_SAMPLE:2].count(0), data[1:_SAMPLE:2].count(0)
    few = max(2, _FEWEST * len(data[:_SAMPLE]) / 2)
    if len(data) % 2 or max(even, odd) < few or 3 * min(even, odd) >= max(even, odd):
        return "utf-8"
    return "utf-16-le" if odd > even else "utf-16-be"


def _undecoded(data: bytes, position: int, encoding: str, path: Path) -> str:
    if encoding != "utf-8":
        return f"{path}: expected {encoding.upper()}, got bytes at position {position} that are none; save it as UTF-8"
    line = data.count(b"\n", 0, position) + 1
    letter = bytes([data[position]]).decode("cp1252", "replace")
    return (
        f"{path}: expected UTF-8, got byte 0x{data[position]:02x} at position {position} (line {line}), "
        f"which is {letter!r} in Windows-1252; save the file as UTF-8 (in Excel: CSV UTF-8)"
    )
