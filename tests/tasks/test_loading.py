"""Task files of all formats load as examples, and the error for a faulty file names the place of the fault."""

import csv
import json
from pathlib import Path

import pytest

from instructzero.errors import TaskError
from instructzero.tasks import TaskData, is_task_file, load_builtin, load_task_data
from instructzero.types import Example

PAIRS = (Example("cat", ("chat",)), Example("dog", ("chien",)))
ROWS = [{"input": "cat", "output": "chat"}, {"input": "dog", "output": "chien"}]


@pytest.fixture
def write(tmp_path):
    def write_file(name, content):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write_file


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.jsonl", "\n".join(map(json.dumps, ROWS)) + "\n\n"),
        ("a.json", json.dumps(ROWS)),
        ("a.json", json.dumps({"examples": ROWS})),
        ("a.json", json.dumps({"examples": {"1": ROWS[0], "2": ROWS[1]}})),
        ("a.json", json.dumps({"search": [{"input": r["input"], "outputs": [r["output"]]} for r in ROWS]})),
        ("a.csv", "input,output\r\ncat,chat\r\n\r\ndog,chien\r\n"),
        ("a.CSV", "\ufeffinput,output\ncat,chat\ndog,chien"),
        ("a.tsv", "input\toutput\ncat\tchat\ndog\tchien\n"),
        ("a.jsonl", "\ufeff" + "\n".join(map(json.dumps, ROWS))),
    ],
)
def test_load_of_every_format_gives_the_same_examples(write, name, content):
    data = load_task_data(write(name, content))
    assert data.search == PAIRS
    assert data.test is None
    assert data.name == "a"


def test_load_accepts_path_as_text(write):
    assert load_task_data(str(write("a.json", json.dumps(ROWS)))).search == PAIRS


def test_load_reads_name_metric_description_and_test_part(write):
    content = {
        "name": "fr",
        "description": "To French.",
        "metric": "f1",
        "search": ROWS[:1],
        "test": ROWS[1:],
    }
    data = load_task_data(write("a.json", json.dumps(content)))
    assert data == TaskData("fr", PAIRS[:1], PAIRS[1:], "f1", "To French.")


def test_load_keeps_numbers_and_booleans_as_written(write):
    data = load_task_data(write("a.jsonl", '{"input": 1, "output": 3.50}\n{"input": "x", "output": [true, 7]}'))
    assert [example.outputs for example in data.search] == [("3.50",), ("true", "7")]


def test_load_uses_named_columns_and_separator(write):
    path = write("a.csv", "word,fr\ncat, chat | le chat |\n")
    data = load_task_data(path, input_column="word", output_column="fr", answer_separator="|")
    assert data.search == (Example("cat", ("chat", "le chat")),)


def test_load_reads_quoted_newlines_and_large_cells(write):
    before = csv.field_size_limit()
    large = "x" * 200_000
    data = load_task_data(write("a.csv", f'input,output\n"two\nlines",a\n{large},"b ""quoted"", c"\n'))
    assert data.search == (Example("two\nlines", ("a",)), Example(large, ('b "quoted", c',)))
    assert csv.field_size_limit() == before


def test_load_merges_rows_with_equal_inputs(write):
    data = load_task_data(write("a.csv", "input,output\ncat,chat\ndog,chien\n cat ,minou\ncat,chat\n"))
    assert data.search == (Example("cat", ("chat", "minou")), PAIRS[1])


def test_load_drops_inputs_of_test_file_from_search_part(write):
    path = write("a.csv", "input,output\ncat,chat\ndog,chien\n")
    data = load_task_data(path, test_source=write("t.csv", "input,output\ndog,cabot\n"))
    assert data.search == PAIRS[:1]
    assert data.test == (Example("dog", ("cabot",)),)


