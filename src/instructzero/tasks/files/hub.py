"""Data sets of the library ``datasets``: from the Hugging Face hub, from a folder, and as objects in Python.

``datasets`` is imported when a data set is read.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from instructzero.errors import TaskError
from instructzero.tasks.data import Row
from instructzero.tasks.files.tables import first_line, missing_library

PREFIX = "hf:"
FORM = "hf:NAME[#CONFIG][:SPLIT]"
_SPEC = re.compile(r"hf:(?P<name>[^#:]+)(?:#(?P<config>[^:]+))?(?::(?P<split>.+))?")
_SAVED = ("dataset_dict.json", "dataset_info.json", "state.json")  # what save_to_disk writes


@dataclass(frozen=True)
class DatasetSource:
    """A data set by name.

    Parameters
    ----------
    name
        Its name on the hub, or a folder: one that ``save_to_disk`` wrote, or one of Parquet, JSON lines or CSV files.
    config
        The configuration, for data sets that have several.
    split
        The split as ``datasets`` writes it, such as ``train`` or ``train[:500]``; None is the split ``train``, or the
        only one, for the search, and ``test`` for the final test, if there is one.

    >>> DatasetSource.parse("hf:openai/gsm8k#main:train[:500]")
    DatasetSource(name='openai/gsm8k', config='main', split='train[:500]')
    """

    name: str
    config: str | None = None
    split: str | None = None

    @classmethod
    def parse(cls, spec: str) -> DatasetSource:
        """Read the form ``hf:NAME[#CONFIG][:SPLIT]``; raise `TaskError` for another one."""
        found = _SPEC.fullmatch(spec)
        if found is None:
            raise TaskError(f"expected a data set as {FORM}, got {spec!r}; name it so")
        return cls(found["name"], found["config"], found["split"])

    def __str__(self) -> str:
        config = f"#{self.config}" if self.config else ""
        return f"{PREFIX}{self.name}{config}{f':{self.split}' if self.split else ''}"

    @property
    def folder(self) -> Path | None:
        """The folder, if there is one of this name."""
        path = Path(self.name)
        return path if os.path.isdir(path) else None

    def resolved(self) -> DatasetSource:
        """Return the source with the absolute path of its folder, if it is one."""
        return DatasetSource(str(self.folder.resolve()), self.config, self.split) if self.folder else self


def read_dataset(source: DatasetSource) -> tuple[tuple[Row, ...], tuple[Row, ...] | None]:
    """Return the rows for the search, and those of the final test if the data set has a split for it.

    Raises
    ------
    TaskError
        If there is no such data set, configuration or split, or ``datasets`` is not installed.
    """
    try:
        import datasets
    except ImportError:
        raise TaskError(missing_library(source, "datasets", "datasets")) from None
    try:
        found = _load(datasets, source)
    except Exception as error:  # of the hub's client, of the readers of many formats, of the network
        raise TaskError(
            f"{source}: expected a data set, got {first_line(error)}; check the name ({FORM}) and the network"
        ) from None
    where = f"{source}, "
    return split_rows(found, where) if isinstance(found, Mapping) else (dataset_rows(found, where), None)


def _load(datasets: Any, source: DatasetSource) -> Any:
    folder = source.folder
    if folder is None:  # with the progress of the download
        return datasets.load_dataset(source.name, source.config, split=source.split)
    with _without_bars(datasets):
        if any((folder / name).exists() for name in _SAVED):
            return _saved(datasets, source)
        return datasets.load_dataset(source.name, source.config, split=source.split)


def _saved(datasets: Any, source: DatasetSource) -> Any:
    """Return what ``save_to_disk`` wrote, which the library itself reads without splits and slices."""
    if source.config:
        raise ValueError("a folder without configurations")
    saved = datasets.load_from_disk(source.name)
    if source.split is None:
        return saved
    splits = saved if isinstance(saved, Mapping) else {str(saved.split or "train"): saved}
    sizes = {name: len(split) for name, split in splits.items()}
    parts = datasets.ReadInstruction.from_spec(source.split).to_absolute(sizes)
    return datasets.concatenate_datasets(
        [splits[part.splitname].select(range(part.from_ or 0, sizes[part.splitname] if part.to is None else part.to))
         for part in parts]
    )  # fmt: skip


def split_rows(splits: Mapping[str, Any], where: str) -> tuple[tuple[Row, ...], tuple[Row, ...] | None]:
    """Return the rows of the split ``train``, or of the only one, and those of ``test`` if there are both.

    Parameters
    ----------
    splits
        The data sets by the names of their splits.
    where
        The beginning of a row's place in errors.

    Raises
    ------
    TaskError
        If it is not clear which split to search on.
    """
    names = list(splits)
    name = "train" if "train" in names else names[0] if len(names) == 1 else None
    if name is None:
        raise TaskError(f"{where}expected a split 'train', got {', '.join(map(repr, names))}; choose one of them")
    test = dataset_rows(splits["test"], f"{where}test ") if name != "test" and "test" in names else None
    return dataset_rows(splits[name], f"{where}{name} "), test


def dataset_rows(dataset: Any, where: str) -> tuple[Row, ...]:
    """Return the rows of a data set, with names for class labels and without pictures, sound and video."""
    features: Mapping[str, Any] = dataset.features or {}
    media = [name for name, feature in features.items() if _is_media(feature)]
    dataset = dataset.with_format(None).remove_columns(media) if media else dataset.with_format(None)
    reads = {name: _reader(feature) for name, feature in features.items() if name not in media}
    return tuple(
        Row.of(f"{where}row {number}", {name: reads.get(name, _same)(cell) for name, cell in row.items()})
        for number, row in enumerate(dataset, start=1)
    )


def _is_media(feature: Any) -> bool:
    """Return True for a feature that decodes files, such as pictures; the libraries for it may not be installed."""
    inner = getattr(feature, "feature", None)
    if isinstance(feature, Mapping):
        return any(map(_is_media, feature.values()))
    return hasattr(feature, "decode_example") or (inner is not None and _is_media(inner))


def _same(cell: Any) -> Any:
    return cell


def _reader(feature: Any) -> Callable[[Any], Any]:
    """Return the function that gives class labels their names, also inside lists and objects."""
    if hasattr(feature, "int2str"):
        return lambda cell: feature.names[cell] if cell is not None and cell >= 0 else None  # -1: not labelled
    if isinstance(feature, Mapping):
        readers = {name: _reader(inner) for name, inner in feature.items()}
        return lambda cell: (
            cell if cell is None else {name: readers.get(name, _same)(value) for name, value in cell.items()}
        )
    if (inner := getattr(feature, "feature", None)) is not None:
        read = _reader(inner)
        return lambda cell: [read(value) for value in cell] if isinstance(cell, list) else cell
    return _same


@contextmanager
def _without_bars(datasets: Any) -> Iterator[None]:
    """Switch the progress bars of ``datasets`` off for a while, since the run has a display of its own."""
    hidden = datasets.are_progress_bars_disabled()
    datasets.disable_progress_bars()
    try:
        yield
    finally:
        if not hidden:
            datasets.enable_progress_bars()
