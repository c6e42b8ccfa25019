"""The section of the page with the results by label: scores, confusions and the confusion matrix."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from instructzero.report.failures_section import NAMES
from instructzero.report.html import Html, foreign, join, tag
from instructzero.report.limits import cut
from instructzero.report.sections import table
from instructzero.report.source import Record

MAX_LABELS = 12
"""The maximum number of labels shown, those with the most examples. The others are counted together."""

_LABEL_LENGTH = 60  # characters of a label
_SHORT = {"best": "best", "plain": "plain", "baseline": "yours", "start": "start"}


def labels(data: Record) -> Html:
    """Render the results by label for each part of the data, the test first."""
    parts = data["label_parts"] or _recorded(data["labels"])
    if not parts:
        return tag("p", "The results by label follow the final test.")
    first, *others = parts
    folded = (tag("details", tag("summary", _title(part)), _part(part)) for part in others)
    faint = "Macro F1 is the mean of the F1 of all labels, and balanced accuracy the mean of their recall."
    return join(tag("h3", _title(first)), _part(first), *folded, tag("p", faint, class_="faint"))


def _recorded(found: Record) -> list[Record]:
    """Return the results of the best instruction in ``result.json``, for a run whose examples are not known."""
    if not found.get("classes"):
        return []
    results = {"best": {"classes": found["classes"], "confusion": found["confusion"]}}
    count = sum(row["support"] for row in found["classes"])
    return [{"name": "test", "examples": count, "results": results, "confusions": []}]


def _title(part: Record) -> str:
    return f"The {part['examples']:,} {part['name']} examples by label"


def _part(part: Record) -> Html:
    best, *others = part["results"]
    matrices = (
        tag(
            "details",
            tag("summary", f"Confusion matrix of {NAMES[role]}"),
            _confusion(part["results"][role]["confusion"], f"{NAMES[role]}, {part['name']} examples"),
        )
        for role in others
    )
    return join(
        _classes(part),
        *([_confusions(part)] if part["confusions"] else []),
        _confusion(part["results"][best]["confusion"], f"the best instruction, {part['name']} examples"),
        *matrices,
    )


def _classes(part: Record) -> Html:
    """Render one row per label and instruction; the label is a head of its rows."""
    results: Mapping[str, Record] = part["results"]
    order = [row["label"] for row in results["best"]["classes"]]
    rows = {role: {row["label"]: row for row in found["classes"]} for role, found in results.items()}
    bodies = (
        tag("tbody", *_lines(label, {role: rows[role][label] for role in rows if label in rows[role]}))
        for label in order[:MAX_LABELS]
    )
    more = len(order) - MAX_LABELS
    left_out = f" ({more:,} rarer labels are not shown)" if more > 0 else ""
    caption = f"Scores by label on the {part['name']} examples{left_out}"
    heads = ("label", "examples", "instruction", "precision", "recall", "F1")
    content = tag(
        "table",
        tag("caption", caption),
        tag("thead", tag("tr", *(tag("th", head, scope="col") for head in heads))),
        *bodies,
    )
    return tag("div", content, class_="wide grouped", tabindex="0", role="region", aria_label=caption)


def _lines(label: str, found: Mapping[str, Record]) -> list[Html]:
    """Return the rows of one label."""
    lines = []
    for number, (role, row) in enumerate(found.items()):
        span = str(len(found))
        head = tag("th", _label(label), scope="rowgroup", rowspan=span)
        support = tag("td", f"{row['support']:,}", rowspan=span)
        cells = (tag("td", f"{row[name]:.3f}") for name in ("precision", "recall", "f1"))
        lines.append(tag("tr", *([] if number else [head, support]), tag("td", _SHORT[role]), *cells, class_=role))
    return lines


def _confusions(part: Record) -> Html:
    roles = list(part["results"])
    rows = [
        (
            _label(found["label"]),
            Html("no label, or several") if found["said"] is None else _label(found["said"]),
            *(f"{found['counts'][role]:,}" for role in roles),
        )
        for found in part["confusions"]
    ]
    heads = ("example's label", "label in the answer", *(_SHORT[role] for role in roles))
    return table(heads, rows, f"Most common confusions on the {part['name']} examples, by instruction")


def _confusion(confusion: Record, of: str) -> Html:
    """Render the matrix; the labels beyond `MAX_LABELS` share a row and a column."""
    names, counts = confusion["labels"], confusion["counts"]
    shown = range(min(len(names), MAX_LABELS))
    rest = range(len(shown), len(names))

    def cells(row: Sequence[int]) -> list[int]:
        return [*(row[k] for k in shown), *([sum(row[k] for k in rest)] if rest else []), row[-1]]

    rows = [(_label(names[k]), cells(counts[k])) for k in shown]
    if rest:
        rows.append(
            (Html("other labels"), [sum(column) for column in zip(*(cells(counts[k]) for k in rest), strict=True)])
        )
    heads = ["example's label", *(_label(names[k]) for k in shown), *(["other labels"] if rest else []), "no label"]
    body = [(name, *(f"{count:,}" if count else "·" for count in row)) for name, row in rows]
    return table(heads, body, f"Confusion matrix of {of}: a row for each label, a column for the label in the answer")


def _label(text: str) -> Html:
    return foreign(cut(text, _LABEL_LENGTH) or "(empty)", class_="foreign label")