def test_load_with_all_inputs_in_test_file_raises(write):
    path = write("a.json", json.dumps(ROWS))
    with pytest.raises(TaskError, match="search inputs that the test part does not have"):
        load_task_data(path, test_source=path)


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.jsonl", '{"input": "a", "output": "b"}\n{"input": ', ["a.jsonl, line 2", "expected JSON"]),
        ("a.jsonl", '{"input": "a", "output": "b"}\n\n[1]', ["a.jsonl, line 3", "an object"]),
        ("a.json", "[\n{]", ["a.json, line 2"]),
        ("a.json", "[" * 100_000, ["a.json, line 1"]),
        ("a.json", "3", ["list of objects"]),
        ("a.json", '{"data": []}', ["'data'"]),
        ("a.json", '{"examples": 3}', ["list of examples"]),
        ("a.json", '{"metric": 3.5, "examples": [[]]}', ["object such as"]),
        ("a.json", '{"metric": ["f1"], "examples": [{"input": "a", "output": "b"}]}', ["text as 'metric'"]),
        ("a.json", "[]", ["empty task"]),
        ("a.jsonl", "", ["empty task"]),
        ("a.csv", "", ["empty task"]),
        ("a.csv", "input,output\n", ["empty task"]),
        ("a.json", '[{"input": "a", "output": null}]', ["example 1", "'output'", "null"]),
        ("a.json", '[{"input": "a", "output": NaN}]', ["example 1", "'output'", "null"]),
        ("a.json", '[{"input": "a", "output": " "}]', ["example 1", "empty"]),
        ("a.json", '[{"input": "a", "output": []}]', ["example 1", "got none"]),
        ("a.json", '[{"input": "a", "output": ["x", ""]}]', ["example 1", "empty"]),
        ("a.json", '[{"input": {}, "output": "x"}]', ["example 1", "'input'", "an object"]),
        ("a.json", '[{"input": "a"}]', ["example 1", "column 'output'", "'input'"]),
        ("a.json", '[{"input": "\\ud800", "output": "x"}]', ["example 1", "surrogate"]),
        ("a.csv", "input,outptu\na,b\n", ["line 2", "'outptu'", "did you mean 'outptu'"]),
        ("a.csv", 'input,output\n"a\nb",c\nd\n', ["line 4", "expected 2 cells", "got 1"]),
        ("a.csv", "input,output\na,b,c\n", ["line 2", "got 3"]),
        ("a.csv", "input,output\na,\n", ["line 2", "'output'", "empty"]),
        ("a.csv", 'input,output\na,"b\n', ["line 2", "row of the table"]),
        ("a.csv", "input,input\na,b\n", ["line 1", "differ"]),
        ("a.csv", b"input,output\na,b\n\xe9,c\n", ["UTF-8", "0xe9", "position 17", "line 3"]),
        ("a.csv", b"\xef\xbb\xbfinput,output\na,b\n\xe9,c\n", ["0xe9", "position 20", "line 3"]),
        ("a.txt", "a", [".jsonl", "'.txt'"]),
    ],
)
def test_load_of_faulty_file_names_the_place(write, name, content, words):
    with pytest.raises(TaskError) as refusal:
        load_task_data(write(name, content))
    assert all(word in str(refusal.value) for word in words), refusal.value


def test_load_of_missing_file_or_folder_raises(tmp_path):
    with pytest.raises(TaskError, match="got none there"):
        load_task_data(tmp_path / "absent.csv")
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(TaskError, match="readable file"):
        load_task_data(tmp_path / "folder.csv")


def test_load_with_empty_separator_raises(write):
    with pytest.raises(TaskError, match="separator"):
        load_task_data(write("a.json", json.dumps(ROWS)), answer_separator="")


def test_task_data_checks_its_examples():
    with pytest.raises(TaskError, match="at least one search example"):
        TaskData("t", ())
    with pytest.raises(TaskError, match="every input once"):
        TaskData("t", PAIRS, PAIRS[:1])


@pytest.mark.parametrize("source", ["words.jsonl", "WORDS.CSV", "./sum", "data\\sum", Path("sum"), "no/such/file.tsv"])
def test_path_or_known_suffix_is_task_file(source):
    assert is_task_file(source)


@pytest.mark.parametrize("source", ["sum", "no_such_task", "", "v1.2"])
def test_name_is_no_task_file(source):
    assert not is_task_file(source)


def test_stray_file_with_name_of_builtin_task_does_not_hide_it(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "sum").write_text("a note")
    assert not is_task_file("sum")
    assert load_task_data("sum") == load_builtin("sum")
