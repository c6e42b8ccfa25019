"""The section of the page with the figures of the search: their frames and captions; the script draws them."""

from __future__ import annotations

from instructzero.report.html import Html, join, tag
from instructzero.report.origins import OWN
from instructzero.report.source import Record


def search(data: Record) -> Html:
    """Render the placeholders and captions of the figures of the search."""
    penalised = data["run"]["length_penalty"]
    value = "validation score minus the penalty for its length" if penalised else "validation score"
    raced = " Hollow dots are instructions that were eliminated in a race." if data["run"]["racing"] else ""
    return join(
        figure(
            "trajectory",
            "Best score so far",
            f"Each dot is an evaluated instruction at its {value}.{raced} The line shows the best value so far.",
        ),
        figure(
            "rounds",
            "Scores by round",
            "Each box spans the middle half of a round's scores, and its whiskers reach the lowest and the highest "
            "score. The line is the mean of the best 15 % of all instructions so far, and the band is their range.",
        ),
        tag("h3", "Where the search has looked", class_="group"),
        figure("texts", "Map of the instructions by their wording", _texts_caption(data), level="h4"),
        figure("space", "Map of the soft prompts", _space_caption(data), level="h4"),
        figure("belief", "Predicted and observed scores", _belief_caption(data)),
    )


def figure(name: str, title: str, words: str, level: str = "h3") -> Html:
    """Return the frame of a figure that the script draws: caption, controls, drawing, and details of a point."""
    return tag(
        "figure",
        tag("figcaption", tag(level, title), tag("p", words)),
        tag("div", class_="controls"),
        tag("div", class_="plot"),
        tag("div", class_="readout", role="status"),
        id=f"figure-{name}",
        class_="chart",
    )


def _texts_caption(data: Record) -> str:
    texts = data["texts"]
    if "note" in texts:
        return str(texts["note"])
    read = (
        "the features from which the surrogate of the search predicts scores"
        if texts["read"]
        else "the features that the default method reads; the search of this run did not use them"
    )
    return (
        f"{_shown(texts, 'evaluated instruction')}, including the plain one{_and_yours(data)}. Instructions that share "
        "many words and pairs of neighbouring words are close together: these are "
        f"{read}. {_marks(data, texts)} {_axes(texts)}"
    )


def _and_yours(data: Record) -> str:
    return " and yours" if any(point["origin"] == OWN for point in data["texts"]["points"]) else ""


def _space_caption(data: Record) -> str:
    space = data["space"]
    if "note" in space:
        return str(space["note"])
    points = "soft prompt under which an instruction was written"
    if space["evaluated"] != 1:
        points = "soft prompts under which the evaluated instructions were written"
    all_ = len(space["points"]) == space["evaluated"]
    count = f"All {space['evaluated']:,}" if all_ else f"{len(space['points']):,} of the {space['evaluated']:,}"
    parts = [f"{count} {points}, as points of the {space['dimension']}-dimensional search space."]
    if space["continued"]:
        parts.append(
            "Under one of them (a diamond), the first words of an earlier instruction were continued."
            if space["continued"] == 1
            else f"Under {space['continued']:,} of them (diamonds), the first words of earlier instructions were "
            "continued."
        )
    others = data["run"]["evaluations"] - space["evaluated"]
    if others:
        verb = "instruction has" if others == 1 else "instructions have"
        parts.append(f"The other {others:,} evaluated {verb} no soft prompt, and {_is(others)} on the map above only.")
    parts += ["Outlined marks are the best of their round.", _marks(data, space), _axes(space)]
    return " ".join(parts)


def _is(count: int) -> str:
    return "is" if count == 1 else "are"


def _shown(part: Record, name: str) -> str:
    shown, all_ = len(part["points"]), part["evaluated"]
    return f"All {all_:,} {name}s" if shown == all_ else f"{shown:,} of {all_:,} {name}s, evenly spread over the search"


def _marks(data: Record, part: Record) -> str:
    has_best = any("best" in data["instructions"][point["row"]]["roles"] for point in part["points"])
    ring = ", and an orange outline marks the best one" if has_best else ""
    return f"Larger marks scored higher{ring}."


def _axes(part: Record) -> str:
    first, second = (f"{100 * share:.0f} %" for share in part["explained"])
    words = f"The two principal components explain {first} and {second} of the variance."
    has_tsne = "tsne" in part["points"][0]
    return words + (" In the t-SNE view, only the neighbourhoods are meaningful." if has_tsne else "")


def _belief_caption(data: Record) -> str:
    belief = data["belief"]
    if "note" in belief:
        return str(belief["note"])
    count, rounds = len(belief["points"]), belief["rounds"]
    raced = " Instructions that were eliminated in a race have scores on the first examples only."
    all_ = len(rounds) == belief["eligible"]
    which = (
        "every round with 5 or more earlier evaluations"
        if all_
        else f"{len(rounds)} of the rounds up to round {rounds[-1]:,}"
    )
    return (
        f"Predictions of the Gaussian process for {which}, fitted to the evaluations before that round. The bars show "
        "one standard deviation: the uncertainty of the model plus the sampling noise of a mean score. "
        f"{belief['within']:,} of {count:,} observed scores are within one standard deviation "
        f"(expected: {0.683 * count:.0f}), {belief['within_two']:,} within two (expected: {0.954 * count:.0f})."
        f"{raced if data['run']['racing'] else ''}"
    )
