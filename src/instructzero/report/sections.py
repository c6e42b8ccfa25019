"""The sections of the page: text, tables, and the elements that the script fills."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from instructzero.report.answers import answers
from instructzero.report.html import Html, foreign, join, tag
from instructzero.report.limits import TEXT_LENGTHS, cut
from instructzero.report.source import Record
from instructzero.terminal import format_cost, format_seconds

_ROLES = {"best": "Best", "plain": "Plain", "baseline": "Yours", "start": "Start", "challenger": "Challenger"}
_TITLES = {
    "plain": "Plain instruction (written from the exemplars alone, without a soft prompt)",
    "baseline": "Your instruction",
    "start": "Your instruction, from which the search started",
    "challenger": "Best challenger",
}
_PARTS = ("validation", "confirmation", "test")
_TOKEN_PARTS = {"cached_tokens": "prompt: cached", "reasoning_tokens": "answer: thoughts"}


def result(data: Record) -> Html:
    """Render the best instruction, its scores beside the references, and the statistical comparison."""
    said, scores = data["statements"], data["scores"]
    if not scores:
        return tag("p", said["verdict"], class_="lead")
    best, *others = scores
    copyable = len(best["text"]) <= TEXT_LENGTHS[0]
    return join(
        tag("p", said["verdict"], class_="lead"),
        tag(
            "figure",
            tag("figcaption", _title(data["run"])),
            _text(best["text"], "blockquote", tabindex="0"),  # a long one scrolls
            *([tag("button", "Copy", type="button", id="copy", hidden=True)] if copyable else []),
            class_="winner",
        ),
        *_warnings(said["warnings"]),
        answers(data),
        tag("h3", "Scores, with 95 % intervals"),
        _scores(scores, data["labels"].get("majority_scores") or {}),
        *(tag("p", _TITLES[other["role"]], ": ", _text(other["text"]), class_="rival") for other in others),
        *([tag("h3", "Statistical comparison")] if said["comparisons"] else []),
        *(tag("p", statement) for statement in said["comparisons"]),
        tag("p", said["ending"]),
    )


def _title(run: Record) -> str:
    whose = " (yours)" if run["best_is_start"] else ""
    return f"Best instruction{'' if run['ended'] else ' so far'}{whose}"


def _text(text: str, name: str = "bdi", **attributes: str) -> Html:
    return foreign(cut(text, TEXT_LENGTHS[0]) or "(empty)", name, **attributes)


def _warnings(warnings: Sequence[str]) -> list[Html]:
    return [tag("p", tag("strong", "Warning: "), foreign(text), class_="warning") for text in warnings]


def _scores(scores: Sequence[Record], majority: Mapping[str, float]) -> Html:
    """Render one row per instruction and one column per part of the data, and a row for the commonest label."""
    best = scores[0]["parts"]
    parts = [part for part in _PARTS if part in best]
    heads = [
        tag(
            "th",
            part.capitalize(),
            " ",
            tag("small", f"{best[part]['examples']:,} examples"),
            scope="col",
        )
        for part in parts
    ]
    rows = [
        tag(
            "tr",
            tag("th", _ROLES[row["role"]], scope="row"),
            *(tag("td", *_score(row["parts"].get(part))) for part in parts),
            class_=row["role"],
        )
        for row in scores
    ]
    if majority:
        cells = (tag("td", f"{majority[part]:.3f}" if part in majority else "") for part in parts)
        rows.append(tag("tr", tag("th", "Majority", scope="row"), *cells, class_="majority"))
    return tag(
        "table",
        tag("thead", tag("tr", tag("td"), *heads)),
        tag("tbody", *rows),
        class_="scores",
    )


def _score(part: Record | None) -> Iterator[Html]:
    if part is None:
        yield tag("span", "not scored", class_="faint")
        return
    low, high = part["interval"]
    yield tag("b", f"{part['score']:.3f}")
    yield _bar(*(max(0.0, value) for value in (part["score"], low, high)))  # Matthews correlation may be negative
    yield tag("small", f"{low:.2f} to {high:.2f}")


def _bar(score: float, low: float, high: float) -> Html:
    """Draw the interval and the score on a line from 0 to 1."""
    line = tag("line", x1="0", x2="100", y1="5", y2="5", class_="track")
    interval = tag("line", x1=f"{100 * low:.2f}", x2=f"{100 * high:.2f}", y1="5", y2="5", class_="interval")
    mark = tag("line", x1=f"{100 * score:.2f}", x2=f"{100 * score:.2f}", y1="0", y2="10", class_="mark")
    return tag(
        "svg", line, interval, mark, viewBox="-1 0 102 10", preserveAspectRatio="none", class_="bar", aria_hidden="true"
    )


def search(data: Record) -> Html:
    """Render the placeholders and captions of the four figures of the search."""
    unit = "validation score minus its length penalty" if data["run"]["length_penalty"] else "validation score"
    hollow = " Hollow dots were eliminated in a race." if data["run"]["racing"] else ""
    return join(
        figure(
            "trajectory",
            "Best score so far",
            f"Every dot is an instruction with its {unit}.{hollow} The line is the best value so far.",
        ),
        figure(
            "rounds",
            "Scores by round",
            "Boxes show the middle half of the scores of a round, whiskers the lowest and the highest. The line is the "
            "mean of the best 15 % of all instructions so far, the band their range.",
        ),
        figure("space", "Map of the evaluated soft prompts", _map_caption(data)),
        figure("belief", "Predicted and observed scores", _belief_caption(data)),
    )


def figure(name: str, title: str, words: str) -> Html:
    """Return the frame of a figure that the script draws: caption, controls, drawing, and details of a point."""
    return tag(
        "figure",
        tag("figcaption", tag("h3", title), tag("p", words)),
        tag("div", class_="controls"),
        tag("div", class_="plot"),
        tag("div", class_="readout", role="status"),
        id=f"figure-{name}",
        class_="chart",
    )


def _map_caption(data: Record) -> str:
    space = data["space"]
    if "note" in space:
        return str(space["note"])
    shown, all_ = len(space["points"]), space["evaluated"]
    first, second = (f"{100 * share:.0f} %" for share in space["explained"])
    has_best = any("best" in data["instructions"][point["row"]]["roles"] for point in space["points"])
    orange = ", the orange ring the best of all" if has_best else ""
    others = data["run"]["evaluations"] - all_
    made = "were made from earlier instructions" + (" or are yours," if data["run"]["starts"] else "")
    rest = f" The other {others:,} evaluations {made} and have no point." if others else ""
    if space["continued"]:
        rest += (
            f" {space['continued']:,} of them are the soft prompts under which the first words of an earlier "
            "instruction were continued."
        )
    return (
        f"{'All' if shown == all_ else f'{shown:,} of'} {all_:,} evaluated points of the "
        f"{space['dimension']}-dimensional search space.{rest} Larger dots scored higher. Rings mark the best point of "
        f"every round{orange}. The two principal components explain {first} and {second} of the variance. In the t-SNE "
        "view, only neighbourhoods are meaningful."
    )


def _belief_caption(data: Record) -> str:
    belief = data["belief"]
    if "note" in belief:
        return str(belief["note"])
    count, rounds = len(belief["points"]), belief["rounds"]
    raced = " Instructions eliminated in a race have scores on the first examples only."
    all_ = len(rounds) == belief["eligible"]
    which = (
        "every round with 5 or more earlier evaluations" if all_ else f"{len(rounds)} rounds up to round {rounds[-1]:,}"
    )
    return (
        f"Predictions of the Gaussian process for {which}, fitted to the evaluations before the round. Bars show one "
        "standard deviation: model uncertainty plus the sampling noise of a mean score. "
        f"{belief['within']:,} of {count:,} observed scores are within one standard deviation "
        f"(expected: {0.683 * count:.0f}), {belief['within_two']:,} within two (expected: {0.954 * count:.0f})."
        f"{raced if data['run']['racing'] else ''}"
    )


def instructions(data: Record) -> Html:
    """Render the place of the table of all instructions."""
    run = data["run"]
    words = (
        f"{len(data['instructions']):,} instructions were scored on up to {run['validation_examples']:,} validation "
        f"examples; {run['written']:,} texts were written."
    )
    return join(tag("p", words), tag("div", id="instruction-table"))


def examples(data: Record) -> Html:
    """Render the places of the table of examples and of the grid of all answers."""
    found = data["examples"]
    if not found["parts"]:
        return tag("p", "No instruction has been scored yet.")
    return join(
        *([tag("p", foreign(found["note"]), class_="warning")] if found["note"] else []),
        tag("div", id="example-table"),
        tag("h3", "All answers of the best instructions"),
        tag(
            "p",
            "One row per instruction, one column per example. Filled: correct answer. Half filled: partly correct. "
            "Dot: wrong. Empty: not evaluated.",
        ),
        tag("div", id="matrix"),
    )


def cost(data: Record) -> Html:
    """Render the paid calls by role, and the black-box calls by phase."""
    costs = data["costs"]
    parts = {name: head for name, head in _TOKEN_PARTS.items() if any(name in role for role in costs["roles"])}
    roles = [
        (
            role["role"],
            foreign(role["model"]),
            *_amounts(role),
            *(f"{role.get(name, 0):,}" for name in parts),
            f"{role['lost']:,}",
            format_cost(role["usd"]),
            _period(role["first"], role["last"]),
        )
        for role in costs["roles"]
    ]
    phases = [(phase["phase"], *_amounts(phase)) for phase in costs["phases"] if phase["calls"]]
    amounts = ("calls", "prompt tokens", "answer tokens")
    asked = table(("phase", *amounts), phases, "Black-box calls by phase")
    if not roles:
        return join(tag("p", "The call store has no payments of this run on record."), asked)
    note = (
        "Lost calls returned no answer but may have been billed. They are counted at their maximum cost. Answers found "
        "in the call store appear in the calls by phase, but not in the paid calls."
    )
    heads = ("role", "model", *amounts, *parts.values(), "lost", "dollars", "paid (UTC)")
    paid = table(heads, roles, "Paid calls by role")
    return join(paid, tag("p", note, class_="faint"), asked)


def _amounts(usage: Record) -> tuple[str, ...]:
    return tuple(f"{usage[name]:,}" for name in ("calls", "prompt_tokens", "completion_tokens"))


def _period(first: int, last: int) -> str:
    start = datetime.fromtimestamp(first, UTC)
    return f"{start:%Y-%m-%d %H:%M}, for {format_seconds(last - first)}"


def table(heads: Sequence[str], rows: Sequence[Sequence[str]], caption: str, **attributes: str) -> Html:
    """Return a plain table that scrolls horizontally if it is too wide."""
    body = [tag("tr", tag("th", row[0], scope="row"), *(tag("td", cell) for cell in row[1:])) for row in rows]
    content = tag(
        "table",
        tag("caption", caption),
        tag("thead", tag("tr", *(tag("th", head, scope="col") for head in heads))),
        tag("tbody", *body),
    )
    return tag("div", content, class_="wide", tabindex="0", role="region", aria_label=caption, **attributes)


def reproduction(data: Record) -> Html:
    """Render the command, the settings and the versions that are needed to repeat the run."""
    settings, versions = data["settings"], data["versions"]
    changed = [setting for setting in settings if not setting["is_default"]]
    how = data["statements"]["reproduction"]
    return join(
        tag("p", how),
        *([tag("pre", "instructzero run --config settings.yaml --out another-directory")] if how.endswith(":") else []),
        _settings(changed, "Settings that differ from the defaults"),
        tag("details", tag("summary", "All settings"), _settings(settings, "All settings")),
        tag(
            "details",
            tag("summary", "Models, data and versions"),
            table(
                ("package", "version"),
                list(versions.items()),
                "Package versions in the environment that created this report",
            ),
            table(("part", "identity"), _identities(data["identities"]), "Identity of the run, from its journal"),
        ),
    )


def _settings(settings: Sequence[Record], caption: str) -> Html:
    rows = [(entry["name"], foreign("—" if entry["value"] is None else str(entry["value"]))) for entry in settings]
    return table(("setting", "value"), rows, caption)


def _identities(identities: dict[str, Any]) -> list[tuple[str, Html]]:
    rows = []
    for name, value in identities.items():
        said = ", ".join(f"{key} {item}" for key, item in value.items()) if isinstance(value, dict) else str(value)
        rows.append((name, foreign(said)))
    return rows
