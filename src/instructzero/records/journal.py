"""The append-only record of a run, and its replay.

One JSON object a line, each ending in a checksum of itself. A torn last line (a crash while writing) is cut; any
other damage is an error. The journal holds no clock reading: the same settings and seed give the same bytes.

    run      what the run is: format version, digests of the task, identities of the models
    plain    the instruction without a soft prompt, with its validation results
    baseline the user's own instruction, with its validation results
    round    the points of a round, what the writer wrote for them, and which of them are evaluated (all if not said);
             where texts were made from others also what was asked for, and what was paid for it
    trial    the validation results of the next of these
    cut_short    the validation results of one of these, whose race a limit stopped; the trial may follow later
    confirmation, test    the results of an instruction on the examples that were kept for the end
"""

from __future__ import annotations

import json
import os
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from instructzero.errors import RunDirectoryError
from instructzero.types import Candidate, Evaluation, Proposal, Rewrite, Trial, Usage, Writing

VERSION = 1

Record = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Round:
    """What was written in one round, and the positions of what was chosen to be evaluated, in that order.

    ``usage`` is what was asked of the black box so that it writes.
    """

    number: int
    candidates: tuple[Candidate, ...]
    chosen: tuple[int, ...]
    usage: Usage = field(default_factory=Usage)

    @property
    def planned(self) -> list[Candidate]:
        """The candidates to evaluate."""
        return [self.candidates[position] for position in self.chosen]

    @property
    def unpaid(self) -> list[Candidate]:
        """The other candidates."""
        chosen = set(self.chosen)
        return [each for position, each in enumerate(self.candidates) if position not in chosen]


@dataclass
class History:
    """What has happened in a run so far; `Journal` keeps it equal to the file."""

    header: Record | None = None
    plain: tuple[Writing, Evaluation] | None = None
    baseline: tuple[str, Evaluation] | None = None
    rounds: list[Round] = field(default_factory=list)
    trials: list[Trial] = field(default_factory=list)
    cut_short: dict[str, Evaluation] = field(default_factory=dict)
    confirmations: dict[str, Evaluation] = field(default_factory=dict)
    tests: dict[str, Evaluation] = field(default_factory=dict)

    @property
    def pending(self) -> list[Candidate]:
        """What the last round has chosen and not evaluated yet."""
        if not self.rounds:
            return []
        before = sum(len(each.chosen) for each in self.rounds[:-1])  # all of them evaluated
        return self.rounds[-1].planned[len(self.trials) - before :]

    def trials_of(self, round_number: int) -> list[Trial]:
        """The evaluations of one round."""
        return [trial for trial in self.trials if trial.round == round_number]

    def known_evaluations(self, before_round: int | None = None) -> dict[str, Evaluation]:
        """Validation results by instruction text; of trials those of the rounds before this one."""
        past = [trial for trial in self.trials if before_round is None or trial.round < before_round]
        known = dict(self.cut_short) if before_round is None else {}
        known |= {trial.instruction: trial.evaluation for trial in reversed(past)}
        if self.baseline:
            known[self.baseline[0]] = self.baseline[1]
        if self.plain:
            known[self.plain[0].instruction] = self.plain[1]
        return known

    @property
    def rewrites(self) -> list[Rewrite]:
        """Every text that was asked for."""
        candidates = [candidate for each in self.rounds for candidate in each.candidates]
        return [each.proposal.rewrite for each in candidates if each.proposal.rewrite is not None]

    def search_usage(self) -> Usage:
        """What the search itself asked of the black box: to have texts written, and to score them."""
        usages = [each.usage for each in self.rounds] + [trial.evaluation.usage for trial in self.trials]
        return sum(usages, Usage())

    def usage(self) -> Usage:
        """All that was asked of the black box."""
        evaluations = [*self.confirmations.values(), *self.tests.values()]
        evaluations += [each[1] for each in (self.plain, self.baseline) if each]
        return sum((evaluation.usage for evaluation in evaluations), self.search_usage())


