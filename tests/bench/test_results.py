"""The files of cells."""

import json

import pytest

from instructzero.bench.results import Cell, Mark, read_cells
from instructzero.errors import RunDirectoryError
from instructzero.types import Usage


def cell(method="uniform", task="sum", seed=0, seconds=0.0):
    mark = Mark(100, "Add “them”.", 0.5, 0.75, 0.25, (0.0, 1.0, 0.0, 0.0))
    plain = Mark(0, "Do.", 0.0, None, 0.0, (0.0, 0.0, 0.0, 0.0))
    return Cell(method, task, "pair", seed, ((20, 0.0), (95, 0.5)), (mark,), plain, Usage(95, 900, 90), None, seconds)


def keep(out, *cells):
    for found in cells:
        folder = out / found.models / found.method / f"{found.task}-{found.seed}"
        folder.mkdir(parents=True)
        (folder / "cell.json").write_text(json.dumps(found.to_record()))
        (folder / "timing.json").write_text(json.dumps({"seconds": 2.5}))


def test_record_restores_the_cell_without_its_seconds():
    record = json.loads(json.dumps(cell(seconds=3.0).to_record()))
    assert "seconds" not in record
    assert Cell.from_record(record, 3.0) == cell(seconds=3.0)


def test_read_cells_sorts_cells_and_reads_seconds(tmp_path):
    keep(tmp_path, cell("uniform", seed=1), cell("uniform"), cell("paper"), cell("uniform", "antonyms"))
    found = read_cells(tmp_path)
    assert [(read.method, read.task, read.seed) for read in found] == [
        ("paper", "sum", 0),
        ("uniform", "antonyms", 0),
        ("uniform", "sum", 0),
        ("uniform", "sum", 1),
    ]
    assert found[0] == cell("paper", seconds=2.5)


def test_read_cells_of_missing_folder_is_empty(tmp_path):
    assert read_cells(tmp_path / "none") == []


@pytest.mark.parametrize("content", ["", "[]", '{"method": "uniform"}', "{"])
def test_read_cells_with_damaged_file_names_its_folder(tmp_path, content):
    keep(tmp_path, cell())
    (tmp_path / "pair/uniform/sum-0/cell.json").write_text(content)
    with pytest.raises(RunDirectoryError, match=r"expected a finished cell in .*sum-0, got .*delete cell\.json there"):
        read_cells(tmp_path)
