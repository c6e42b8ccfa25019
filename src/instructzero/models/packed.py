"""The embedded models as a wheel carries them, and the folder in which they can be loaded.

A checkout has ``model.safetensors``. A wheel has ``model.safetensors.packed``: the bytes at even places, then those at
odd places. The weights have two bytes each, and the exponents compress well when they stand together: the wheel takes
10.9 MB instead of 12.3. The module needs only the standard library, because `setup.py` packs with it.
"""

from __future__ import annotations

import atexit
import functools
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

SUFFIX = ".packed"

_PACKAGED = Path(__file__).parent / "embedded"


def pack(content: bytes) -> bytes:
    """Return the bytes at even places, then those at odd places.

    >>> pack(b"a1b2c")
    b'abc12'
    """
    return content[0::2] + content[1::2]


def unpack(packed: bytes) -> bytes:
    """Return the content that `pack` changed.

    >>> unpack(b"abc12")
    b'a1b2c'
    """
    content, half = bytearray(len(packed)), -(-len(packed) // 2)
    content[0::2], content[1::2] = packed[:half], packed[half:]
    return bytes(content)


@functools.cache
def embedded_folder() -> Path:
    """Return the folder with a folder for each embedded model.

    In a checkout it is that of the package. In an installed wheel the models are unpacked once, into the user's cache
    (``$XDG_CACHE_HOME/instructzero``), or for this process into a temporary folder if nothing can be written there.
    """
    if not any(_PACKAGED.glob(f"*/*{SUFFIX}")):
        return _PACKAGED
    contents = dict(_unpacked())
    try:
        return _kept(contents)
    except OSError:
        folder = Path(tempfile.mkdtemp(prefix="instructzero-"))
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        _write(contents, folder)
        return folder


def _unpacked() -> Iterator[tuple[Path, bytes]]:
    """Yield the files of the models, as paths below the folder, and their contents."""
    for path in sorted(_PACKAGED.glob("*/*")):
        if path.is_file():
            content, name = path.read_bytes(), path.relative_to(_PACKAGED)
            yield (name.with_suffix(""), unpack(content)) if path.suffix == SUFFIX else (name, content)


def _kept(contents: dict[Path, bytes]) -> Path:
    """Return the folder in the user's cache that has the ``contents``; it appears there with all of them."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "instructzero"
    digest = hashlib.sha256()
    for path, content in contents.items():
        digest.update(f"{path}\0{len(content)}\0".encode() + content)
    folder = cache / f"embedded-{digest.hexdigest()[:16]}"
    if not _holds(folder, contents):
        cache.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache) as temporary:
            _write(contents, Path(temporary, "new"))
            if folder.exists():
                folder.rename(Path(temporary, "old"))
            Path(temporary, "new").rename(folder)
    return folder


def _holds(folder: Path, contents: dict[Path, bytes]) -> bool:
    return all((folder / path).is_file() and (folder / path).read_bytes() == contents[path] for path in contents)


def _write(contents: dict[Path, bytes], folder: Path) -> None:
    for path, content in contents.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)
