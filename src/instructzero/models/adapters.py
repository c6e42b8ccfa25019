"""PEFT adapters, such as LoRA, as models: find the adapter that is meant, its base model, and what speaks against it.

The library: https://huggingface.co/docs/peft
"""

from __future__ import annotations

import contextlib
import json
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from instructzero.errors import ModelError
from instructzero.models.codec import first_line
from instructzero.models.gguf import GGUF_SUFFIX, absolute_gguf

CONFIG = "adapter_config.json"
MERGEABLE = ("LORA", "ADALORA", "LOHA", "LOKR", "IA3", "OFT", "HRA")
"""The kinds of adapters that are accepted; the tests compare the merged model of each with peft's unmerged one."""

HUB_ID = re.compile(r"[\w-][\w.-]*(/[\w-][\w.-]*)?")
"""The form of an id of the Hugging Face hub."""

_WEIGHTS = ("adapter_model.safetensors", "adapter_model.bin")
_WHOLE = ("model*.safetensors", "pytorch_model*.bin")
_TOKENIZER = ("tokenizer_config.json", "tokenizer.json", "tokenizer.model")
_DOWNLOADED = ("adapter_model.*", "*.json", "*.jinja", "*.model", "*.txt")
"""The adapter and its tokenizer; repositories of adapters also hold the state of the training, which is larger."""


@dataclass(frozen=True)
class Adapter:
    """An adapter and the base model that its configuration names.

    Parameters
    ----------
    folder
        The folder with its files.
    name
        The folder's name, or the hub id.
    commit
        The commit on the hub, None for a folder.
    kind
        The method of peft, such as ``LORA``.
    base
        The path or hub id of the base model.
    base_revision
        The base model's commit on the hub; None is the newest.
    """

    folder: Path
    name: str
    commit: str | None
    kind: str
    base: str
    base_revision: str | None

    @property
    def has_tokenizer(self) -> bool:
        """True if a tokenizer lies beside the adapter; it replaces that of the base model."""
        return any((self.folder / name).is_file() for name in _TOKENIZER)


def find_adapter(name: str, revision: str | None = None) -> Adapter | None:
    """Return the adapter that a model's name means, or None if the name means something else.

    Parameters
    ----------
    name
        A folder, or the id of a repository of the hub, whose adapter is then downloaded.
    revision
        The commit on the hub; None is the newest.

    Raises
    ------
    ModelError
        If the adapter is incomplete, of a kind that cannot be merged, or not for a causal language model, or if its
        base model is missing or an adapter itself.
    """
    file = _find_config(name, revision)
    if file is None:
        return None
    said = read_config(file)
    _check_kind(file, said)
    base, base_revision = _find_base(file, said), str(said.get("revision") or "") or None
    if _find_config(base, base_revision) is not None:
        raise ModelError(
            f"expected a whole model as the base model that {file} names, got another adapter, {base}; merge that one "
            "into its own base model first, with merge_and_unload of peft"
        )
    folder, commit = file.parent.resolve(), None
    if os.path.isdir(Path(name).expanduser()):
        name = folder.name
        _check_alone(folder)
    else:
        folder, commit = _download(name, folder.name), folder.name
    _check_complete(folder)
    return Adapter(folder, name, commit, said["peft_type"], base, base_revision)


def base_of(folder: str) -> str | None:
    """Return the base model of the adapter in ``folder``, None if it holds no adapter; the hub is not asked.

    Raises `ModelError` for a faulty adapter.
    """
    file = Path(folder).expanduser() / CONFIG
    return _find_base(file, read_config(file)) if os.path.isfile(file) else None


def _download(name: str, commit: str) -> Path:
    """Return the folder with the files of a repository of the hub."""
    from huggingface_hub import snapshot_download

    return Path(snapshot_download(name, revision=commit, allow_patterns=list(_DOWNLOADED)))


