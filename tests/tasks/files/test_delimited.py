"""Tables as text: the delimiter is told from the header and the rows."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from instructzero.errors import TaskError
from instructzero.tasks import load_task_data
from instructzero.tasks.files.delimited import table_rows
from instructzero.types import Example

CELL = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs", "Cc"]), max_size=8)


@pytest.mark.parametrize("suffix", [".csv", ".tsv"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_every_delimiter_is_told_whatever_the_suffix(tmp_path, suffix, delimiter):
    rows = [["input", "output", "note"], ["one, two; three", "3", "a|b"], ['say "hi"\tnow', "4,5", ""]]
    file = io.StringIO()
    csv.writer(file, delimiter=delimiter).writerows(rows)
    (tmp_path / f"t{suffix}").write_text(file.getvalue(), encoding="utf-8", newline="")
    assert load_task_data(tmp_path / f"t{suffix}").search == (
        Example("one, two; three", ("3",), {"note": "a|b"}),
        Example('say "hi"\tnow', ("4,5",), {"note": ""}),
    )


@given(st.lists(st.tuples(CELL, CELL, CELL), max_size=8), st.sampled_from(",;\t|"))
def test_table_that_the_csv_module_wrote_is_read_back(rows, delimiter):
    file = io.StringIO()
    csv.writer(file, delimiter=delimiter).writerows([("question", "answer", "source"), *rows])
    read = [tuple(row.cells.values()) for row in table_rows(file.getvalue(), "t.csv", ",")]
    assert read == rows


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("Frage, kurz;Antwort\nWer, wann;er\nWo;da\n", {"Frage, kurz": "Wer, wann", "Antwort": "er"}),
        ("input,output\n1;2,3\n4,5\n", {"input": "1;2", "output": "3"}),
        ('"input;x",output\n"1;2",3\n', {"input;x": "1;2", "output": "3"}),
        ("sep=|\ninput,a|output\n1|2\n", {"input,a": "1", "output": "2"}),
        (",input,output\n0,a,b\n", {"input": "a", "output": "b"}),
        ("input;output;;\na;b;;\n", {"input": "a", "output": "b"}),
        ("input\na\n", {"input": "a"}),
    ],
)
def test_first_row_of_doubtful_tables(text, first):
    assert dict(table_rows(text, "t.csv", ",")[0].cells) == first


def test_line_numbers_count_the_line_that_names_the_delimiter():
    with pytest.raises(TaskError, match=r"^t\.csv, line 4: expected 2 cells, as the header has, got 1"):
        table_rows("sep=;\ninput;output\na;b\nc\n", "t.csv", ",")
