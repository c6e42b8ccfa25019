"""The section of the page with the results by example: the failures, and the places of all examples and answers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from instructzero.report.html import Html, foreign, join, tag
from instructzero.report.limits import cut
from instructzero.report.sections import table
from instructzero.report.source import Record

NAMES = {
    "plain": "the plain instruction",
    "baseline": "your instruction",
    "start": "the instruction that you started from",
}
"""The references in a sentence."""

_INPUT, _ANSWER, _EXPECTED, _WHY = 400, 300, 200, 300  # characters of a text in a table


def examples(data: Record) -> Html:
    """Render the failures, and the places of the table of examples and of the grid of all answers."""
    found = data["examples"]
    if not found["parts"]:
        return tag("p", "No instruction has been scored yet.")
    return join(
        *([tag("p", foreign(found["note"]), class_="warning")] if found["note"] else []),
        *failures(data["failures"]),
        tag("h3", "All examples"),
        tag("div", id="example-table"),
        tag("h3", "All answers of the best instructions"),
        tag(
            "p",
            "There is one row for each instruction and one column for each example. A filled cell is a correct answer, "
            "a half-filled one a partly correct answer, and a dot a wrong answer. An empty cell was not evaluated.",
        ),
        tag("div", id="matrix"),
    )


def failures(parts: Sequence[Record]) -> Iterator[Html]:
    """Yield the failures on the first part, and those on the other parts folded."""
    if parts:
        first, *others = parts
        yield tag("h3", f"Failures on the {first['name']} examples")
        yield _part(first)
        for part in others:
            yield tag("details", tag("summary", _title(part)), _part(part))


def _title(part: Record) -> str:
    return f"Failures on the {part['name']} examples ({part['failed']:,} of {part['examples']:,})"


def _part(part: Record) -> Html:
    rivals = list(part["duels"])
    count = f"{part['right']:,} of {part['examples']:,} {part['name']} examples"
    said = f"The answers of the best instruction are fully correct on {count}."
    return join(
        tag("p", said),
        *([_duels(part)] if rivals else []),
        *_listed(part["failures"], part["failed"], rivals, "Not fully correct with the best instruction"),
        *_folded_gains(part, rivals),
    )


def _folded_gains(part: Record, rivals: Sequence[str]) -> Iterator[Html]:
    title = "Correct with the best instruction, not with another"
    for listed in _listed(part["gains"], part["gained"], rivals, title):
        yield tag("details", tag("summary", f"{title} ({part['gained']:,})"), listed)


def _duels(part: Record) -> Html:
    rows = [
        (NAMES[role], *(f"{duel[name]:,}" for name in ("both", "best", "rival", "neither")))
        for role, duel in part["duels"].items()
    ]
    heads = ("compared with", "both correct", "only the best correct", "only the other correct", "neither")
    return table(heads, rows, f"The best instruction and the others on the same {part['name']} examples")


def _listed(rows: Sequence[Record], count: int, rivals: Sequence[str], title: str) -> list[Html]:
    """Return the table of some examples; nothing if there are none."""
    if not rows:
        return []
    shown = f"{len(rows):,} of {count:,} examples" if count > len(rows) else f"{count:,} example{'s' * (count != 1)}"
    heads = ("example", "input", "expected", "answer", "reason", *(f"with {NAMES[role]}" for role in rivals))
    return [table(heads, [_row(row, rivals) for row in rows], f"{title}: {shown}")]


def _row(row: Record, rivals: Sequence[str]) -> list[str]:
    answer = row["best"]
    reason = answer["why"] or next((_said(row[role]) for role in rivals if row[role] and row[role]["why"]), "")
    return [
        f"{row['number']:,}",
        _text(row["input"], _INPUT),
        join(*_accepted(row["expected"])),
        _answer(answer),
        foreign(cut(reason, _WHY)),
        *(_answer(row[role]) for role in rivals),
    ]


def _said(answer: Record) -> str:
    return f"the other answer: {answer['why']}"


def _accepted(outputs: Sequence[str] | None) -> list[str]:
    if outputs is None:
        return ["not available"]
    words: list[str] = []
    for output in outputs[:5]:
        words += [*([" or "] if words else []), _text(output, _EXPECTED)]
    return [*words, *([f" or {len(outputs) - 5:,} others"] if len(outputs) > 5 else [])]


def _answer(answer: Record | None) -> Html:
    if answer is None:
        return tag("span", "not evaluated", class_="faint")
    kind = "right" if answer["score"] >= 1 else "wrong" if answer["score"] <= 0 else "partly"
    sign = {"right": "✓", "wrong": "✗"}.get(kind, f"{answer['score']:.2f}")
    label = {"right": "correct", "wrong": "wrong"}.get(kind, f"score {answer['score']:.2f}")
    verdict = tag("span", sign, class_=f"verdict {kind}", role="img", aria_label=label)
    return join(verdict, " ", _text(answer["given"], _ANSWER))


def _text(text: str | None, length: int) -> Html:
    return tag("span", "not available") if text is None else foreign(cut(text, length) or "(empty)")
