"""Read one tensor of a stored model, from a folder or the hub, in one file or in several."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from huggingface_hub import hf_hub_download
from huggingface_hub.errors import EntryNotFoundError
from safetensors import safe_open
from torch import Tensor

from instructzero.errors import ModelError
from instructzero.models.sources import loading

_WEIGHTS = ("model.safetensors", "pytorch_model.bin")


@dataclass(frozen=True)
class Checkpoint:
    """The stored weights of a model. From the hub, only the file with the tensor is downloaded, and the index.

    Parameters
    ----------
    source
        A folder or a hub id.
    label
        The name in messages.
    commit
        The commit on the hub, None for the newest.
    """

    source: str
    label: str
    commit: str | None

    def read(self, names: Sequence[str]) -> Tensor:
        """Return the tensor with the first of ``names`` that is present; raise `ModelError` if none is."""
        with loading(self.source):
            found = self._find(names)
            if found is not None:
                return _read(*found)
        raise ModelError(
            f"expected the weights {names[0]} in {self.label}, in {' or '.join(_WEIGHTS)} or the parts that their "
            "indices list, got none; check that the files are complete"
        )

    def _find(self, names: Sequence[str]) -> tuple[Path, str] | None:
        """Return the file with the tensor and the tensor's name in it, or None."""
        for whole in _WEIGHTS:
            if index := self._file(f"{whole}.index.json"):
                parts: dict[str, str] = json.loads(index.read_text(encoding="utf-8"))["weight_map"]
                name = _pick(parts, names)
                part = self._file(parts[name]) if name else None
                if name and part:
                    return part, name
            elif (path := self._file(whole)) and (name := _pick(_names(path), names)):
                return path, name
        return None

    def _file(self, name: str) -> Path | None:
        if Path(self.source).is_dir():
            path = Path(self.source) / name
            return path if path.is_file() else None
        try:
            return Path(hf_hub_download(self.source, name, revision=self.commit))
        except EntryNotFoundError:
            return None


def _pick(present: Iterable[str], names: Sequence[str]) -> str | None:
    """Return the first of ``names`` that is present, or the one name with the same ending, in another wrapper module.

    >>> _pick(["wte.weight", "h.0.ln_1.weight"], ["transformer.wte.weight"])
    'wte.weight'
    """
    there = list(present)
    for name in names:
        if name in there:
            return name
    tails = [".".join(name.split(".")[-2:]) for name in names]
    for tail in tails:
        alike = [name for name in there if name == tail or name.endswith(f".{tail}")]
        if len(alike) == 1:
            return alike[0]
    return None


def _names(path: Path) -> list[str]:
    if path.suffix == ".safetensors":
        with safe_open(path, framework="pt") as file:
            return list(file.keys())
    return list(_mapped(path))


def _read(path: Path, name: str) -> Tensor:
    if path.suffix == ".safetensors":
        with safe_open(path, framework="pt") as file:
            tensor: Tensor = file.get_tensor(name)
            return tensor
    return _mapped(path)[name].clone()


def _mapped(path: Path) -> dict[str, Tensor]:
    """Return the tensors of a file that torch wrote; they stay on the disk until they are read."""
    tensors: dict[str, Tensor] = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
    return tensors
