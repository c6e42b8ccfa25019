"""The section of the page that says where the best instruction came from."""

from __future__ import annotations

from collections.abc import Iterator

from instructzero.report.html import Html, foreign, join, tag
from instructzero.report.limits import cut
from instructzero.report.source import Record

_LONG = 400  # characters of an instruction or a request in this section


def ancestry(data: Record) -> Html:
    """Its round, the nearest earlier soft prompts or the texts it was made of, and the best ones before it."""
    line = data["lineage"]
    if "note" in line:
        return tag("p", line["note"])
    return join(*_origin(data, line), *_relatives(data, line), *_predecessors(data))


def _origin(data: Record, line: Record) -> Iterator[Html]:
    if line["kind"] == "plain":
        yield tag("p", "It is the plain instruction: the exemplars alone led to it, without a soft prompt.")
        return
    if line["kind"] == "baseline":
        yield tag("p", "It is your own instruction.")
        return
    row = data["instructions"][line["row"]]
    scored = "" if row["evaluation"] is None else f", and scored as evaluation {row['evaluation']:,}"
    means = "soft prompts" if line["kind"] == "soft prompt" else "requests"
    if line["written"] > 1:
        words = f"It was first written in round {line['round']:,}{scored}. {line['written']:,} {means} led to it."
    else:
        words = f"It was written once, in round {line['round']:,}{scored}."
    yield tag("p", words)
    if line["kind"] == "rewrite" and line["request"]:
        yield tag(
            "details",
            tag("summary", "The request that the black box answered with it"),
            foreign(cut(line["request"], 20 * _LONG), "pre"),
        )
    elif line["kind"] == "rewrite":
        start = foreign(line["start"]) if line["start"] else "nothing"
        yield tag("p", "The writer was to go on from these first words: ", start, ".")


def _relatives(data: Record, line: Record) -> Iterator[Html]:
    relatives = line.get("relatives")
    if relatives is None:
        return
    if line["kind"] == "soft prompt":
        title = "The nearest soft prompts before it"
        usual = line.get("usual_distance")
        words = (
            f"Two evaluated points are usually {usual:.2f} apart."
            if usual is not None and relatives
            else "It was among the first points, which are spread evenly: nothing was known before."
            if not relatives
            else ""
        )
    else:
        title = "The instructions it was made of"
        words = "" if relatives else "Only the exemplars: no earlier instruction."
    yield tag("h3", title)
    if words:
        yield tag("p", words)
    if relatives:
        yield tag("ol", *(_relative(data, each) for each in relatives), class_="line")


def _relative(data: Record, relative: Record) -> Html:
    row = data["instructions"][relative["row"]]
    distance = "" if relative["distance"] is None else f"distance {relative['distance']:.2f}, "
    return _item(row, f"{distance}round {relative['round']:,}")


def _predecessors(data: Record) -> Iterator[Html]:
    """Each instruction that was the best one for a while."""
    steps = data["course"]["steps"]
    if steps:
        yield tag("h3", "The best ones on the way")
        yield tag(
            "ol",
            *(
                _item(
                    data["instructions"][step["row"]],
                    f"evaluation {step['evaluation']:,}, {step['calls']:,} calls"
                    if step["evaluation"]
                    else "before the search",
                )
                for step in steps
            ),
            class_="line",
        )


def _item(row: Record, words: str) -> Html:
    return tag(
        "li",
        tag("b", f"{row['value']:.3f}"),
        " ",
        foreign(cut(row["text"], _LONG) or "(empty)"),
        " ",
        tag("small", words, class_="faint"),
    )
