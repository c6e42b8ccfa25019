"""Load a task: by its name, from a file, from a data set of the Hugging Face hub, or from rows in Python."""

from __future__ import annotations

import os
import re
from dataclasses import replace
from pathlib import Path

from instructzero.errors import TaskError
from instructzero.tasks.catalog import builtin_names, load_builtin, unknown_task
from instructzero.tasks.data import Columns, TaskData, keep_apart, to_examples
from instructzero.tasks.files.formats import Document, FilePlace, is_task_suffix, read_document
from instructzero.tasks.files.hub import PREFIX, DatasetSource, read_dataset
from instructzero.tasks.files.rows import Rows, rows_document
from instructzero.tasks.instruction_induction import benchmark_metric, load_benchmark_task, plain_row

_SUM = re.compile(r"\s*[\d.]+\s*\*")
_JSON = re.compile(r"(?:.*\*)?\s*json\b(?![.-])")


def load_task_data(
    source: str | Path,
    *,
    data_dir: Path | None = None,
    test_source: str | Path | None = None,
    input_column: str = "input",
    output_column: str = "output",
    answer_separator: str | None = None,
    metric: str | None = None,
    shown: tuple[str, ...] = (),
) -> TaskData:
    """Load the examples of a task.

    Rows with the same input become one example that accepts the answers of all of them. An input of the test part is
    dropped from the search part, so that all splits of the data are disjoint by input.

    Parameters
    ----------
    source
        A task file (see `is_task_file`), a data set ``hf:NAME[#CONFIG][:SPLIT]`` (see `DatasetSource`), or a name: with
        ``data_dir`` that of a task of the instruction-induction benchmark, else that of a built-in task.
    data_dir
        The folder of the instruction-induction benchmark.
    test_source
        A file or data set whose examples replace the task's own test part.
    input_column, output_column
        The columns, or JSON keys, of the input and of the answers. An input of several columns is ``subject,body``.
    answer_separator
        Splits a text cell with several answers. A JSON list needs none.
    metric
        The metric of the run, if it is not the task's own. With ``json``, also as a term of a sum, an object or a list
        in the output column is one answer: its JSON text. With other metrics a list holds several accepted answers.
    shown
        Columns that the prompt shows; see `Columns`.

    Raises
    ------
    TaskError
        If the task is unknown, or its file or examples are faulty.
    """
    columns = Columns(input_column, output_column, answer_separator, shown=shown)
    if is_dataset(source) or is_task_file(source):
        data = _task_data(_read(source), source_name(source), columns, metric)
    elif data_dir is not None:
        data = load_benchmark_task(str(source), Path(data_dir))
    elif source in builtin_names():
        data = load_builtin(str(source))
    else:
        raise TaskError(unknown_task(str(source)))
    return data if test_source is None else _with_test(data, test_source, columns, metric)


def load_rows(
    rows: Rows,
    *,
    name: str = "examples",
    test_source: str | Path | None = None,
    input_column: str = "input",
    output_column: str = "output",
    answer_separator: str | None = None,
    metric: str | None = None,
    shown: tuple[str, ...] = (),
) -> TaskData:
    """Load the examples of a task from rows in Python, with the checks and merges of a file.

    Parameters
    ----------
    rows
        See `Rows`.
    name
        The task's name.
    test_source, input_column, output_column, answer_separator, metric, shown
        As in `load_task_data`.

    Raises
    ------
    TaskError
        If a row is faulty; the message names it, and the first row is row 1.

    >>> load_rows([{"input": "cat", "output": ["chat", "minou"]}]).search
    (Example(input='cat', outputs=('chat', 'minou')),)
    """
    columns = Columns(input_column, output_column, answer_separator, shown=shown)
    data = _task_data(rows_document(rows, columns), name, replace(columns, halves=True), metric)
    return data if test_source is None else _with_test(data, test_source, columns, metric)


def is_task_file(source: str | Path) -> bool:
    """Return True if ``source`` stands for a task file, False if it is the name of a task or data set.

    A `Path` is a file, and so is a text with a folder separator or the suffix of a task file. The files that happen to
    exist do not matter: a file called ``sum`` in the current directory does not hide the built-in task.

    >>> is_task_file("words.jsonl"), is_task_file("data/words"), is_task_file("sum"), is_task_file("hf:a/b")
    (True, True, False, False)
    """
    if is_dataset(source):
        return False
    return isinstance(source, Path) or "/" in source or "\\" in source or is_task_suffix(source)


def is_dataset(source: str | Path) -> bool:
    """Return True if ``source`` has the form of a data set, ``hf:NAME``."""
    return str(source).startswith(PREFIX)


def source_name(source: str | Path) -> str:
    """Return the name of the task from ``source``: a file's name without folder and suffix, a data set's last part.

    >>> source_name("data/words.csv.gz"), source_name("hf:openai/gsm8k#main:train"), source_name("sum")
    ('words', 'gsm8k', 'sum')
    """
    if is_dataset(source):
        return Path(DatasetSource.parse(str(source)).name).name
    return FilePlace.of(source).name if is_task_file(source) else str(source)


def resolved(source: str | Path) -> str:
    """Return ``source`` with the absolute path of its file or folder, if it is a `Path` or there is one."""
    if is_dataset(source):
        return str(DatasetSource.parse(str(source)).resolved())
    place = FilePlace.of(source)
    is_file = isinstance(source, Path) or (is_task_file(source) and os.path.exists(place.path))
    return place.resolved() if is_file else str(source)


def takes_objects(metric: str | None) -> bool:
    """Return True if objects and lists are answers for the metric: ``json``, also with a parameter or in a sum.

    >>> takes_objects("json"), takes_objects("0.5*json:fields + 0.5*f1"), takes_objects("f1"), takes_objects("json.x:f")
    (True, True, False, False)
    """
    terms = (metric or "").split("+") if _SUM.match(metric or "") else [metric or ""]
    return any(_JSON.match(term) for term in terms)


def _task_data(document: Document, name: str, columns: Columns, metric: str | None) -> TaskData:
    own = document.metric or (benchmark_metric(name) if document.numbered else None)
    name = document.name or name
    columns = replace(columns, objects=takes_objects(metric or own))
    test = to_examples(document.test, columns) if document.test is not None else None
    search, test = keep_apart(name, to_examples(document.search, columns), test)
    return TaskData(name, search, test, own, document.description)


def _with_test(data: TaskData, source: str | Path, columns: Columns, metric: str | None) -> TaskData:
    document = _read(source)
    columns = replace(columns, objects=takes_objects(metric or data.metric))
    search, test = keep_apart(data.name, data.search, to_examples(document.test or document.search, columns))
    return replace(data, search=search, test=test)


def _read(source: str | Path) -> Document:
    """Read a task file or data set; a file of the benchmark keeps its special fields here too."""
    if is_dataset(source):
        return Document(*read_dataset(DatasetSource.parse(str(source))))
    document = read_document(source)
    if not document.numbered:
        return document
    return replace(document, search=tuple(map(plain_row, document.search)))
