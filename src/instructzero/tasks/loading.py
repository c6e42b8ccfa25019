"""Loading a task by its name or from a file."""

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
    """The examples of a task; raises `TaskError` for whatever is wrong with them.

    ``source`` is a file (.jsonl, .json, .csv, .tsv), with ``data_dir`` a task of the
    instruction-induction benchmark in that folder, else a built-in task. A cell with several answers is a
    list, or text that ``answer_separator`` splits. Rows with the same input become one example that
    accepts the answers of all of them, and an input of the test part is dropped from the search part, so
    that whatever is split from the data is disjoint by input. ``test_source`` replaces the test part that
    the task brings along.
    """
    columns = Columns(input_column, output_column, answer_separator)
    if _is_path(source):
        data = _load_file(Path(source), columns)
    elif data_dir is not None:
        data = load_benchmark_task(str(source), Path(data_dir))
    elif source in builtin_names():
        data = load_builtin(str(source))
    else:
        raise TaskError(unknown_task(str(source)))
    return data if test_source is None else _with_test(data, Path(test_source), columns)


def _is_path(source: str | Path) -> bool:
    """A `Path`, or a text with a folder or known suffix; other texts are names."""
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
    """A file of the benchmark may be given by its path too, special fields and all."""
    document = read_document(path)
    if not document.numbered:
        return document
    return replace(document, search=tuple(map(plain_row, document.search)))
