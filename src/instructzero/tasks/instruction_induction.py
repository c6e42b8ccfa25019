"""The instruction-induction benchmark (Honovich et al., 2022), with the tasks the InstructZero paper added.

Its folder holds ``induce/NAME.json`` for the search and ``execute/NAME.json`` for the test. A few tasks keep
their input and answers in fields of their own. This module converts them as the published code does.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

from instructzero.errors import TaskError
from instructzero.tasks.data import Columns, Row, TaskData, keep_apart, to_examples
from instructzero.tasks.files.formats import read_document
from instructzero.tasks.hints import nearest_hint
from instructzero.types import Example

_METRICS = {
    "common_concept": "f1",
    "informal_to_formal": "f1",
    "orthography_starts_with": "exact_set",
    "taxonomy_animal": "exact_set",
    "synonyms": "contains",
}
_FURTHER_ANSWERS = ("other_rhymes", "possible_translations", "all_common_concepts")
_SPECIAL = ("cause", "effect", "items", *_FURTHER_ANSWERS)  # they have become the input and the answers


def benchmark_metric(name: str) -> str:
    """Return the paper's metric for the benchmark's task ``name``."""
    return _METRICS.get(name, "exact_match")


def benchmark_names(data_dir: Path) -> tuple[str, ...]:
    """Return the names of the tasks in the benchmark's folder, sorted."""
    return tuple(sorted(path.stem for path in (data_dir / "induce").glob("*.json")))


def load_benchmark_task(name: str, data_dir: Path) -> TaskData:
    """Return the task ``name`` of the benchmark's folder; without an ``execute`` file it has no test part.

    Raises
    ------
    TaskError
        If the folder or the task does not exist, or a file is faulty.
    """
    names = benchmark_names(data_dir)
    if not names:
        raise TaskError(f"{data_dir}: expected the benchmark's folder with induce/NAME.json, got no such file")
    if name not in names:
        asked = f"unknown task {name!r} in {data_dir}"
        raise TaskError(f"{asked}{nearest_hint(name, names)}; expected one of {', '.join(names)}")
    test_path = data_dir / "execute" / f"{name}.json"
    test = _examples(test_path) if test_path.exists() else None
    search, test = keep_apart(name, _examples(data_dir / "induce" / f"{name}.json"), test)
    return TaskData(name, search, test, benchmark_metric(name))


def _examples(path: Path) -> tuple[Example, ...]:
    return to_examples(map(plain_row, read_document(path).search), Columns())


def plain_row(row: Row) -> Row:
    """Return a row of the benchmark with its special fields converted to ``input`` and ``output``.

    The task's own ``output`` comes first, because an exemplar shows the first answer.
    """
    cells = dict(row.cells)
    if "cause" in cells and "effect" in cells:
        cells["input"] = _either_order(str(cells["cause"]), str(cells["effect"]))
        cells["output"] = cells["cause"]
    if isinstance(items := cells.get("items"), list):
        cells["input"] = ", ".join(map(str, items))
    answers = [answer for key in _FURTHER_ANSWERS for answer in _listed(cells, key)]
    if answers:
        cells["output"] = [*([cells["output"]] if "output" in cells else []), *answers]
    return Row(row.where, {name: cell for name, cell in cells.items() if name not in _SPECIAL})


def _listed(cells: Mapping[str, object], key: str) -> list[object]:
    """Return the further answers under ``key``, without the empty texts that the published lists contain."""
    listed = cells.get(key)
    return [answer for answer in listed if str(answer).strip()] if isinstance(listed, list) else []


def _either_order(cause: str, effect: str) -> str:
    """Return the two sentences in an order that depends on their text alone, so that equal pairs give equal inputs."""
    first, second = cause, effect
    if hashlib.sha256(f"{cause}\n{effect}".encode()).digest()[0] % 2:
        first, second = effect, cause
    return f"Sentence 1: {first} Sentence 2: {second}"
