"""Rows in Python load with the checks of a file, before anything is paid."""

from collections import namedtuple

import numpy as np
import pytest

import instructzero
from instructzero.errors import ConfigurationError, TaskError
from instructzero.models.scripted import ScriptedWriter
from instructzero.tasks import load_rows, load_task_data
from instructzero.types import Example

PAIRS = [("two", 2), ("half", 0.5), ("ten", 10.0), ("yes", True)]
EXAMPLES = (Example("two", ("2",)), Example("half", ("0.5",)), Example("ten", ("10",)), Example("yes", ("true",)))
DICTS = [{"input": text, "output": answer} for text, answer in PAIRS]
Line = namedtuple("Line", "output input")


@pytest.mark.parametrize(
    "rows",
    [
        PAIRS,
        (pair for pair in PAIRS),
        DICTS,
        [{"output": [answer], "input": text} for text, answer in PAIRS],
        [Line(answer, text) for text, answer in PAIRS],
        [list(pair) for pair in PAIRS],
        EXAMPLES,
        {"input": [text for text, _ in PAIRS], "output": [answer for _, answer in PAIRS]},
        {"input": dict(enumerate(text for text, _ in PAIRS)), "output": dict(enumerate(said for _, said in PAIRS))},
        np.array([[text, str(answer)] for text, answer in [("two", 2), ("half", 0.5), ("ten", 10), ("yes", "true")]]),
    ],
    ids=lambda rows: type(rows).__name__,
)
def test_every_form_of_rows_gives_the_same_examples(rows):
    assert load_rows(rows).search == EXAMPLES


@pytest.mark.parametrize("library", ["pandas", "polars", "pyarrow"])
def test_tables_of_libraries_load(library):
    table = pytest.importorskip(library)
    make = table.table if library == "pyarrow" else table.DataFrame
    columns = {"text": ["oak", "moss"], "kinds": [["tree", "plant"], ["plant"]], "age": [3, None]}
    data = load_rows(make(columns), input_column="text", output_column="kinds")
    assert data.search == (
        Example("oak", ("tree", "plant"), {"age": 3}),
        Example("moss", ("plant",), {"age": None}),
    )


def test_whole_numbers_of_pandas_stay_whole_beside_a_gap():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"input": ["a", "b"], "output": [3, None]})
    assert load_rows(frame[:1]).search == (Example("a", ("3",)),)
    with pytest.raises(TaskError, match="row 2: expected text in 'output', got null"):
        load_rows(frame)


def test_pandas_frame_with_two_columns_of_one_name_is_refused():
    pandas = pytest.importorskip("pandas")
    with pytest.raises(TaskError, match="expected column names that differ, got 'input', 'output', 'output'"):
        load_rows(pandas.DataFrame([["a", "b", "c"]], columns=["input", "output", "output"]))


def test_equal_inputs_are_merged_and_keep_the_columns_of_the_first():
    rows = [
        {"input": "oak", "output": "tree", "page": 1},
        {"input": " oak", "output": ["plant", "tree"], "page": 2},
        ("elm", "tree"),
    ]
    assert load_rows(rows).search == (Example("oak", ("tree", "plant"), {"page": 1}), Example("elm", ("tree",)))


@pytest.mark.parametrize("name", ["search", "train"])
def test_parts_are_search_and_test_rows(name):
    data = load_rows({name: [("a", "b"), ("c", "d")], "test": [{"input": "a", "output": "x"}]})
    assert data.search == (Example("c", ("d",)),)
    assert data.test == (Example("a", ("x",)),)


def test_test_file_and_answer_separator_hold_for_rows_too(tmp_path):
    (tmp_path / "t.csv").write_text("input,output\nc,x/y\n", encoding="utf-8")
    data = load_rows([("a", "b / d"), ("c", "d")], test_source=tmp_path / "t.csv", answer_separator="/")
    assert data.search == (Example("a", ("b", "d")),)
    assert data.test == (Example("c", ("x", "y")),)


def test_key_inside_an_object_names_a_column():
    rows = [{"input": "who?", "answers": {"text": ["Ada", "she"], "start": [1, 2]}}]
    (example,) = load_rows(rows, output_column="answers.text").search
    assert example.outputs == ("Ada", "she")