class Journal:
    """Appends records durably and replays them.

    >>> journal = Journal(Path("runs/demo/journal.jsonl"))          # doctest: +SKIP
    >>> journal.start(header)                                       # doctest: +SKIP
    >>> journal.add_trial(trial); journal.history.trials[-1] == trial  # doctest: +SKIP
    True
    """

    def __init__(self, path: Path, *, mend: bool = True) -> None:
        """Open or create ``path``; raises `RunDirectoryError` for a damaged or unwritable file.

        Who only reads does not ``mend``: the last line may be torn because it is being written just now.
        """
        self.path = path
        self.history = History()
        for record in _read(path, mend):
            _replay(path, self.history, record)

    def start(self, header: Mapping[str, Any]) -> None:
        """Write the header of a new run, or compare it with the one there; a difference is refused."""
        expected = {"version": VERSION, **header}
        if self.history.header is None:
            self._append({"kind": "run", **expected})
            return
        for name, value in expected.items():
            found = self.history.header.get(name)
            if found != value:
                raise RunDirectoryError(
                    f"{self.path} was begun with another {name} ({found!r}, now {value!r}); "
                    f"use another directory, or restore what has changed"
                )

    def set_plain(self, writing: Writing, evaluation: Evaluation) -> None:
        self._append({"kind": "plain", "writing": asdict(writing), "evaluation": _encode(evaluation)})

    def set_baseline(self, instruction: str, evaluation: Evaluation) -> None:
        self._append({"kind": "baseline", "instruction": instruction, "evaluation": _encode(evaluation)})

    def add_round(self, candidates: Sequence[Candidate], chosen: Sequence[int], usage: Usage | None = None) -> None:
        """Record what was written, the positions of what is to be evaluated, and what was paid for the writing."""
        record = {
            "kind": "round",
            "round": len(self.history.rounds),
            "points": [each.proposal.z for each in candidates],
            "writings": [asdict(each.writing) for each in candidates],
        }
        if list(chosen) != list(range(len(candidates))):
            record["chosen"] = list(chosen)
        rewrites = [each.proposal.rewrite for each in candidates]
        if any(rewrites):
            record["rewrites"] = [None if each is None else asdict(each) for each in rewrites]
        if usage is not None and usage != Usage():
            record["usage"] = asdict(usage)
        self._append(record)

    def add_trial(self, evaluation: Evaluation) -> Trial:
        """Record the results of the next pending candidate."""
        number = len(self.history.trials)
        self._append({"kind": "trial", "number": number, "evaluation": _encode(evaluation)})
        return self.history.trials[-1]

    def add_cut_short(self, instruction: str, evaluation: Evaluation) -> None:
        self._append({"kind": "cut_short", "instruction": instruction, "evaluation": _encode(evaluation)})

    def add_confirmation(self, instruction: str, evaluation: Evaluation) -> None:
        self._append({"kind": "confirmation", "instruction": instruction, "evaluation": _encode(evaluation)})

    def add_test(self, instruction: str, evaluation: Evaluation) -> None:
        self._append({"kind": "test", "instruction": instruction, "evaluation": _encode(evaluation)})

    def _append(self, record: Record) -> None:
        """One line, on the disk before this returns."""
        line = _seal(record)
        try:
            with self.path.open("ab") as file:
                file.write(line)
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise RunDirectoryError(
                f"cannot write {self.path}: {error.strerror}; make room or choose another directory, then resume"
            ) from None
        _replay(self.path, self.history, _unseal(line[:-1]))  # what a replay would see, to the last bit


