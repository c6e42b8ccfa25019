"""The report of a bench as Markdown: texts of several lines keep them, and are no markup."""

import pytest

from instructzero.bench.markdown import block, markdown
from instructzero.bench.parts import Captioned, Section
from instructzero.bench.tables import Table

PROMPT = "user: {instruction}\n\n```\n# not a title\n````"


def test_text_of_several_lines_is_a_block_that_it_cannot_close():
    table = Table(("prompt for", "text"), (("writer", "one line"), ("black box", PROMPT)))
    text = markdown([Section("Set-up", (Captioned("prompts", "The prompts.", table, quoted=True),))], "1 run.", {})
    assert text == (
        "# Benchmark\n\n1 run.\n\n## Set-up\n\nThe prompts.\n\n"
        "| prompt for | text |\n| --- | --- |\n| writer | one line |\n\n"
        f"prompt for: black box\n\n`````text\n{PROMPT}\n`````\n"
    )


@pytest.mark.parametrize(("text", "fence"), [("a\nb", "```"), ("``\nb", "```"), ("````", "`````")])
def test_fence_is_longer_than_those_of_the_text(text, fence):
    assert block(text) == f"{fence}text\n{text}\n{fence}"


def test_columns_of_numbers_are_aligned_to_the_right_and_texts_to_the_left():
    table = Table(("task", "score", "calls", "what"), (("1", "0.5 ± 0.1", "never", "2 words"), ("2", "0.25", "9", "a")))
    assert table.markdown().splitlines()[1] == "| --- | ---: | ---: | --- |"
