"""The benchmark of the writer, with small sizes on a CPU; the measured numbers are not checked."""

from __future__ import annotations

import pytest
import torch

from benchmarks import writer


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"LENGTH": 12, "NEW": 4, "SHARED": 9}.items():
        monkeypatch.setattr(writer, name, value)
    monkeypatch.setitem(writer.SHAPES, "7B", (32, 64, 2, 2))


def lines(printed: str) -> list[list[str]]:
    table = [line for line in printed.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table[2:]]


def test_all_methods_are_listed_with_same_texts(capsys: pytest.CaptureFixture[str]) -> None:
    writer.main(["--models", "embedded", "7B", "--rows", "1", "3", "--alone", "2", "--rounds", "2"])
    rows = lines(capsys.readouterr().out)
    ways = ["one at a time", *writer.WAYS]
    assert [row[:3] for row in rows] == [
        [name, count, way] for name in ("embedded", "7B") for count in ("1", "3") for way in ways
    ]
    assert {row[-1] for row in rows} == {"yes"}


def test_method_out_of_memory_is_reported_and_others_continue(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*arguments: object) -> writer.Texts:
        raise torch.OutOfMemoryError

    monkeypatch.setitem(writer.WAYS, "one batch", full)
    writer.main(["--models", "7B", "--rows", "2", "--rounds", "1"])
    assert [row[3] == "out of memory" for row in lines(capsys.readouterr().out)] == [False, True, False, False]


def test_shared_prefix_is_counted_once_per_step() -> None:
    network = writer.load("7B", "cpu", "float32")
    apart, together = writer.bytes_a_step(network, 5), writer.bytes_a_step(network, 5, writer.SHARED)
    assert apart - together == 4 * 2 * 2 * 32 * 4 * writer.SHARED  # bytes, keys and values, layers, h, rows