def _find_config(name: str, revision: str | None) -> Path | None:
    """Return the configuration of the adapter in a folder or on the hub, or None if there is none."""
    folder = Path(name).expanduser()
    if os.path.exists(folder) or folder.suffix == GGUF_SUFFIX or not HUB_ID.fullmatch(name):
        return folder / CONFIG if os.path.isfile(folder / CONFIG) else None
    from transformers.utils.peft_utils import find_adapter_config_file

    with contextlib.suppress(OSError):  # a repository that cannot be reached is explained when it is loaded
        found = find_adapter_config_file(name, revision=revision)
        return Path(found) if found else None
    return None


def read_config(file: Path) -> dict[str, Any]:
    """Return the configuration of an adapter; raise `ModelError` if the file is none."""
    try:
        said = json.loads(file.read_text(encoding="utf-8"))
        if isinstance(said, dict) and isinstance(said.get("peft_type"), str):
            return said
        reason = "it states no peft_type"
    except (OSError, ValueError, RecursionError) as error:
        reason = first_line(error)
    raise ModelError(f"expected the configuration of a PEFT adapter, got {file}, which is none ({reason}); check it")


def _check_kind(file: Path, said: Mapping[str, Any]) -> None:
    if said["peft_type"] not in MERGEABLE:
        raise ModelError(
            f"expected an adapter of a kind that can be merged into its base model ({', '.join(MERGEABLE)}), got "
            f"{said['peft_type']} in {file}; use another adapter, or a whole model"
        )
    if said.get("task_type") not in (None, "CAUSAL_LM"):
        raise ModelError(
            f"expected an adapter of a causal language model, with the task_type CAUSAL_LM, got {said['task_type']} in "
            f"{file}; use an adapter that was trained to write text"
        )
    if said.get("layer_replication"):  # peft merges the adapters of all copies into the same weights
        raise ModelError(
            f"expected an adapter with one set of weights for each layer, got {file} with layer_replication; use "
            "another adapter, or a whole model"
        )


def _find_base(file: Path, said: Mapping[str, Any]) -> str:
    """Return the base model's path or hub id; a path is relative to the adapter, or else to the working directory."""
    base = said.get("base_model_name_or_path")
    if not isinstance(base, str) or not base:
        raise ModelError(
            f"expected the base model's path or hub id as base_model_name_or_path in {file}, got {base!r}; add it"
        )
    place = Path(base).expanduser()
    is_gguf = place.suffix == GGUF_SUFFIX
    for path in (file.parent / place, place):  # the first is `place` itself, if that is absolute
        if path.is_file() if is_gguf else path.is_dir():
            return str(absolute_gguf(path) if is_gguf else path.resolve())
    if not is_gguf and HUB_ID.fullmatch(base):
        return base
    raise ModelError(
        f"expected the base model that {file} names, got {base!r}, which is no folder and no file here; correct "
        "base_model_name_or_path there"
    )


def _check_alone(folder: Path) -> None:
    whole = next((file.name for pattern in _WHOLE for file in sorted(folder.glob(pattern))), None)
    if whole:
        raise ModelError(
            f"expected an adapter or a whole model, got {folder} with both ({CONFIG}, {whole}); move one of them to "
            "another folder"
        )


def _check_complete(folder: Path) -> None:
    if not any((folder / name).is_file() for name in _WEIGHTS):
        raise ModelError(
            f"expected the weights of an adapter, {' or '.join(_WEIGHTS)}, beside {folder / CONFIG}, got neither; "
            "check that the files are complete"
        )


def require_peft(adapter: Adapter) -> None:
    """Raise `ModelError` if peft is not installed."""
    if find_spec("peft") is None:
        raise ModelError(
            f"expected peft to load the adapter {adapter.name}, got an environment without peft; "
            "pip install 'instructzero[peft]'"
        )


@contextlib.contextmanager
def naming_base(adapter: Adapter | None) -> Iterator[None]:
    """Add to the errors of loading a base model that it is one; do nothing for None."""
    try:
        yield
    except ModelError as error:
        if adapter is None:
            raise
        raise ModelError(f"{error}; it is the base model that {adapter.folder / CONFIG} names") from None
