"""Parquet files and workbooks load like text files, and errors name their rows."""

import sys
import zipfile
from datetime import datetime

import pytest

from instructzero.errors import TaskError
from instructzero.tasks import load_task_data
from instructzero.types import Example

EXAMPLES = (
    Example("oak", ("tree", "plant"), {"metres": 20, "seen": "2023-04-01"}),
    Example("moss", ("plant",), {"metres": None, "seen": None}),
)


@pytest.fixture
def parquet(tmp_path):
    arrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    def write(**columns):
        parquet.write_table(arrow.table(columns), tmp_path / "trees.parquet")
        return tmp_path / "trees.parquet"

    return write


@pytest.fixture
def workbook(tmp_path):
    openpyxl = pytest.importorskip("openpyxl")

    def write(*sheets):
        book = openpyxl.Workbook()
        book.remove(book.active)
        for title, rows in sheets:
            sheet = book.create_sheet(title)
            for row in rows:
                sheet.append(row)
        book.save(tmp_path / "trees.xlsx")
        return tmp_path / "trees.xlsx"

    return write


def test_parquet_loads_lists_numbers_and_dates(parquet):
    path = parquet(
        input=["oak", "moss"],
        output=[["tree", "plant"], ["plant"]],
        metres=[20, None],
        seen=[datetime(2023, 4, 1), None],
        picture=[b"\x89PNG", None],
        __index_level_0__=[4, 5],
    )
    found = load_task_data(path)
    assert [(example.input, example.outputs) for example in found.search] == [
        (example.input, example.outputs) for example in EXAMPLES
    ]
    assert dict(found.search[0].columns) == {"metres": 20, "seen": "2023-04-01", "picture": None}
    assert found.name == "trees"


def test_parquet_with_missing_answer_names_the_row(parquet):
    with pytest.raises(TaskError, match=r"trees\.parquet, row 2: expected text in 'output', got null"):
        load_task_data(parquet(input=["oak", "moss"], output=["tree", None]))


def test_parquet_with_bytes_as_answer_is_refused(parquet):
    with pytest.raises(TaskError, match="row 1: expected text in 'output', got a value of type bytes"):
        load_task_data(parquet(input=["oak"], output=[b"tree"]))


def test_workbook_loads_the_first_sheet_or_the_named_one(workbook):
    head = ["input", "output", "metres", None]
    path = workbook(
        ("trees", [[], head, ["oak", "tree", 20.0], ["moss", True, 2.5, "no column"]]),
        ("birds", [head[:2], ["owl", 3]]),
    )
    assert load_task_data(path).search == (
        Example("oak", ("tree",), {"metres": 20}),
        Example("moss", ("true",), {"metres": 2.5}),
    )
    assert load_task_data(f"{path}#birds").search == (Example("owl", ("3",)),)
    assert load_task_data(f"{path}#birds").name == "trees"


def test_workbook_with_missing_answer_names_the_row_of_the_sheet(workbook):
    path = workbook(("trees", [["input", "output"], ["oak", "tree"], [], ["moss", None]]))
    with pytest.raises(TaskError, match=r"trees\.xlsx, row 4: expected text in 'output', got null"):
        load_task_data(path)


def test_workbook_without_the_named_sheet_names_those_that_it_has(workbook):
    path = workbook(("trees", [["input", "output"]]), ("birds", [["input", "output"]]))
    with pytest.raises(TaskError, match=r"expected a sheet 'fish', got 'trees', 'birds'"):
        load_task_data(f"{path}#fish")
    with pytest.raises(TaskError, match="at least one example, got an empty task"):
        load_task_data(path)


@pytest.mark.parametrize(("library", "name"), [("pyarrow", "a.parquet"), ("openpyxl", "a.xlsx")])
def test_damaged_or_missing_table_is_refused_in_one_sentence(tmp_path, library, name):
    pytest.importorskip(library)
    with pytest.raises(TaskError, match="expected a file, got none there"):
        load_task_data(tmp_path / name)
    (tmp_path / name).write_bytes(b"nonsense")
    with pytest.raises(TaskError, match=r"expected a (Parquet file|workbook)") as refusal:
        load_task_data(tmp_path / name)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize(
    ("library", "source", "extra"),
    [
        ("pyarrow", "a.parquet", "parquet"),
        ("openpyxl", "a.xlsx", "xlsx"),
        ("datasets", "hf:somebody/trees", "datasets"),
    ],
)
def test_missing_library_is_named_with_its_extra(monkeypatch, library, source, extra):
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(TaskError, match=rf"expected {library} .* pip install 'instructzero\[{extra}\]'"):
        load_task_data(source)


def test_workbook_of_zeros_is_refused_before_it_is_read(tmp_path):
    path = tmp_path / "zero.xlsx"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/sharedStrings.xml", bytes(60_000_000))
    with pytest.raises(TaskError, match=r"zero\.xlsx: expected examples of at most 500 MB, packed by at most 200 to 1"):
        load_task_data(path)
