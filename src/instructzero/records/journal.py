"""The journal: the append-only record of a run, and its replay.

Every line is one JSON object that ends in its own checksum. A torn last line (a crash while writing) is cut; any other
damage is an error. The journal holds no clock reading: the same settings and seed give the same bytes.

    run      the header: format version, digests of the task, prompts, identities of the models; once more when the run
             is continued with other examples for the final selection or the final test, whose results are then void
    plain    the instruction without a soft prompt, with its validation results
    baseline the user's own instruction, with its validation results
    round    the points of a round, the texts written for them, and the positions that are evaluated (all if absent);
             for texts made from other texts also the requests, and their usage; for instructions of the user's, these
    trial    the validation results of the round's next chosen candidate
    cut_short    the complete validation results of a candidate whose race a limit stopped; its trial may follow later
    confirmation, test    the results of an instruction on the confirmation or test examples

Results name the answers that are not complete: position, ending, and the reason if there is no answer.
"""

from __future__ import annotations

import json
import os
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from instructzero.errors import RunDirectoryError
from instructzero.files import open_regular, read_bytes
from instructzero.records.continuation import is_new_header
from instructzero.records.history import History, Round
from instructzero.records.rewrites import decode_rewrites, encode_rewrites
from instructzero.records.shapes import check_record
from instructzero.tasks.classification.objectives import Outcomes
from instructzero.terminal import short
from instructzero.types import Candidate, Evaluation, Finish, Incomplete, Proposal, Rewrite, Trial, Usage, Writing

VERSION = 1
"""The version of the journal's format."""

Record = dict[str, Any]

_SHOWN = 200  # characters of a fault in a message


class Journal:
    """Appends records durably and replays them.

    >>> journal = Journal(Path("runs/demo/journal.jsonl"))          # doctest: +SKIP
    >>> journal.start(header)                                       # doctest: +SKIP
    >>> journal.add_trial(trial); journal.history.trials[-1] == trial  # doctest: +SKIP
    True

    Attributes
    ----------
    history
        What the records say.
    records
        Their number.
    """

    def __init__(self, path: Path, *, repair: bool = True) -> None:
        """Replay ``path``, if it exists; raises `RunDirectoryError` for a damaged file.

        With ``repair``, a torn last line is cut from the file. Readers must not repair: the writer may be writing that
        line at this moment.
        """
        self.path = path
        self.history = History()
        self.records = 0
        for record in _read(path, repair):
            self._replay(record)

    def start(self, header: Mapping[str, Any], *, resized: bool = False) -> None:
        """Write the header if it is a new one, or raise `OtherRun` for one of another run; see `is_new_header`."""
        expected = {"version": VERSION, **header}
        if is_new_header(self.path, self.history, expected, resized=resized):
            self._append({"kind": "run", **expected})

    def set_plain(self, writing: Writing, evaluation: Evaluation) -> None:
        """Record the instruction without a soft prompt, and its validation results."""
        self._append({"kind": "plain", "writing": asdict(writing), "evaluation": _encode(evaluation)})

    def set_baseline(self, instruction: str, evaluation: Evaluation) -> None:
        """Record the user's own instruction, and its validation results."""
        self._append({"kind": "baseline", "instruction": instruction, "evaluation": _encode(evaluation)})

    def add_round(
        self,
        candidates: Sequence[Candidate],
        chosen: Sequence[int],
        usage: Usage | None = None,
        *,
        of_writer: bool = False,
    ) -> None:
        """Record a round: the candidates, the positions of those to evaluate, and the usage for writing them.

        The usage is the black box's, or ``of_writer``, if that is a model behind an API.
        """
        record = {
            "kind": "round",
            "round": len(self.history.rounds),
            "points": [candidate.proposal.z for candidate in candidates],
            "writings": [asdict(candidate.writing) for candidate in candidates],
        }
        if list(chosen) != list(range(len(candidates))):
            record["chosen"] = list(chosen)
        rewrites = [candidate.proposal.rewrite for candidate in candidates]
        if any(rewrites):
            record["rewrites"] = encode_rewrites(rewrites)
        given = [candidate.proposal.given for candidate in candidates]
        if any(text is not None for text in given):
            record["given"] = given
        if usage is not None and usage != Usage():
            record["writer_usage" if of_writer else "usage"] = usage.to_dict()
        self._append(record)

    def add_trial(self, evaluation: Evaluation) -> Trial:
        """Record the validation results of the next pending candidate, and return its trial."""
        number = len(self.history.trials)
        self._append({"kind": "trial", "number": number, "evaluation": _encode(evaluation)})
        return self.history.trials[-1]

    def add_cut_short(self, instruction: str, evaluation: Evaluation) -> None:
        """Record the complete validation results of an instruction whose race a limit stopped."""
        self._append({"kind": "cut_short", "instruction": instruction, "evaluation": _encode(evaluation)})

    def add_confirmation(self, instruction: str, evaluation: Evaluation) -> None:
        """Record the results of an instruction on the confirmation examples."""
        self._append({"kind": "confirmation", "instruction": instruction, "evaluation": _encode(evaluation)})

    def add_test(self, instruction: str, evaluation: Evaluation) -> None:
        """Record the results of an instruction on the test examples."""
        self._append({"kind": "test", "instruction": instruction, "evaluation": _encode(evaluation)})

    def _append(self, record: Record) -> None:
        """Append one line; it is on the disk when this returns."""
        line = _seal(record)
        try:
            with open(self.path, "ab", opener=open_regular) as file:
                file.write(line)
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise RunDirectoryError(
                f"cannot write {self.path}: {error.strerror}; make room or choose another directory, then resume"
            ) from None
        self._replay(_content(line))  # exactly what a later replay will read

    def _replay(self, record: Record) -> None:
        _replay(self.path, self.history, record)
        self.records += 1


