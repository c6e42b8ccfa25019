"""An offline run of Weights & Biases, read back from its file."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from instructzero.config import make_settings
from tests.integrations.runs import EXPECTED, tell

pytestmark = pytest.mark.filterwarnings("ignore")
pytest.importorskip("wandb")
from instructzero.integrations.wandb import WandbLogger  # noqa: E402

BLOCK, HEAD = 32768, 7  # bytes
FULL, FIRST, LAST = 1, 2, 4


def records(folder: Path) -> Iterator[Any]:
    """Yield the records of the run's file: a log in the format of LevelDB after a header of W&B."""
    from wandb.proto.wandb_internal_pb2 import Record

    (file,) = folder.glob("wandb/offline-run-*/*.wandb")
    content, position, whole = file.read_bytes(), HEAD, b""
    while position + HEAD <= len(content):
        if BLOCK - position % BLOCK < HEAD:
            position += BLOCK - position % BLOCK
        _, size, kind = struct.unpack_from("<IHB", content, position)
        part = content[position + HEAD : position + HEAD + size]
        whole = part if kind in (FULL, FIRST) else whole + part
        position += HEAD + size
        if kind in (FULL, LAST):
            yield Record.FromString(whole)


def test_offline_run_holds_numbers_settings_and_best_instruction(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setenv("WANDB_SILENT", "true")
    with WandbLogger(make_settings({"task": "words", "seed": 3}), tmp_path) as logger:
        tell(logger)
    numbers: dict[str, list[tuple[int, float]]] = {}
    text = ""
    for record in records(tmp_path):
        items = {"/".join(item.nested_key) or item.key: json.loads(item.value_json) for item in record.history.item}
        for name in EXPECTED.keys() & items.keys():
            numbers.setdefault(name, []).append((items["_step"], items[name]))
        text += str(record)
    assert numbers == EXPECTED
    assert "instruction 1" in text
    assert "seed" in text
