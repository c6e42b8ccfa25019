"""Load a task by its name or from a file."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from instructzero.errors import TaskError
from instructzero.tasks.catalog import builtin_names, load_builtin, unknown_task
from instructzero.tasks.data import Columns, TaskData, keep_apart, to_examples
from instructzero.tasks.formats import SUFFIXES, Document, read_document
from instructzero.tasks.instruction_induction import benchmark_metric, load_benchmark_task, plain_row


def load_task_data(
    source: str | Path,
    *,
    data_dir: Path | None = None,
    test_source: Path | None = None,
    input_column: str = "input",
    output_column: str = "output",
    answer_separator: str | None = None,
) -> TaskData:
    """Load the examples of a task.

    Rows with the same input become one example that accepts the answers of all of them. An input of the test part is
    dropped from the search part, so that all splits of the data are disjoint by input.

    Parameters
    ----------
    source
        A task file (see `is_task_file`), or a name: with ``data_dir`` that of a task of the instruction-induction
        benchmark, else that of a built-in task.
    data_dir
        The folder of the instruction-induction benchmark.
    test_source
        A file whose examples replace the task's own test part.
    input_column, output_column
        The columns, or JSON keys, of the input and of the answers.
    answer_separator
        Splits a text cell with several answers. A JSON list needs none.

    Raises
    ------
    TaskError
        If the task is unknown, or its file or examples are faulty.
    """
    columns = Columns(input_column, output_column, answer_separator)
    if is_task_file(source):
        data = _load_file(Path(source), columns)
    elif data_dir is not None:
        data = load_benchmark_task(str(source), Path(data_dir))
    elif source in builtin_names():
        data = load_builtin(str(source))
    else:
        raise TaskError(unknown_task(str(source)))
    return data if test_source is None else _with_test(data, Path(test_source), columns)


def is_task_file(source: str | Path) -> bool:
    """Return True if ``source`` stands for a task file, False if it is the name of a task.

    A `Path` is a file, and so is a text with a folder separator or the suffix of a task file. The files that happen to
    exist do not matter: a file called ``sum`` in the current directory does not hide the built-in task.

    >>> is_task_file("words.jsonl"), is_task_file("data/words"), is_task_file("sum")
    (True, True, False)
    """
    if isinstance(source, Path) or "/" in source or "\\" in source:
        return True
    return Path(source).suffix.lower() in SUFFIXES


def _load_file(path: Path, columns: Columns) -> TaskData:
    document = _read(path)
    name = document.name or path.stem
    test = to_examples(document.test, columns) if document.test is not None else None
    search, test = keep_apart(name, to_examples(document.search, columns), test)
    metric = document.metric or (benchmark_metric(path.stem) if document.numbered else None)
    return TaskData(name, search, test, metric, document.description)


def _with_test(data: TaskData, path: Path, columns: Columns) -> TaskData:
    document = _read(path)
    test = to_examples(document.test or document.search, columns)
    search, kept = keep_apart(data.name, data.search, test)
    return replace(data, search=search, test=kept)


def _read(path: Path) -> Document:
    """Read a task file; a file of the benchmark keeps its special fields here too."""
    document = read_document(path)
    if not document.numbered:
        return document
    return replace(document, search=tuple(map(plain_row, document.search)))