def holds_results(path: Path) -> bool:
    """Return True if a whole record follows the header of the journal in ``path``: the result of a model."""
    return _first_lines(path)[1].endswith(b"\n")


def begins_run(path: Path) -> bool:
    """Return True if the file ``path`` begins with the header of a journal."""
    try:
        return bool(_unseal(_first_lines(path)[0].rstrip(b"\n"))["kind"] == "run")
    except (ValueError, KeyError, RecursionError):
        return False


def _first_lines(path: Path) -> tuple[bytes, bytes]:
    try:
        with open(path, "rb", opener=open_regular) as file:
            return file.readline(), file.readline()
    except FileNotFoundError:
        return b"", b""
    except OSError as error:
        raise _unreadable(path, error) from None


class JournalReader:
    """Replays a journal that another process writes, every line once, and never changes the file.

    >>> reader = JournalReader(Path("runs/demo/journal.jsonl"))  # doctest: +SKIP
    >>> reader.read(), len(reader.history.trials)                # doctest: +SKIP
    (True, 5)
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._start_over()

    def read(self) -> bool:
        """Replay the lines that were written since the last call, and return True if there were any.

        A file that was replaced by a new one is read into a new ``history``. Raises `RunDirectoryError` for a damaged
        file, and reads it from the beginning at the next call.
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
        """Return the whole lines that were not replayed yet."""
        try:
            with open(self.path, "rb", opener=open_regular) as file:
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
        check_record(record)
        _REPLAY[record["kind"]](history, record)
    except (KeyError, ValueError, TypeError, IndexError) as error:
        raise RunDirectoryError(
            f"{path} holds a record that does not fit ({type(error).__name__}: {short(str(error), _SHOWN)}); "
            f"restore the file from a copy or start in another directory"
        ) from None


