"""The sections of the page: words and tables, and the places that the script fills."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from instructzero.progress import format_cost, format_seconds
from instructzero.report.html import Html, foreign, join, tag
from instructzero.report.limits import TEXT_LENGTHS, cut
from instructzero.report.source import Record

_ROLES = {"best": "Best", "plain": "Plain", "baseline": "Yours"}
_PARTS = ("validation", "confirmation", "test")


def found(data: Record) -> Html:
    """The best instruction, its scores beside those it had to beat, and how sure that is."""
    said, scores = data["words"], data["scores"]
    if not scores:
        return tag("p", said["verdict"], class_="lead")
    best, *others = scores
    copyable = len(best["text"]) <= TEXT_LENGTHS[0]
    return join(
        tag("p", said["verdict"], class_="lead"),
        tag(
            "figure",
            tag("figcaption", "Best instruction" if data["run"]["ended"] else "Best instruction so far"),
            _text(best["text"], "blockquote", tabindex="0"),  # a long one scrolls
            *([tag("button", "Copy", type="button", id="copy", hidden=True)] if copyable else []),
            class_="winner",
        ),
        *_warnings(said["warnings"]),
        tag("h3", "Scores, with 95 % intervals"),
        _scores(scores),
        *(tag("p", _said(each["role"]), ": ", _text(each["text"]), class_="rival") for each in others),
        *([tag("h3", "How sure")] if said["comparisons"] else []),
        *(tag("p", each) for each in said["comparisons"]),
        tag("p", said["ending"]),
    )


def _said(role: str) -> str:
    return {"plain": "Plain instruction (the exemplars alone, no soft prompt)", "baseline": "Your instruction"}[role]


def _text(text: str, name: str = "bdi", **attributes: str) -> Html:
    return foreign(cut(text, TEXT_LENGTHS[0]) or "(empty)", name, **attributes)


def _warnings(warnings: Sequence[str]) -> list[Html]:
    return [tag("p", tag("strong", "Mind: "), foreign(each), class_="warning") for each in warnings]


def _scores(scores: Sequence[Record]) -> Html:
    """A row an instruction, a column for validation, confirmation and test."""
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
            tag("th", _ROLES[each["role"]], scope="row"),
            *(tag("td", *_score(each["parts"].get(part))) for part in parts),
            class_=each["role"],
        )
        for each in scores
    ]
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
    yield _bar(part["score"], low, high)
    yield tag("small", f"{low:.2f} to {high:.2f}")


def _bar(score: float, low: float, high: float) -> Html:
    """The interval and the score on a line from 0 to 1."""
    line = tag("line", x1="0", x2="100", y1="5", y2="5", class_="track")
    interval = tag("line", x1=f"{100 * low:.2f}", x2=f"{100 * high:.2f}", y1="5", y2="5", class_="interval")
    mark = tag("line", x1=f"{100 * score:.2f}", x2=f"{100 * score:.2f}", y1="0", y2="10", class_="mark")
    return tag(
        "svg", line, interval, mark, viewBox="-1 0 102 10", preserveAspectRatio="none", class_="bar", aria_hidden="true"
    )


def search(data: Record) -> Html:
    """The four figures of the search."""
    unit = "score less the price of its length" if data["run"]["length_penalty"] else "score"
    hollow = "; hollow ones dropped out of their race" if data["run"]["racing"] else ""
    return join(
        figure(
            "course",
            "The best score against what it took",
            f"Every dot is an instruction with its validation {unit}{hollow}. The line is the best one so far.",
        ),
        figure(
            "rounds",
            "The scores of each round",
            "Boxes hold the middle half of a round's scores, whiskers reach from the lowest to the highest. The "
            "line is the mean of the best 15 % of all instructions up to then, the band their range.",
        ),
        figure("space", "Where the search has looked", _map_words(data)),
        figure("belief", "What the surrogate believed, beside what came out", _belief_words(data)),
    )


def figure(name: str, title: str, words: str) -> Html:
    """A figure that the script draws: its settings, the drawing, and what the chosen point says."""
    return tag(
        "figure",
        tag("figcaption", tag("h3", title), tag("p", words)),
        tag("div", class_="controls"),
        tag("div", class_="plot"),
        tag("div", class_="readout", role="status"),
        id=f"figure-{name}",
        class_="chart",
    )


def _map_words(data: Record) -> str:
    space = data["space"]
    if "note" in space:
        return str(space["note"])
    shown, all_ = len(space["points"]), space["evaluated"]
    first, second = (f"{100 * share:.0f} %" for share in space["explained"])
    return (
        f"{'Each' if shown == all_ else f'{shown:,} of {all_:,}'} evaluated "
        f"{'point' if shown == all_ else 'points'} of the {space['dimension']}-dimensional space, larger where it "
        "scored higher; rings mark the best of each round, an orange one the best of all. The two principal "
        f"components hold {first} and {second} of the spread. In t-SNE only neighbourhoods mean something."
    )


def _belief_words(data: Record) -> str:
    belief = data["belief"]
    if "note" in belief:
        return str(belief["note"])
    count, rounds = len(belief["points"]), belief["rounds"]
    raced = " Scores of instructions that dropped out of their race are those on the first examples."
    all_ = len(rounds) == belief["eligible"]
    which = "every round" if all_ else f"{len(rounds)} rounds up to round {rounds[-1]:,}"
    return (
        f"For {which}, the Gaussian process as it was fitted to what was known before. The bars are "
        "one standard deviation, of its doubt and of a mean over so many examples. "
        f"{belief['within']:,} of {count:,} outcomes are within one (expected: {0.683 * count:.0f}), "
        f"{belief['within_two']:,} within two (expected: {0.954 * count:.0f})."
        f"{raced if data['run']['racing'] else ''}"
    )


def instructions(data: Record) -> Html:
    run = data["run"]
    words = (
        f"{len(data['instructions']):,} instructions were scored on up to {run['validation_examples']:,} validation "
        f"examples; {run['written']:,} texts were written."
    )
    return join(tag("p", words), tag("div", id="instruction-table"))


def examples(data: Record) -> Html:
    found = data["examples"]
    if not found["parts"]:
        return tag("p", "Nothing was scored yet.")
    return join(
        *([tag("p", foreign(found["note"]), class_="warning")] if found["note"] else []),
        tag("div", id="example-table"),
        tag("h3", "Every answer of the best instructions"),
        tag(
            "p",
            "A row an instruction, a column an example: filled where the answer was right, half filled where it was "
            "partly right, a dot where it was wrong, empty where it was not asked.",
        ),
        tag("div", id="matrix"),
    )


def cost(data: Record) -> Html:
    """What was paid by role, and what was asked for what."""
    costs = data["costs"]
    roles = [
        (
            each["role"],
            foreign(each["model"]),
            *_amounts(each),
            f"{each['lost']:,}",
            format_cost(each["usd"]),
            _period(each["first"], each["last"]),
        )
        for each in costs["roles"]
    ]
    phases = [(each["phase"], *_amounts(each)) for each in costs["phases"] if each["calls"]]
    amounts = ("calls", "prompt tokens", "answer tokens")
    asked = table(("for", *amounts), phases, "What the black box was asked")
    if not roles:
        return join(tag("p", "The call store has no account of this run."), asked)
    note = (
        "Lost tries may have been billed and brought no answer; they count at their most. What the call store already "
        "knew was asked and not paid."
    )
    paid = table(("role", "model", *amounts, "lost", "dollars", "paid (UTC)"), roles, "What was paid")
    return join(paid, tag("p", note, class_="faint"), asked)


def _amounts(usage: Record) -> tuple[str, ...]:
    return tuple(f"{usage[name]:,}" for name in ("calls", "prompt_tokens", "completion_tokens"))


def _period(first: int, last: int) -> str:
    start = datetime.fromtimestamp(first, UTC)
    return f"{start:%Y-%m-%d %H:%M}, for {format_seconds(last - first)}"


def table(heads: Sequence[str], rows: Sequence[Sequence[str]], caption: str, **attributes: str) -> Html:
    """A plain table, which scrolls by itself where it is too wide."""
    body = [tag("tr", tag("th", row[0], scope="row"), *(tag("td", cell) for cell in row[1:])) for row in rows]
    content = tag(
        "table",
        tag("caption", caption),
        tag("thead", tag("tr", *(tag("th", head, scope="col") for head in heads))),
        tag("tbody", *body),
    )
    return tag("div", content, class_="wide", tabindex="0", role="region", aria_label=caption, **attributes)


def again(data: Record) -> Html:
    """The command, the settings and the versions that it takes to have the run once more."""
    settings, versions = data["settings"], data["versions"]
    changed = [each for each in settings if not each["usual"]]
    how = data["words"]["reproduction"]
    return join(
        tag("p", how),
        *([tag("pre", "instructzero run --config settings.yaml --out another-directory")] if how.endswith(":") else []),
        _settings(changed, "Settings that are not the usual ones"),
        tag("details", tag("summary", "All settings"), _settings(settings, "All settings")),
        tag(
            "details",
            tag("summary", "Models, data and versions"),
            table(("package", "version"), list(versions.items()), "Versions where this report was made"),
            table(("what", "identity"), _identities(data["identities"]), "What the journal is bound to"),
        ),
    )


def _settings(settings: Sequence[Record], caption: str) -> Html:
    rows = [(each["name"], foreign("—" if each["value"] is None else str(each["value"]))) for each in settings]
    return table(("setting", "value"), rows, caption)


def _identities(identities: dict[str, Any]) -> list[tuple[str, Html]]:
    rows = []
    for name, value in identities.items():
        said = ", ".join(f"{key} {each}" for key, each in value.items()) if isinstance(value, dict) else str(value)
        rows.append((name, foreign(said)))
    return rows
