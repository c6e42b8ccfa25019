"""Where models are loaded from: the commit or digest of their files, and one sentence for every error of loading."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import RLock
from typing import Any

import transformers
from huggingface_hub import try_to_load_from_cache
from huggingface_hub.utils import logging as hub_logging

from instructzero.errors import ModelError
from instructzero.models.codec import first_line

_turn = RLock()  # transformers' verbosity, and what else it changes to load a model, belong to the whole process
_SAMPLE_BYTES = 65536
_COUNTED = re.compile(r"(?:num|n)_.*(?:layers?|experts|blocks)|depths?")
_MOST_PARTS = 4096
_MODEL_FILES = frozenset({".json", ".safetensors", ".bin", ".model", ".jinja", ".txt"})


def commit_of(name: str, revision: str | None) -> str:
    """Return the commit of a model that was loaded from the hub; the cache knows it.

    Parameters
    ----------
    name, revision
        The hub id, and the revision that was asked for; None is the newest.
    """
    config = try_to_load_from_cache(name, "config.json", revision=revision)
    return Path(config).parent.name if isinstance(config, str) else revision or "main"


def fingerprint(path: Path) -> str:
    """Return a digest of a checkpoint: the names, sizes, first and last bytes of all model files.

    Training changes all parts of the weights, so a sample is enough.

    Parameters
    ----------
    path
        A folder, or a file that is a whole model.
    """
    digest = hashlib.sha256()
    files = [path] if path.is_file() else [file for file in path.iterdir() if _belongs_to_model(file)]
    for file in sorted(files, key=lambda file: file.name):
        size = file.stat().st_size
        digest.update(f"{file.name}\0{size}\0".encode())
        with file.open("rb") as content:
            digest.update(content.read(_SAMPLE_BYTES))
            content.seek(max(0, size - _SAMPLE_BYTES))
            digest.update(content.read(_SAMPLE_BYTES))
    return digest.hexdigest()[:16]


def check_config(source: str, revision: str | None) -> None:
    """Raise `ModelError` if the configuration of a model has numbers of parts that nobody builds: it would take hours.

    Parameters
    ----------
    source
        A folder or hub id. What is wrong with its configuration besides, transformers says when it loads it.
    revision
        The commit on the hub.
    """
    config, _ = transformers.PretrainedConfig.get_config_dict(source, revision=revision)
    sections = [config, *(section for section in config.values() if isinstance(section, dict))]
    for name, number in (pair for section in sections for pair in section.items()):
        if _COUNTED.fullmatch(str(name)) and isinstance(number, int | float) and number > _MOST_PARTS:
            raise ModelError(
                f"expected at most {_MOST_PARTS:,} as {str(name)[:80]!r} of the model in {source}, got more; correct "
                "its config.json"
            )


def _belongs_to_model(file: Path) -> bool:
    return file.is_file() and not file.name.startswith(".") and file.suffix in _MODEL_FILES


@contextlib.contextmanager
def loading(source: str, explain: Callable[[Exception], str] | None = None) -> Iterator[None]:
    """Load from a folder or hub id without progress bars and log messages; every other error becomes a `ModelError`.

    Threads take turns.

    Parameters
    ----------
    source
        The folder or hub id.
    explain
        Makes the sentence for an error; None is the one for checkpoints.
    """
    with _turn, _quietly():
        try:
            yield
        except ModelError:
            raise
        except Exception as error:  # checkpoints fail in as many ways as there are libraries under transformers
            raise ModelError(explain(error) if explain else _explain(source, error)) from None


@contextlib.contextmanager
def _quietly() -> Iterator[None]:
    """Switch off the progress bars and log messages of transformers and of the hub's client in the block."""
    logging: Any = transformers.utils.logging
    verbosity, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    hub: Any = hub_logging
    hub_verbosity = hub.get_verbosity()
    logging.set_verbosity_error()
    hub.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(verbosity)
        hub.set_verbosity(hub_verbosity)
        if bars:
            logging.enable_progress_bar()


def _explain(source: str, error: Exception) -> str:
    folder = Path(source)
    is_missing = not os.path.exists(folder)  # also of a name that is too long for a file
    if is_missing and isinstance(error, OSError | ValueError) and "configuration class" not in str(error):
        return (
            f"expected a folder or a model of the Hugging Face hub, got {source!r}, which is neither a "
            "folder here nor reachable on the hub; check the spelling, the network, or log in for a gated "
            "model"
        )
    if os.path.isdir(folder) and not (folder / "config.json").exists():
        return f"expected a saved model in the folder {source}, got one without config.json; check the path"
    return (
        f"expected a causal language model in {source}, but it does not load ({type(error).__name__}: "
        f"{first_line(error)}); check that the files are complete and that the model writes text"
    )