class JournalReader:
    """Replays a journal that another process writes, each line once; changes nothing there.

    >>> reader = JournalReader(Path("runs/demo/journal.jsonl"))  # doctest: +SKIP
    >>> reader.read(), len(reader.history.trials)                # doctest: +SKIP
    (True, 5)
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._start_over()

    def read(self) -> bool:
        """Replay what was written since the last time; whether there was anything.

        A file that was begun anew is read into another ``history``. Raises `RunDirectoryError` for a damaged file, and
        reads it from its beginning the next time.
        """
        history = self.history
        try:
            added = self._added()
            for record in _records(self.path, added, self._lines):
                _replay(self.path, self.history, record)
        except RunDirectoryError:
            self._start_over()
            raise
        self._offset += len(added)
        self._lines += added.count(b"\n")
        return bool(added) or self.history is not history

    def _start_over(self) -> None:
        self.history = History()
        self._file: int | None = None
        self._offset = self._lines = 0

    def _added(self) -> bytes:
        """The whole lines that were not replayed yet."""
        try:
            with self.path.open("rb") as file:
                status = os.fstat(file.fileno())
                if status.st_ino != self._file or status.st_size < self._offset:
                    self._start_over()
                    self._file = status.st_ino
                file.seek(self._offset)
                return _whole_lines(file.read())
        except FileNotFoundError:
            if self._file is not None:
                self._start_over()
            return b""
        except OSError as error:
            raise _unreadable(self.path, error) from None


def _replay(path: Path, history: History, record: Record) -> None:
    try:
        _REPLAY[record["kind"]](history, record)
    except (KeyError, ValueError, TypeError, IndexError) as error:
        raise RunDirectoryError(
            f"{path} holds a record that does not fit ({type(error).__name__}: {error}); "
            f"restore the file from a copy or start in another directory"
        ) from None


def _seal(record: Record) -> bytes:
    body = json.dumps(record, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    return f'{body[:-1]},"check":"{zlib.crc32(body.encode()):08x}"}}\n'.encode()


def _unseal(line: bytes) -> Record:
    """The record of a line; raises ValueError when the checksum does not fit."""
    record: Record = json.loads(line)
    check = record.pop("check")
    if _seal(record) != line + b"\n":
        raise ValueError(f"checksum {check} does not fit")
    return record


def _read(path: Path, mend: bool) -> list[Record]:
    """All whole records; to ``mend`` is to cut a torn last line from the file."""
    try:
        content = path.read_bytes() if path.exists() else b""
        whole = _whole_lines(content)
        if mend and whole != content:
            os.truncate(path, len(whole))
    except OSError as error:
        raise _unreadable(path, error) from None
    return _records(path, whole)


def _whole_lines(content: bytes) -> bytes:
    return content[: content.rfind(b"\n") + 1]


def _unreadable(path: Path, error: OSError) -> RunDirectoryError:
    return RunDirectoryError(f"cannot open {path}: {error.strerror}; check its permissions")


def _records(path: Path, lines: bytes, before: int = 0) -> list[Record]:
    """The records of whole lines, ``before`` which there are so many others."""
    records = []
    for number, line in enumerate(lines.splitlines(), start=before + 1):
        try:
            records.append(_unseal(line))
        except (ValueError, KeyError, AttributeError):
            raise RunDirectoryError(
                f"{path} is damaged at line {number}; restore the file from a copy or start in another directory"
            ) from None
    return records


def _encode(evaluation: Evaluation) -> Record:
    return asdict(evaluation)


def _decode(record: Record) -> Evaluation:
    return Evaluation(tuple(record["scores"]), tuple(record["predictions"]), Usage(**record["usage"]))


def _replay_run(history: History, record: Record) -> None:
    history.header = {name: value for name, value in record.items() if name != "kind"}


def _replay_plain(history: History, record: Record) -> None:
    history.plain = Writing(**record["writing"]), _decode(record["evaluation"])


def _replay_baseline(history: History, record: Record) -> None:
    history.baseline = record["instruction"], _decode(record["evaluation"])


def _replay_round(history: History, record: Record) -> None:
    if record["round"] != len(history.rounds) or history.pending:
        raise ValueError(f"round {record['round']} out of order")
    points, writings = record["points"], record["writings"]
    rewrites = record.get("rewrites", [None] * len(points))
    candidates = tuple(
        Candidate(_proposal(*asked), Writing(**writing))
        for *asked, writing in zip(points, rewrites, writings, strict=True)
    )
    chosen = tuple(record.get("chosen", range(len(candidates))))
    history.rounds.append(Round(record["round"], candidates, chosen, Usage(**record.get("usage", {}))))


def _proposal(z: list[float] | None, rewrite: Record | None) -> Proposal:
    return Proposal(None if z is None else tuple(z), None if rewrite is None else Rewrite(**rewrite))


def _replay_trial(history: History, record: Record) -> None:
    if record["number"] != len(history.trials):
        raise ValueError(f"trial {record['number']} out of order")
    candidate = history.pending[0]
    round_number = history.rounds[-1].number
    evaluation = _decode(record["evaluation"])
    history.trials.append(Trial(record["number"], round_number, candidate.proposal, candidate.writing, evaluation))


def _replay_cut_short(history: History, record: Record) -> None:
    history.cut_short[record["instruction"]] = _decode(record["evaluation"])


def _replay_confirmation(history: History, record: Record) -> None:
    history.confirmations[record["instruction"]] = _decode(record["evaluation"])


def _replay_test(history: History, record: Record) -> None:
    instruction = record["instruction"] if "instruction" in record else _subject(history, record["subject"])
    evaluation = _decode(record["evaluation"])
    if instruction in history.tests:  # in older journals, when the best instruction was the plain one
        return
    history.tests[instruction] = evaluation


def _subject(history: History, name: str) -> str:
    """The instruction that an older journal calls ``best`` or ``plain``."""
    if history.plain is None:
        raise ValueError("a test before the plain instruction")
    writing, evaluation = history.plain
    best = max(history.trials, key=lambda trial: trial.score)
    return writing.instruction if name == "plain" or evaluation.mean > best.score else best.instruction


_REPLAY: dict[str, Callable[[History, Record], None]] = {
    "run": _replay_run,
    "plain": _replay_plain,
    "baseline": _replay_baseline,
    "round": _replay_round,
    "trial": _replay_trial,
    "cut_short": _replay_cut_short,
    "confirmation": _replay_confirmation,
    "test": _replay_test,
}
