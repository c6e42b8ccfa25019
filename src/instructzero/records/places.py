"""The directory of a run for which none is given."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

from instructzero.config import Settings
from instructzero.tasks import source_name

_PLAIN = re.compile(r"[a-z][a-z0-9_]*:[\w.-]{1,40}", re.ASCII)
_DIGITS = 8
_LONGEST = 40


def default_directory(settings: Settings) -> Path:
    """Return ``runs/TASK-METHOD-SEED``, followed by the short names of a black box and a writer of the user's own.

    Different models have different directories: a short name that does not say all ends in a digest of what it stands
    for. ``+`` is before the name of the writer.

    >>> print(default_directory(Settings(task="sum")))
    runs/sum-instructzero-0
    >>> print(default_directory(Settings(task="sum", blackbox="openai:gpt-4o-mini", writer="hf:Qwen/Qwen2.5-7B")))
    runs/sum-instructzero-0-openai-gpt-4o-mini+hf-Qwen2.5-7B-b0d0b408
    """
    name = re.sub(r"[^\w.-]+", "-", f"{source_name(settings.task)}-{settings.method}-{settings.seed}")
    if not _is_default(settings, "blackbox") or settings.base_url:
        name += f"-{_short_name(settings.blackbox, settings.base_url)}"
    if not _is_default(settings, "writer"):
        name += f"+{_short_name(settings.writer)}"
    return Path("runs") / name


def _is_default(settings: Settings, name: str) -> bool:
    return bool(getattr(settings, name) == Settings.model_fields[name].default)


def _short_name(spec: str, address: str | None = None) -> str:
    """Return a name for a model in safe characters; the ``address`` of its service is a part of what it stands for."""
    if address is None and _PLAIN.fullmatch(spec):
        return spec.replace(":", "-")
    kind, colon, model = spec.rpartition(":")
    last = model.rstrip("/\\").replace("\\", "/").rpartition("/")[2]
    readable = re.sub(r"[^\w.-]+", "-", f"{kind}-{last}" if colon else last, flags=re.ASCII)[:_LONGEST].strip("-.")
    digest = hashlib.sha256("\n".join([spec, address or ""]).encode("utf-8", "surrogatepass")).hexdigest()[:_DIGITS]
    return f"{readable}-{digest}"
