"""The section of the page that shows the origin of the best instruction."""

from __future__ import annotations

from collections.abc import Iterator

from instructzero.report.html import Html, foreign, join, tag
from instructzero.report.limits import cut
from instructzero.report.source import Record

_TEXT_LENGTH = 400  # characters of an instruction in this section
_REQUEST_LENGTH = 20 * _TEXT_LENGTH


def lineage(data: Record) -> Html:
    """Render the origin of the best instruction, its nearest soft prompts or parents, and the earlier best ones."""
    line = data["lineage"]
    if "note" in line:
        return tag("p", line["note"])
    return join(*_origin(data, line), *_relatives(data, line), *_earlier_bests(data))


def _origin(data: Record, line: Record) -> Iterator[Html]:
    if line["kind"] == "plain":
        yield tag(
            "p", "The best instruction is the plain one: written from the exemplars alone, without a soft prompt."
        )
        return
    if line["kind"] in ("baseline", "start"):
        whence = ", from which the search started" if line["kind"] == "start" else ""
        yield tag("p", f"The best instruction is your own instruction{whence}.")
        return
    yield tag("p", _first_written(data, line))
    if line["kind"] != "rewrite":
        return
    if line["request"]:
        yield tag(
            "details",
            tag("summary", "The request to the black box that produced it"),
            foreign(cut(line["request"], _REQUEST_LENGTH), "pre"),
        )
    elif line["start"]:
        yield tag("p", "The writer continued these first words: “", foreign(line["start"]), "”.")
    else:
        yield tag("p", "The writer was given no first words to continue.")


def _first_written(data: Record, line: Record) -> str:
    evaluation = data["instructions"][line["row"]]["evaluation"]
    scored = "" if evaluation is None else f" and scored as evaluation {evaluation:,}"
    if line["written"] == 1:
        return f"The best instruction was written once, in round {line['round']:,}{scored}."
    first = f"The best instruction was first written in round {line['round']:,}{scored}."
    return f"{first} In total, it was written {line['written']:,} times."


def _relatives(data: Record, line: Record) -> Iterator[Html]:
    relatives = line.get("relatives")
    if relatives is None:
        return
    is_point = line["kind"] == "soft prompt"
    yield tag("h3", "Nearest earlier soft prompts" if is_point else "Parent instructions")
    if note := _note_on_distances(line) if is_point else _note_on_parents(line):
        yield tag("p", note)
    if relatives:
        yield tag("ol", *(_relative(data, relative) for relative in relatives), class_="line")


def _note_on_distances(line: Record) -> str:
    if not line["relatives"]:
        return "It is one of the initial points, which are spread evenly over the space: there is no earlier point."
    usual = line.get("usual_distance")
    return "" if usual is None else f"The median distance between two evaluated points is {usual:.2f}."


def _note_on_parents(line: Record) -> str:
    return "" if line["relatives"] else "None: it was made from the exemplars alone."


def _relative(data: Record, relative: Record) -> Html:
    row = data["instructions"][relative["row"]]
    distance = "" if relative["distance"] is None else f"distance {relative['distance']:.2f}, "
    return _item(row, f"{distance}round {relative['round']:,}")


def _earlier_bests(data: Record) -> Iterator[Html]:
    """Yield the list of instructions that were the best so far at some point of the search."""
    steps = data["trajectory"]["steps"]
    if steps:
        yield tag("h3", "Successive best instructions")
        yield tag("ol", *(_item(data["instructions"][step["row"]], _when(step)) for step in steps), class_="line")


def _when(step: Record) -> str:
    if not step["evaluation"]:
        return "before the search"
    return f"evaluation {step['evaluation']:,}, after {step['calls']:,} calls"


def _item(row: Record, words: str) -> Html:
    return tag(
        "li",
        tag("b", f"{row['value']:.3f}"),
        " ",
        foreign(cut(row["text"], _TEXT_LENGTH) or "(empty)"),
        " ",
        tag("small", words, class_="faint"),
    )
