"""Folders and files of models: wrong configurations, missing and misshapen tensors, lying headers."""

from __future__ import annotations

import json
import shutil
import struct
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from random import Random

import instructzero.models
from fuzzing.hostile import NUMBERS, changed, damaged, text, value
from fuzzing.steps import SMALL, Call, Command, command, flags, task_file
from instructzero.models.adapters import find_adapter
from instructzero.models.checkpoint import Checkpoint
from instructzero.models.embeddings import load_embeddings
from instructzero.models.gguf import find_gguf, read_gguf

_WRITER = Path(instructzero.models.__file__).parent / "embedded" / "writer"
_NUMBERED = ("eos_token_id", "bos_token_id", "pad_token_id", "vocab_size", "hidden_size", "num_hidden_layers", "num_attention_heads",
             "max_position_embeddings", "num_key_value_heads", "head_dim", "rms_norm_eps", "intermediate_size")  # fmt: skip


def steps(random: Random, folder: Path, around: Path) -> Iterator[Command | Call]:
    """Make a model of a stranger, and load it."""
    kind = random.random()
    if kind < 0.3:
        path = folder / "model.gguf"
        path.write_bytes(_gguf(random))
        yield Call(_read_gguf, (str(path),))
    elif kind < 0.4:
        yield Call(find_adapter, (str(_adapter(random, folder)),))
    else:
        model = folder / "model"
        shutil.copytree(_WRITER, model)
        _damage(random, model)
        yield from _loaded(random, model, folder)


def _loaded(random: Random, model: Path, folder: Path) -> Iterator[Command | Call]:
    if random.random() < 0.4:
        yield Call(load_embeddings, (str(model),))
        yield Call(Checkpoint(str(model), "model", None).read, (["model.embed_tokens.weight"],))
        return
    role = random.choice(("writer", "blackbox"))
    settings = {**SMALL, "task": task_file(folder), role: f"hf:{model}" if role == "blackbox" else model, "evaluations": 1,
                "instruction_tokens": 4, "answer_tokens": 2, "validation": 2, "test": 2, "confirmation": 0}  # fmt: skip
    yield command("run", "--out", folder / "run", "--quiet", *flags(settings))


def _damage(random: Random, model: Path) -> None:
    file = model / random.choice(
        (
            "config.json",
            "config.json",
            "config.json",
            "generation_config.json",
            "tokenizer.json",
            "tokenizer_config.json",
            "model.safetensors",
        )
    )
    if file.name == "model.safetensors":
        _change_tensors(random, file)
    elif random.random() < 0.1:
        file.unlink()
    elif random.random() < 0.15:
        file.write_bytes(damaged(random, file.read_bytes()))
    else:
        _change(random, file)


def _change(random: Random, file: Path) -> None:
    content = json.loads(file.read_text(encoding="utf-8"))
    if random.random() < 0.6 and file.name != "tokenizer.json":
        content[random.choice(_NUMBERED)] = random.choice((value(random), random.choice(NUMBERS), [1, "x"], 10**9))
    else:
        content = changed(random, content)
    file.write_text(json.dumps(content), encoding="utf-8")


@cache
def _tensors() -> bytes:
    return (_WRITER / "model.safetensors").read_bytes()


def _change_tensors(random: Random, file: Path) -> None:
    """Let the header of the weights lie."""
    whole = _tensors()
    (length,) = struct.unpack("<Q", whole[:8])
    header, data = json.loads(whole[8 : 8 + length]), whole[8 + length :]
    chance = random.random()
    if chance < 0.6:
        header = changed(random, header)
    elif chance < 0.8:
        name = random.choice([name for name in header if name != "__metadata__"])
        header[name]["shape"] = [10**9, 10**9]
    written = json.dumps(header).encode()
    size = len(written) if chance < 0.9 else random.choice((0, 1, 2**40, 2**63))
    file.write_bytes(struct.pack("<Q", size) + written + (data if random.random() < 0.8 else data[:1000]))


def _adapter(random: Random, folder: Path) -> Path:
    path = folder / "adapter"
    path.mkdir()
    content = {
        "peft_type": "LORA",
        "task_type": "CAUSAL_LM",
        "base_model_name_or_path": str(_WRITER),
        "r": 4,
        "target_modules": ["q_proj"],
    }
    text_of = json.dumps(changed(random, content)).encode()
    (path / "adapter_config.json").write_bytes(text_of if random.random() < 0.8 else damaged(random, text_of))
    if random.random() < 0.5:
        (path / "adapter_model.safetensors").write_bytes(random.randbytes(100))
    return path


def _read_gguf(name: str) -> None:
    found = find_gguf(name)
    if found:
        read_gguf(found)


def _gguf(random: Random) -> bytes:
    """Return the header of a GGUF file with numbers that lie."""
    huge = (0, 1, 2, 5, 2**20, 2**31, 2**40, 2**63, 2**64 - 1)
    pairs = [_pair(random) for _ in range(random.randrange(4))]
    count = len(pairs) if random.random() < 0.6 else random.choice(huge)
    tensors = [_tensor(random, huge) for _ in range(random.randrange(3))]
    number = len(tensors) if random.random() < 0.6 else random.choice(huge)
    whole = b"GGUF" + struct.pack("<IQQ", random.choice((3, 3, 3, 2, 9)), number, count) + b"".join(pairs + tensors)
    return damaged(random, whole) if random.random() < 0.3 else whole + bytes(random.choice((0, 64, 5000)))


def _pair(random: Random) -> bytes:
    key = random.choice(
        ("general.architecture", "general.alignment", "split.count", "tokenizer.ggml.eos_token_id", text(random)[:50])
    )
    kind = random.choice((8, 9, 4, 5, 6, 10, 12, 99))
    held = {
        8: lambda: _string(text(random)[:100], random),
        9: lambda: (
            struct.pack("<IQ", random.choice((4, 8, 9, 99)), random.choice((0, 1, 2**40, 2**64 - 1))) + bytes(16)
        ),
        6: lambda: struct.pack("<f", random.choice((1.0, float("nan"), float("inf")))),
        12: lambda: struct.pack("<d", random.choice((1.0, float("nan"), float("inf")))),
    }.get(kind, lambda: random.randbytes(8 if kind == 10 else 4))()
    return _string(key, random) + struct.pack("<I", kind) + held


def _tensor(random: Random, huge: tuple[int, ...]) -> bytes:
    sizes = [random.choice(huge) for _ in range(random.choice((0, 1, 2, 4)))]
    count = len(sizes) if random.random() < 0.8 else random.choice((2**20, 2**32 - 1))
    return (
        _string("token_embd.weight", random)
        + struct.pack("<I", count)
        + b"".join(struct.pack("<Q", size) for size in sizes)
        + struct.pack("<IQ", random.choice((0, 1, 8, 39, 999)), random.choice(huge))
    )


def _string(content: str, random: Random) -> bytes:
    held = content.encode("utf-8", "surrogatepass")
    length = len(held) if random.random() < 0.95 else random.choice((2**40, 2**64 - 1))
    return struct.pack("<Q", length) + held
