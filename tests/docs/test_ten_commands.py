"""The tutorial takes a reader who has only the site from nothing to a tested prompt of her own in ten commands."""

from __future__ import annotations

from tests.docs.blocks import DOCS, read_page
from tests.docs.shell import commands_of

PAGE = "tutorial/your-prompt"
AFTERWARDS = "## With a real model"
"""The heading below which the page no longer uses the test server."""


def commands() -> list[str]:
    page = read_page(DOCS / f"{PAGE}.md")
    last = page.path.read_text(encoding="utf-8").splitlines().index(AFTERWARDS) + 1
    blocks = [block for block in page.blocks if block.language == "bash" and block.line < last]
    return [command for block in blocks for command in commands_of(block.text)]


def test_page_goes_from_an_empty_folder_to_a_tested_prompt_in_ten_commands_at_most() -> None:
    found = commands()
    assert len(found) <= 10
    assert found[0] == "python -m venv .venv"
    assert any(command.startswith("pip install ") for command in found)
    assert "python -m instructzero.testing &" in found
    assert any(command.startswith("instructzero run ") and "--dry-run" not in command for command in found)


def test_page_needs_no_checkout_and_no_other_page() -> None:
    text = (DOCS / f"{PAGE}.md").read_text(encoding="utf-8").partition(AFTERWARDS)[0]
    assert "examples/" not in text
    assert "git clone" not in text
    assert {"demo_port", "demo_config"} == {
        line.strip().removeprefix("<!-- setup: ").removesuffix(" -->")
        for line in text.splitlines()
        if line.startswith("<!-- setup: ")
    }  # these two only choose a free port


def test_numbers_of_commands_that_the_page_states_are_right() -> None:
    words = {9: "nine", 10: "ten", 8: "eight"}
    text = (DOCS / f"{PAGE}.md").read_text(encoding="utf-8")
    assert f"These were {words[len(commands())]} commands." in text
