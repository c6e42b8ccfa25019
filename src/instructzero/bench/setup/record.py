"""The file ``setup.json`` of a cell: the machines and versions that it ran with, and the sizes of its parts.

Cells of older versions have none; `read_record` then returns an empty record.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from instructzero.bench.cell_files import write_record
from instructzero.files import read_text
from instructzero.tasks import Task

SETUP = "setup.json"
PARTS = ("exemplars", "validation", "confirmation", "test")


@dataclass(frozen=True, slots=True)
class Place:
    """A machine, and the versions of the packages on it."""

    machine: Mapping[str, str]
    versions: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class SetupRecord:
    """The recorded set-up of a cell.

    ``places`` are those that the cell ran in, several if it was stopped and continued elsewhere; ``sizes`` are the
    numbers of examples by part. Both are empty, and ``metric`` is "", if nothing was recorded.
    """

    places: tuple[Place, ...] = ()
    sizes: Mapping[str, int] = field(default_factory=dict)
    metric: str = ""


def record_setup(folder: Path, task: Task) -> None:
    """Record the set-up of the cell in ``folder``, which runs now, with the parts of its task."""
    from instructzero.bench.setup.machine import machine, versions

    here = Place(machine(), versions())
    earlier = [place for place in read_record(folder).places if place != here]
    record = {
        "places": [{"machine": place.machine, "versions": place.versions} for place in (*earlier, here)],
        "sizes": {name: len(getattr(task, name)) for name in PARTS},
        "metric": task.metric.name,
    }
    write_record(folder / SETUP, record)


def read_record(folder: Path) -> SetupRecord:
    """Return the recorded set-up of a cell; an empty one if there is no file, or it holds something else."""
    try:
        return _record(json.loads(read_text(folder / SETUP)))
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return SetupRecord()


def _record(values: Mapping[str, Any]) -> SetupRecord:
    places = tuple(Place(_texts(place["machine"]), _texts(place["versions"])) for place in values["places"])
    sizes = {name: int(values["sizes"][name]) for name in PARTS}
    return SetupRecord(places, sizes, str(values["metric"]))


def _texts(values: Mapping[str, Any]) -> dict[str, str]:
    return {str(name): str(text) for name, text in values.items()}