def _seal(record: Record) -> bytes:
    body = json.dumps(record, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    return f'{body[:-1]},"check":"{zlib.crc32(body.encode()):08x}"}}\n'.encode()


def _unseal(line: bytes) -> Record:
    """Return the record of a line; raises ValueError if the checksum does not match."""
    record = _content(line)
    if _seal(record) != line + b"\n":
        raise ValueError("the checksum does not match")
    return record


def _content(line: bytes) -> Record:
    """Return the record of a line without its checksum."""
    record: Record = json.loads(line)
    if not isinstance(record, dict):
        raise ValueError("a line is no object")
    del record["check"]
    return record


def _read(path: Path, repair: bool) -> list[Record]:
    """Return all whole records; with ``repair``, cut a torn last line from the file."""
    try:
        content = read_bytes(path)
        whole = _whole_lines(content)
        if repair and whole != content:
            with open(path, "r+b", opener=open_regular) as file:
                file.truncate(len(whole))
    except FileNotFoundError:
        return []
    except OSError as error:
        raise _unreadable(path, error) from None
    return _records(path, whole)


def _whole_lines(content: bytes) -> bytes:
    return content[: content.rfind(b"\n") + 1]


def _unreadable(path: Path, error: OSError) -> RunDirectoryError:
    return RunDirectoryError(f"cannot open {path}: {error.strerror}; check its permissions")


def _records(path: Path, lines: bytes, before: int = 0) -> list[Record]:
    """Return the records of whole lines, which ``before`` other lines precede in the file."""
    records = []
    for number, line in enumerate(lines.splitlines(), start=before + 1):
        try:
            records.append(_unseal(line))
        except (ValueError, KeyError, RecursionError):
            raise RunDirectoryError(
                f"{path} is damaged at line {number}; restore the file from a copy or start in another directory"
            ) from None
    return records


def _encode(evaluation: Evaluation) -> Record:
    """Return an evaluation as JSON values, without what it does not have."""
    record: Record = {each.name: getattr(evaluation, each.name) for each in fields(evaluation)}
    record["usage"] = evaluation.usage.to_dict()
    record["outcomes"] = None if evaluation.outcomes is None else asdict(evaluation.outcomes)
    record["incomplete"] = [
        [one.position, one.finish.value, *([one.reason] if one.reason else [])] for one in evaluation.incomplete
    ]
    return {name: value for name, value in record.items() if value or name in ("scores", "predictions", "usage")}


def _decode(record: Record) -> Evaluation:
    return Evaluation(
        tuple(record["scores"]),
        tuple(record["predictions"]),
        Usage(**record["usage"]),
        tuple(_incomplete(*answer) for answer in record.get("incomplete", ())),
        outcomes=_outcomes(record.get("outcomes")),
        remarks=tuple(record.get("remarks", ())),
    )


def _incomplete(position: int, finish: str, reason: str = "") -> Incomplete:
    return Incomplete(position, Finish(finish), reason)


def _outcomes(record: Record | None) -> Outcomes | None:
    if record is None:
        return None
    return Outcomes(record["measure"], tuple((label, said) for label, said in record["pairs"]))


def _replay_run(history: History, record: Record) -> None:
    history.begin({name: value for name, value in record.items() if name != "kind"})


def _replay_plain(history: History, record: Record) -> None:
    history.plain = Writing(**record["writing"]), _decode(record["evaluation"])


def _replay_baseline(history: History, record: Record) -> None:
    history.baseline = record["instruction"], _decode(record["evaluation"])


def _replay_round(history: History, record: Record) -> None:
    if record["round"] != len(history.rounds) or history.pending:
        raise ValueError(f"round {record['round']} out of order")
    points, writings = record["points"], record["writings"]
    rewrites = decode_rewrites(record.get("rewrites", [None] * len(points)))
    given = record.get("given", [None] * len(points))
    candidates = tuple(
        Candidate(_proposal(*asked), Writing(**writing))
        for *asked, writing in zip(points, rewrites, given, writings, strict=True)
    )
    chosen = tuple(record.get("chosen", range(len(candidates))))
    usages = (Usage(**record.get(name, {})) for name in ("usage", "writer_usage"))
    history.rounds.append(Round(record["round"], candidates, chosen, *usages))


def _proposal(z: list[float] | None, rewrite: Rewrite | None, given: str | None) -> Proposal:
    return Proposal(None if z is None else tuple(z), rewrite, given)


def _replay_trial(history: History, record: Record) -> None:
    if record["number"] != len(history.trials):
        raise ValueError(f"trial {record['number']} out of order")
    if not history.pending:
        raise ValueError(f"trial {record['number']} without a candidate")
    history.add_trial(next(iter(history.pending)), _decode(record["evaluation"]))


def _replay_cut_short(history: History, record: Record) -> None:
    history.cut_short[record["instruction"]] = _decode(record["evaluation"])


def _replay_confirmation(history: History, record: Record) -> None:
    history.confirmations[record["instruction"]] = _decode(record["evaluation"])


def _replay_test(history: History, record: Record) -> None:
    history.tests[record["instruction"]] = _decode(record["evaluation"])


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
