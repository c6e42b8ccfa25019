"""The results by label: the score of the commonest label, and how the best instruction does on each label."""

from __future__ import annotations

from collections.abc import Sequence

from instructzero.records.label_results import LabelResults
from instructzero.report.html import Html, foreign, join, tag
from instructzero.report.limits import cut
from instructzero.report.sections import table
from instructzero.report.source import Record, Source

MAX_LABELS = 12
"""The maximum number of labels shown, those with the most examples. The others are counted together."""

_LABEL_LENGTH = 60  # characters of a label


def labels_of(source: Source) -> Record:
    """Return the results by label as in ``result.json``, or an empty dict if the answers are not a few labels.

    While the run is in progress there are only the scores of the commonest label.
    """
    if source.result is not None:
        found = {name: source.result.get(name) for name in ("majority_scores", "classes", "confusion")}
    elif source.task is not None and source.settings.scoring != "loglikelihood":
        found = LabelResults.of(source.task).to_dict()
    else:
        return {}
    return found if found["majority_scores"] or found["classes"] else {}


def labels(data: Record) -> Html:
    """Render the table of labels and the confusion matrix of the final test."""
    found = data["labels"]
    if not found.get("classes"):
        return tag("p", "The labels are counted in the final test.")
    return join(
        tag("p", "The best instruction on the test examples, by the label of the example."),
        _classes(found["classes"]),
        _confusion(found["confusion"]),
        tag(
            "p",
            "Macro F1 is the mean of the column F1, balanced accuracy that of the recall.",
            class_="faint",
        ),
    )


def _classes(classes: Sequence[Record]) -> Html:
    rows = [
        (
            _label(row["label"]),
            f"{row['support']:,}",
            *(f"{row[name]:.3f}" for name in ("precision", "recall", "f1")),
        )
        for row in classes[:MAX_LABELS]
    ]
    more = len(classes) - MAX_LABELS
    left_out = f" ({more:,} rarer labels are not shown)" if more > 0 else ""
    return table(("label", "examples", "precision", "recall", "F1"), rows, f"Results by label{left_out}")


def _confusion(confusion: Record) -> Html:
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
    return table(heads, body, "Confusion matrix: the label that the answer names, by the label of the example")


def _label(text: str) -> Html:
    return foreign(cut(text, _LABEL_LENGTH) or "(empty)")
