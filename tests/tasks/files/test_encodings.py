"""The encodings of text files: marks, UTF-16 without one, gzip, and what is refused."""

import codecs
import gzip

import pytest
from hypothesis import given
from hypothesis import strategies as st

from instructzero.errors import TaskError
from instructzero.tasks import load_task_data
from instructzero.tasks.files.encodings import decoded
from instructzero.types import Example

TABLE = "input,output\nKäse,fromage\nБелый хлеб,白面包\n"
EXAMPLES = (Example("Käse", ("fromage",)), Example("Белый хлеб", ("白面包",)))


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le+mark", "utf-16-be+mark"]
)
@pytest.mark.parametrize("packed", [False, True])
def test_load_of_every_encoding_gives_the_same_examples(tmp_path, encoding, packed):
    name, marked, _ = encoding.partition("+")
    mark = {"utf-32-le": codecs.BOM_UTF32_LE, "utf-16-be": codecs.BOM_UTF16_BE}[name] if marked else b""
    data = mark + TABLE.encode(name)
    path = tmp_path / ("food.csv.gz" if packed else "food.csv")
    path.write_bytes(gzip.compress(data) if packed else data)
    assert load_task_data(path).search == EXAMPLES
    assert load_task_data(path).name == "food"


@given(st.lists(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])), max_size=20))
def test_utf_16_without_mark_is_told_by_its_line_ends_and_delimiters(texts):
    text = "".join(f"{text[:30]},{text[30:60]}\n" for text in ["input,output", *texts])
    for encoding in ("utf-16-le", "utf-16-be", "utf-8"):
        assert decoded(text.encode(encoding), "x.csv") == text


def test_compressed_file_without_suffix_and_plain_file_with_it_load(tmp_path):
    (tmp_path / "a.csv").write_bytes(gzip.compress(TABLE.encode(), mtime=0))
    (tmp_path / "b.csv.gz").write_bytes(TABLE.encode())
    assert load_task_data(tmp_path / "a.csv").search == load_task_data(tmp_path / "b.csv.gz").search == EXAMPLES


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("a.csv", "input,output\nfée,x\n".encode("cp1252"), ["0xe9", "line 2", "'é' in Windows-1252", "as UTF-8"]),
        ("a.csv", codecs.BOM_UTF16_LE + b"a\0b", ["UTF-16-LE", "position 4"]),
        ("a.csv", b"input,output\na,b\nc\0,d\n", ["line 3", "zero byte"]),
        ("a.csv", b"PK\x03\x04rest", [".xlsx"]),
        ("a.jsonl", b"PAR1rest", [".parquet"]),
        ("a.csv.gz", gzip.compress(TABLE.encode(), mtime=0)[:-9], ["whole gzip file"]),
        ("a.csv.gz", b"\x1f\x8bnonsense", ["whole gzip file"]),
        ("a.gz", gzip.compress(TABLE.encode(), mtime=0), ["'.gz'"]),
        ("a.xls", b"x", ["'.xls'", "save the workbook as .xlsx"]),
    ],
)
def test_load_of_other_bytes_raises_naming_them(tmp_path, name, data, words):
    (tmp_path / name).write_bytes(data)
    with pytest.raises(TaskError) as refusal:
        load_task_data(tmp_path / name)
    assert all(word in str(refusal.value) for word in words), refusal.value


def test_gzip_file_of_zeros_is_refused_before_it_fills_the_memory(tmp_path):
    path = tmp_path / "zero.jsonl.gz"
    path.write_bytes(gzip.compress(bytes(60_000_000)))
    with pytest.raises(TaskError, match=r"zero\.jsonl\.gz: expected examples of at most 500 MB, packed by at most 200"):
        load_task_data(path)
