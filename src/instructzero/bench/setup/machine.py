"""The machine and the package versions that a cell ran with; no name of a host, a user or a folder."""

from __future__ import annotations

import os
import platform
import sys
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import instructzero

_PACKAGES = (
    "torch", "numpy", "scipy", "transformers", "tokenizers", "scikit-learn", "botorch", "gpytorch", "peft",
    "accelerate", "bitsandbytes", "gguf", "openai", "anthropic", "httpx", "sacrebleu", "rouge-score", "jiwer",
    "datasets", "ray", "submitit",
)  # fmt: skip
"""Packages whose versions may change a result; those that the process has imported are recorded."""

_IMPORTED_AS = {"scikit-learn": "sklearn", "rouge-score": "rouge_score"}


def machine() -> dict[str, str]:
    """Return processor, cores, memory, GPU, operating system and Python of this machine, each in words."""
    return {
        "processor": _processor(),
        "cores": str(_cores()),
        "memory": _memory(),
        "GPU": _gpus(),
        "system": f"{platform.system()} {platform.release()} ({platform.machine()})",
        "Python": platform.python_version(),
    }


def versions() -> dict[str, str]:
    """Return the versions of this package and of the imported `_PACKAGES`."""
    found = {"instructzero": instructzero.__version__}
    for name in _PACKAGES:
        if _IMPORTED_AS.get(name, name) in sys.modules:
            with suppress(PackageNotFoundError):
                found[name] = version(name)
    return found


def _processor() -> str:
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith(("model name", "Model")):
                return line.partition(":")[2].strip()
    return platform.processor() or "unknown"


def _cores() -> int:
    """Return the cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _memory() -> str:
    try:
        size = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (OSError, ValueError):
        return "unknown"
    return f"{size / 2**30:.1f} GiB"


def _gpus() -> str:
    """Return the names of the GPUs; torch is asked only if the process has imported it."""
    torch = sys.modules.get("torch")
    if torch is None:
        return "not asked"
    if torch.cuda.is_available():
        names = [torch.cuda.get_device_name(place) for place in range(torch.cuda.device_count())]
        return ", ".join(f"{names.count(name)} × {name}" for name in dict.fromkeys(names))
    return "Apple MPS" if torch.backends.mps.is_available() else "none"
