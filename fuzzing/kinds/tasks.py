"""Task files in all formats: foreign cells, wrong structures, damaged bytes, names of files."""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

from fuzzing.hostile import changed, damaged, text
from fuzzing.steps import SMALL, Call, Command, command, flags, rows

_NAMES = ("t", "a" * 240, "é" * 100, "a b", "-x", "%s", "a#b", "[a]", "${x}", "t.json", "\u202e")
_METRICS = (
    "exact_match", "f1", "exact_set", "contains", "numeric", "json", "choice", "macro_f1", "code", "regex:(.+)", "verbatim", "bleu", "wer",
    "0.5*f1+0.5*exact_match", "json:strict", "numeric:0.1",
)  # fmt: skip


def steps(random: Random, folder: Path, around: Path) -> Iterator[Command | Call]:
    """Write a task file, and run a search on it."""
    made = [row if random.random() < 0.8 else changed(random, row) for row in rows()]
    form = random.choice((".json", ".jsonl", ".csv", ".tsv", ".parquet", ".xlsx", ".txt", ""))
    content = _content(random, form, made)
    if random.random() < 0.4:
        content = damaged(random, content)
    if random.random() < 0.1:
        content, form = gzip.compress(content), f"{form}.gz"
        content = content[: random.randrange(len(content))] if random.random() < 0.3 else content
    path = folder / f"{random.choice(_NAMES)}{form}"
    path.write_bytes(content)
    extra: dict[str, Any] = {}
    if random.random() < 0.5:
        extra["metric"] = random.choice(_METRICS)
    for name in ("input_column", "output_column", "answer_separator", "test_data"):
        if random.random() < 0.06:
            extra[name] = text(random).replace("\0", "")
    if random.random() < 0.1:
        extra["prompt"] = random.choice(
            ("{input} {kind}", "{instruction}{input}{a}", "{input", "user: {input}\n{output}")
        )
    yield command("run", "--out", folder / "run", "--quiet", *flags({**SMALL, "task": path, **extra}))


def _content(random: Random, form: str, made: list[Any]) -> bytes:
    if form == ".parquet":
        return _parquet(made)
    if form == ".xlsx":
        return _workbook(made)
    if form in (".csv", ".tsv"):
        return _delimited(random, "\t" if form == ".tsv" else random.choice(",;|"), made)
    shown = random.choice((made, {"examples": made}, {"search": made, "test": made[:3]}, {"examples": {"1": made[0]}}))
    if form == ".json" and random.random() < 0.4:
        shown = changed(random, shown)
    whole = json.dumps(shown) if form == ".json" else "".join(json.dumps(row) + "\n" for row in made)
    return whole.encode()


def _delimited(random: Random, delimiter: str, made: list[Any]) -> bytes:
    file = io.StringIO()
    writer = csv.writer(file, delimiter=delimiter)
    writer.writerow(["input", "output"] if random.random() < 0.9 else [text(random), text(random)])
    for row in made:
        cells = [str(cell) for cell in row.values()] if isinstance(row, dict) else [str(row)]
        writer.writerow([cell.replace("\0", "") for cell in cells])
    return file.getvalue().encode("utf-8", "surrogatepass")


def _parquet(made: list[Any]) -> bytes:
    import pyarrow
    from pyarrow import parquet

    columns: dict[str, list[str]] = {}
    for name in ("input", "output"):
        columns[name] = [_plain(row.get(name) if isinstance(row, dict) else row) for row in made]
    sink = io.BytesIO()
    parquet.write_table(pyarrow.table(columns), sink)
    return sink.getvalue()


def _workbook(made: list[Any]) -> bytes:
    import openpyxl
    from openpyxl.utils.exceptions import IllegalCharacterError

    book = openpyxl.Workbook()
    sheet = book.active
    sheet.append(["input", "output"])
    for row in made:
        cells = list(row.values()) if isinstance(row, dict) else [row]
        try:
            sheet.append([_plain(cell)[:30000] for cell in cells])
        except (IllegalCharacterError, UnicodeError):
            sheet.append(["x", "y"])
    sink = io.BytesIO()
    book.save(sink)
    return sink.getvalue()


def _plain(cell: object) -> str:
    return str(cell).encode("utf-8", "replace").decode()
