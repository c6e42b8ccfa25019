"""Files of all forms become examples, and every fault of a file is told with its place."""

import csv
import json

import pytest

from instructzero.errors import TaskError
from instructzero.tasks import TaskData, load_task_data
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
def test_every_form_gives_the_same_examples(write, name, content):
    data = load_task_data(write(name, content))
    assert data.search == PAIRS
    assert data.test is None
    assert data.name == "a"


def test_a_path_may_be_text(write):
    assert load_task_data(str(write("a.json", json.dumps(ROWS)))).search == PAIRS


def test_a_file_may_say_its_name_metric_description_and_test(write):
    content = {
        "name": "fr",
        "description": "To French.",
        "metric": "f1",
        "search": ROWS[:1],
        "test": ROWS[1:],
    }
    data = load_task_data(write("a.json", json.dumps(content)))
    assert data == TaskData("fr", PAIRS[:1], PAIRS[1:], "f1", "To French.")


def test_numbers_and_booleans_become_the_text_they_are_written_as(write):
    data = load_task_data(write("a.jsonl", '{"input": 1, "output": 3.50}\n{"input": "x", "output": [true, 7]}'))
    assert [example.outputs for example in data.search] == [("3.50",), ("true", "7")]


def test_columns_and_a_separator_can_be_named(write):
    path = write("a.csv", "word,fr\ncat, chat | le chat |\n")
    data = load_task_data(path, input_column="word", output_column="fr", answer_separator="|")
    assert data.search == (Example("cat", ("chat", "le chat")),)


def test_quoted_newlines_and_large_cells_are_read(write):
    before = csv.field_size_limit()
    large = "x" * 200_000
    data = load_task_data(write("a.csv", f'input,output\n"two\nlines",a\n{large},"b ""quoted"", c"\n'))
    assert data.search == (Example("two\nlines", ("a",)), Example(large, ('b "quoted", c',)))
    assert csv.field_size_limit() == before


def test_equal_inputs_become_one_example_with_all_answers(write):
    data = load_task_data(write("a.csv", "input,output\ncat,chat\ndog,chien\n cat ,minou\ncat,chat\n"))
    assert data.search == (Example("cat", ("chat", "minou")), PAIRS[1])


def test_a_test_file_keeps_its_inputs_and_the_search_part_loses_them(write):
    path = write("a.csv", "input,output\ncat,chat\ndog,chien\n")
    data = load_task_data(path, test_source=write("t.csv", "input,output\ndog,cabot\n"))
    assert data.search == PAIRS[:1]
    assert data.test == (Example("dog", ("cabot",)),)


def test_a_test_file_with_all_the_inputs_is_refused(write):
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
def test_a_faulty_file_is_refused_with_its_place(write, name, content, words):
    with pytest.raises(TaskError) as refusal:
        load_task_data(write(name, content))
    assert all(word in str(refusal.value) for word in words), refusal.value


def test_a_missing_file_and_a_folder_are_refused(tmp_path):
    with pytest.raises(TaskError, match="got none there"):
        load_task_data(tmp_path / "absent.csv")
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(TaskError, match="readable file"):
        load_task_data(tmp_path / "folder.csv")


def test_an_empty_separator_is_refused(write):
    with pytest.raises(TaskError, match="separator"):
        load_task_data(write("a.json", json.dumps(ROWS)), answer_separator="")


def test_data_made_by_hand_is_checked_too():
    with pytest.raises(TaskError, match="at least one search example"):
        TaskData("t", ())
    with pytest.raises(TaskError, match="every input once"):
        TaskData("t", PAIRS, PAIRS[:1])
