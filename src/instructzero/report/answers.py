"""The answers that did not arrive whole: their counts, and the examples that got none."""

from __future__ import annotations

from instructzero.records.endings import endings_of
from instructzero.report.html import Html, foreign, join, tag
from instructzero.report.limits import cut
from instructzero.report.source import Record, Source

_ROWS = 200
_TEXT = 300  # characters of an input or a reason


def answers_of(source: Source) -> Record:
    """Return the counts of the answers by how they ended, a sentence about them, and the examples that got none."""
    endings = endings_of(source.history, source.task, source.settings.answer_tokens)
    return {"sentence": endings.summary(), **endings.to_dict()}


def answers(data: Record) -> Html:
    """Render the counts and the examples; nothing if every answer is complete."""
    found = data["answers"]
    if not found["sentence"]:
        return join()
    examples = found["failed_examples"]
    return join(tag("p", found["sentence"]), *([_table(examples[:_ROWS])] if examples else []))


def _table(examples: list[Record]) -> Html:
    heads = (tag("th", head, scope="col") for head in ("example", "part", "reason"))
    rows = [
        tag(
            "tr",
            tag("th", foreign(cut(example["input"], _TEXT)), scope="row"),
            tag("td", example["part"]),
            tag("td", foreign(cut(example["reason"], _TEXT))),
        )
        for example in examples
    ]
    caption = "Examples that got no answer at least once, which scores 0"
    content = tag("table", tag("caption", caption), tag("thead", tag("tr", *heads)), tag("tbody", *rows))
    return tag("div", content, class_="wide", tabindex="0", role="region", aria_label=caption)
