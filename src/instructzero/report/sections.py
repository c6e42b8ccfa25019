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
    "plain": "Plain instruction",
    "baseline": "Your instruction",
    "start": "Your instruction, from which the search started",
    "challenger": "Best challenger",
}
_MAJORITY = "Majority: the score of giving every example the commonest label of its part as the answer."
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
        *([tag("p", _MAJORITY, class_="faint")] if data["labels"].get("majority_scores") else []),
        *(
            tag("p", _reference(other["role"], data["run"]), ": ", _text(other["text"]), class_="rival")
            for other in others
        ),
        *([tag("h3", "Statistical comparison")] if said["comparisons"] else []),
        *(tag("p", statement) for statement in said["comparisons"]),
        tag("p", said["ending"]),
    )


def _reference(role: str, run: Record) -> str:
    """Return what a reference is."""
    return f"{_TITLES[role]} ({plain_origin(run)})" if role == "plain" else _TITLES[role]


def plain_origin(run: Record) -> str:
    """Return how the plain instruction was written."""
    return "written from the exemplars alone" + ("" if run["on_request"] else ", without a soft prompt")


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


def instructions(data: Record) -> Html:
    """Render the place of the table of all instructions."""
    run = data["run"]
    words = (
        f"{len(data['instructions']):,} different instructions were scored, each on up to "
        f"{run['validation_examples']:,} validation examples. In total, {run['written']:,} texts were written."
        f"{_selection(data)}"
    )
    return join(tag("p", words), tag("div", id="instruction-table"))


def _selection(data: Record) -> str:
    """Return why the best instruction is not the first of the table, if it is not."""
    rows, run = data["instructions"], data["run"]
    confirmed = any(row["confirmation"] is not None for row in rows)
    if not (run["ended"] and confirmed) or run["starts"] or "best" in rows[0]["roles"]:
        return ""
    return (
        " The best one was selected among those with a confirmation score, by its validation and confirmation scores "
        "together."
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
        why = costs["unread"] or "The call store records no payments for this run."
        return join(tag("p", foreign(why), class_="warning" if costs["unread"] else "faint"), asked)
    note = (
        "Lost calls returned no answer but may have been billed, so they are counted at their maximum cost. Answers "
        "that were already in the call store count as calls by phase, but not as paid calls."
    )
    heads = ("role", "model", *amounts, *parts.values(), "lost", "dollars", "start (UTC), duration")
    paid = table(heads, roles, "Paid calls by role")
    return join(paid, tag("p", note, class_="faint"), asked)


def _amounts(usage: Record) -> tuple[str, ...]:
    return tuple(f"{usage[name]:,}" for name in ("calls", "prompt_tokens", "completion_tokens"))


def _period(first: int, last: int) -> str:
    start = datetime.fromtimestamp(first, UTC)
    return f"{start:%Y-%m-%d %H:%M}, {format_seconds(last - first)}"


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