@pytest.mark.parametrize(
    ("cell", "answers"),
    [
        ({"total": 3.5, "tags": ["x"]}, ('{"total": 3.5, "tags": ["x"]}',)),
        ([1, 2], ("[1, 2]",)),
        ('{"total": 1}', ('{"total": 1}',)),
        (True, ("true",)),
    ],
)
def test_objects_and_lists_are_answers_of_the_metric_json(cell, answers):
    for metric in ("json", "0.5*json + 0.5*f1"):
        assert load_rows([("a", cell)], metric=metric).search[0].outputs == answers


def test_files_keep_objects_and_several_answers_for_the_metric_json(tmp_path):
    path = tmp_path / "a.json"
    path.write_text('{"metric": "json", "examples": [{"input": "a", "output": {"n": 3.50}}]}', encoding="utf-8")
    assert load_task_data(path).search[0].outputs == ('{"n": 3.5}',)
    path.write_text('[{"input": "a", "outputs": [{"n": 1}, {"n": 2}]}]', encoding="utf-8")
    assert load_task_data(path, metric="json").search[0].outputs == ('{"n": 1}', '{"n": 2}')
    several = Example("a", ('{"n": 1}', '{"n": 2}'))
    assert load_rows([several], metric="json").search == (several,)


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([("a", "b"), ("c", None)], ["row 2", "'output'", "null"]),
        ([("a", "b"), ("c", float("nan"))], ["row 2", "null"]),
        ([("a", "b"), ("c", " ")], ["row 2", "an empty cell"]),
        ([("a", [])], ["row 1", "got none"]),
        ([("a", ["b", None])], ["row 1", "null"]),
        ([("a", {"b": 1})], ["row 1", "an object", "the metric json"]),
        ([("a", b"b")], ["row 1", "type bytes"]),
        ([(None, "b")], ["row 1", "'input'", "null"]),
        ([("a", "b", "c")], ["row 1", "3 values", "in a dict"]),
        (["ab"], ["row 1", "'ab'"]),
        (["ab", ("a", "b")], ["row 1", "'ab'"]),
        ([{"input": "a", "output": "b"}, {"input": "a", "answer": "b"}], ["row 2", "'output'", "'input', 'answer'"]),
        ([{"question": "a", "output": "b"}], ["row 1", "'input'", "'question'", "input_column"]),
        (7, ["expected rows", "type int"]),
        ([], ["at least one row"]),
        ({}, ["nothing in it"]),
        ({"oak": "tree"}, ["'oak'", "list(rows.items())"]),
        ({"input": ["a", "b"], "output": ["c"]}, ["2 as 'input', 1 as 'output'"]),
        ({"search": [("a", "b")], "test": [("c", None)]}, ["test row 1", "null"]),
    ],
)
def test_faulty_rows_are_refused_before_the_first_call(tmp_path, rows, words):
    asked = []
    with pytest.raises(TaskError) as refusal:
        instructzero.optimize(rows, writer=ScriptedWriter(), blackbox=asked.append, directory=tmp_path / "run")
    assert all(word in str(refusal.value) for word in words), refusal.value
    assert not asked


def test_run_on_rows_with_named_columns_reaches_the_right_answers(tmp_path):
    words = "ape bee cat dog eel fox gnu hen ibex jay".split()
    rows = [{"animal": word, "reversed": [word[::-1], "?"], "legs": len(word)} for word in words]
    result = instructzero.optimize(
        rows,
        input_column="animal",
        output_column="reversed",
        writer=ScriptedWriter(),
        blackbox=lambda prompt: prompt.rpartition("Input: ")[2].split("\n")[0][::-1],
        evaluations=4,
        directory=tmp_path / "run",
    )
    assert result.test_score == 1.0
    with pytest.raises(ConfigurationError, match=r"were? .*; continue it with instructzero\.optimize"):
        instructzero.resume(tmp_path / "run")


def test_json_nested_too_deeply_is_refused(tmp_path):
    path = tmp_path / "words.jsonl"
    path.write_text(f'{{"input": "a", "output": {"[" * 150}1{"]" * 150}}}\n', encoding="utf-8")
    with pytest.raises(TaskError, match=r"line 1: expected examples, got too deep a nesting$"):
        load_task_data(str(path))
