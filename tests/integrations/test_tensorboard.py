"""Event files, read back as TensorBoard reads them."""

from __future__ import annotations

from pathlib import Path

import pytest

from instructzero.config import make_settings
from tests.integrations.runs import EXPECTED, tell

accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
from instructzero.integrations.tensorboard import TensorBoardLogger  # noqa: E402


def read(folder: Path) -> tuple[dict[str, list[tuple[int, float]]], list[tuple[int, str]]]:
    """Return the numbers by name and the best instructions, all with their steps."""
    events = accumulator.EventAccumulator(str(folder / "tensorboard"), size_guidance={"tensors": 0, "scalars": 0})
    events.Reload()
    numbers = {name: [(event.step, event.value) for event in events.Scalars(name)] for name in events.Tags()["scalars"]}
    (text,) = events.Tags()["tensors"]
    return numbers, [(event.step, event.tensor_proto.string_val[0].decode()) for event in events.Tensors(text)]


def test_event_file_holds_numbers_and_best_instruction(tmp_path: Path) -> None:
    with TensorBoardLogger(make_settings({"task": "words"}), tmp_path) as logger:
        tell(logger)
    assert read(tmp_path) == (EXPECTED, [(0, "plain"), (1, "instruction 1")])


def test_resumed_run_is_shown_once(tmp_path: Path) -> None:
    for trials in (2, 4):
        with TensorBoardLogger(make_settings({"task": "words"}), tmp_path) as logger:
            tell(logger, trials, finish=trials == 4)
    assert read(tmp_path)[0] == EXPECTED


def test_run_that_never_started_leaves_no_file(tmp_path: Path) -> None:
    with TensorBoardLogger(make_settings({"task": "words"}), tmp_path):
        pass
    assert list(tmp_path.iterdir()) == []
