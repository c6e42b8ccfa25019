"""The section of the page that shows the origin of the best instruction."""

from __future__ import annotations

from collections.abc import Iterator

from instructzero.report.html import Html, foreign, join, tag
from instructzero.report.limits import cut
from instructzero.report.origins import CONTINUATION, OWN, REQUEST
from instructzero.report.sections import plain_origin
from instructzero.report.source import Record

_TEXT_LENGTH = 400  # characters of an instruction in this section
_REQUEST_LENGTH = 20 * _TEXT_LENGTH
_OTHERS = 10  # scores of other instructions in a sentence
_ANSWER = "The answer of the writer"


_REQUESTS = {
    "from exemplars": "guessed from the exemplars",
    "from failures": "an improvement of the instruction before, from its answers",
    "from scores": "a request for better instructions than the best so far",
    "from two": "a combination of two instructions",
    "guess": "guessed from the exemplars",
    "vary": "the same instruction in other words",
    "cross": "a cross of two instructions, with a mutation",
    "combine": "a combination of several instructions",
    "merge": "a merger of two instructions",
    "meta-prompt": "a request for better instructions than those so far",
}
"""What a request asks for, by its name in `instructzero.optimizers.registry.Method.requests`."""


def lineage(data: Record) -> Html:
    """Render the origin of the best instruction, the chain that led to it, and the successive best instructions."""
    line = data["lineage"]
    if "note" in line:
        return tag("p", line["note"])
    return join(*_origin(data, line), *_chain(data), *_relatives(data, line), *_earlier_bests(data))


def _origin(data: Record, line: Record) -> Iterator[Html]:
    if line["kind"] == "plain":
        yield tag("p", f"The best instruction is the plain one: {plain_origin(data['run'])}.")
        return
    if line["kind"] in ("baseline", "start"):
        whence = ", from which the search started" if line["kind"] == "start" else ""
        yield tag("p", f"The best instruction is your own instruction{whence}.")
        return
    yield tag("p", _first_written(data, line))


def _chain(data: Record) -> Iterator[Html]:
    """Yield the texts from which the best instruction was made, each with its request; nothing for a soft prompt."""
    steps, length = data["chain"]["steps"], data["chain"]["length"]
    if not steps or (len(steps) == 1 and steps[0]["origin"] != REQUEST):
        return
    yield tag("h3", "How it came about")
    if length > len(steps):
        yield tag("p", f"The last {len(steps):,} of {length:,} steps.")
    yield tag("ol", *(_step(data, step) for step in steps), class_="line steps")


def _step(data: Record, step: Record) -> Html:
    row = data["instructions"][step["row"]]
    scored = "" if step["evaluation"] is None else f", evaluation {step['evaluation']:,}"
    return tag(
        "li",
        *_scored_text(row, f"round {step['round']:,}{scored}"),
        tag("p", *_making(data, step), class_="faint"),
        *_papers(step),
        class_="step",
    )


def _making(data: Record, step: Record) -> Iterator[str]:
    """Yield how a text of the chain was made, in words."""
    if step["origin"] == OWN:
        yield "Your own instruction, from which the search started."
    elif step["origin"] == CONTINUATION:
        yield "The writer continued the first words “"
        yield foreign(cut(step["start"], _TEXT_LENGTH))
        yield "” of the instruction before under a soft prompt."
    elif step["origin"] == REQUEST:
        words = _REQUESTS.get(step["kind"])
        yield f"Written on request: {words}." if words else "Written on request."
        if step["others"]:
            scores = ", ".join(f"{data['instructions'][row]['value']:.3f}" for row in step["others"][:_OTHERS])
            count = len(step["others"])
            yield f" The request also quotes {count:,} other instruction{'s' * (count != 1)} (score {scores})."
    else:
        yield "Written under a soft prompt, without another instruction."


def _papers(step: Record) -> Iterator[Html]:
    """Yield the answers that the request shows, the request, and what the model answered, all folded."""
    if step["origin"] != REQUEST:
        return
    wrong, right = len(step["wrong"]), len(step["right"])
    if wrong or right:
        kept = f" and {right:,} that were right" if right else ""
        yield _folded(
            f"The answers shown to the writer: {wrong:,} that were wrong or scored low{kept}",
            "\n\n".join([*step["wrong"], *(["— right —"] if right else []), *step["right"]]),
        )
    yield _folded("The whole request", step["request"])
    yield _folded(
        "The answer of the writer, with what it says about the failures" if wrong else _ANSWER, step["answer"]
    )


def _folded(summary: str, text: str) -> Html:
    return tag(
        "details", tag("summary", summary), foreign(cut(text, _REQUEST_LENGTH) or "(empty)", "pre", tabindex="0")
    )


def _first_written(data: Record, line: Record) -> str:
    evaluation = data["instructions"][line["row"]]["evaluation"]
    scored = "" if evaluation is None else f" and scored as evaluation {evaluation:,}"
    if line["written"] == 1:
        return f"The best instruction was written once, in round {line['round']:,}{',' if scored else ''}{scored}."
    first = f"The best instruction was first written in round {line['round']:,}{scored}."
    return f"{first} In total, it was written {line['written']:,} times."


def _relatives(data: Record, line: Record) -> Iterator[Html]:
    relatives = line.get("relatives")
    if relatives is None or (line["kind"] == "rewrite" and len(relatives) < 2):  # the chain shows a single one
        return
    is_point = line["kind"] == "soft prompt"
    yield tag("h3", "Nearest earlier soft prompts" if is_point else "Instructions from which it was made")
    if is_point and (note := _note_on_distances(line)):
        yield tag("p", note)
    if relatives:
        yield tag("ol", *(_relative(data, relative) for relative in relatives), class_="line")


def _note_on_distances(line: Record) -> str:
    if not line["relatives"]:
        return "Its soft prompt is one of the initial points, which are spread evenly over the space: none is earlier."
    usual = line.get("usual_distance")
    return "" if usual is None else f"The median distance between two evaluated points is {usual:.2f}."


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
    return tag("li", *_scored_text(row, words))


def _scored_text(row: Record, words: str) -> tuple[str, ...]:
    return (
        tag("b", f"{row['value']:.3f}"),
        " ",
        foreign(cut(row["text"], _TEXT_LENGTH) or "(empty)"),
        " ",
        tag("small", words, class_="faint"),
    )
