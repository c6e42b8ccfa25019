"""The wheel: its size, its metadata, and a run in an environment that has only the wheel of this package."""

from __future__ import annotations

import email
import os
import shutil
import subprocess
import sys
import zipfile
from email.message import Message
from pathlib import Path

import pytest

from instructzero import __version__
from instructzero.models.packed import embedded_folder

ROOT = Path(__file__).parents[2]
SOURCES = ("src", "release", "setup.py", "pyproject.toml", "MANIFEST.in", "README.md", "LICENSE", "CHANGELOG.md")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel from a copy of the sources, with the packages of this environment."""
    pytest.importorskip("build")
    folder = tmp_path_factory.mktemp("release")
    for name in (*SOURCES, "CITATION.cff"):
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, folder / name)
    shutil.rmtree(folder / "src" / "instructzero.egg-info", ignore_errors=True)
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder / "dist")]
    subprocess.run([*command, str(folder)], check=True, capture_output=True, cwd=folder)
    (path,) = (folder / "dist").glob("*.whl")
    return path


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("installed")
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--target", str(folder)]
    subprocess.run([*command, str(wheel)], check=True, capture_output=True)
    return folder


def metadata(wheel: Path) -> Message:
    with zipfile.ZipFile(wheel) as archive:
        return email.message_from_bytes(archive.read(f"instructzero-{__version__}.dist-info/METADATA"))


def test_wheel_takes_at_most_12_megabytes(wheel: Path) -> None:
    assert wheel.stat().st_size <= 12_000_000


def test_metadata_is_complete(wheel: Path) -> None:
    found = metadata(wheel)
    assert found["Version"] == __version__
    assert found["License-Expression"] == "Apache-2.0"
    assert found["Description-Content-Type"] == "text/markdown"
    assert found["Requires-Python"] == ">=3.11"
    assert str(found.get_payload()).startswith("# instructzero")
    assert "](docs/" not in str(found.get_payload())
    assert {"dspy", "docs", "inspect"} <= set(found.get_all("Provides-Extra") or [])


def run(installed: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run Python with the installed wheel before the checkout."""
    environment = os.environ | {"PYTHONPATH": str(installed), "PYTHONWARNINGS": "error"} | variables
    command = [sys.executable, *arguments]
    return subprocess.run(command, capture_output=True, text=True, env=environment, cwd=installed, timeout=240)


def test_wheel_runs_a_search_with_its_own_models(installed: Path, tmp_path: Path) -> None:
    done = run(
        installed, "-m", "instructzero", "run", "--task", "antonyms", "--evaluations", "3", "--test", "5", "--quiet",
        "--out", str(tmp_path / "run"), XDG_CACHE_HOME=str(tmp_path / "cache"),
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.strip()
    (unpacked,) = (tmp_path / "cache" / "instructzero").iterdir()
    for file in ("writer/model.safetensors", "blackbox/model.safetensors", "blackbox/config.json"):
        assert (unpacked / file).read_bytes() == (embedded_folder() / file).read_bytes()


UNPACK = (
    "from instructzero.models.packed import embedded_folder as f; print(f(), (f() / 'writer/config.json').is_file())"
)


def test_damaged_cache_is_replaced_and_a_folder_without_room_is_no_obstacle(installed: Path, tmp_path: Path) -> None:
    first = run(installed, "-c", UNPACK, XDG_CACHE_HOME=str(tmp_path)).stdout.split()
    (Path(first[0]) / "writer" / "model.safetensors").write_bytes(b"damaged")
    assert run(installed, "-c", UNPACK, XDG_CACHE_HOME=str(tmp_path)).stdout.split() == first
    assert (Path(first[0]) / "writer" / "model.safetensors").stat().st_size > 1_000_000
    (tmp_path / "file").write_text("no folder")
    elsewhere = run(installed, "-c", UNPACK, XDG_CACHE_HOME=str(tmp_path / "file")).stdout.split()
    assert elsewhere[1] == "True"
    assert not Path(elsewhere[0]).exists()  # it was for the process only
