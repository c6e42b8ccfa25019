"""The user's own prompt of the writer: where the soft prompt goes, what the cue is, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from instructzero.errors import ConfigurationError
from instructzero.models.scripted import ScriptedWriter
from instructzero.prompts import request_frame, writer_prompt
from instructzero.types import Example, Proposal, Rewrite
from instructzero.writing.projection import Projection
from instructzero.writing.writer import Writer
from tests.command_line import Call

EXEMPLARS = (Example("cat", ("chat",)), Example("dog", ("chien", "cabot")))
SHOWN = "Input: cat\nOutput: chat\n\nInput: dog\nOutput: chien"
OWN = "We work on this: {description}\n{examples}\n\nThe rule in one line:"


class ChatWriter(ScriptedWriter):
    """A scripted writer with a chat template."""

    has_chat_template = True

    def render_chat(self, content: str) -> str:
        return f"<user>{content}<assistant>"


def prompt(text: str | None, *, chat: bool = False, placement: str = "front", description: str = "") -> tuple[str, str]:
    model = ChatWriter() if chat else ScriptedWriter()
    made = writer_prompt(model, EXEMPLARS, template="auto", placement=placement, text=text, description=description)
    assert made.special_tokens is not chat
    return made.before, made.after


def test_description_is_a_line_before_the_exemplars() -> None:
    described = f"Task: Translate.\n\n{SHOWN}\n\nThe instruction was to"
    assert prompt(None, description="Translate.") == ("", described)
    assert prompt(None, chat=True, description="Translate.") == ("", f"<user>{described}?<assistant>")
    assert prompt(None) == ("", described.removeprefix("Task: Translate.\n\n"))


@pytest.mark.parametrize(
    ("chat", "placement", "before", "after"),
    [
        (False, "front", "", f"We work on this: French\n{SHOWN}\n\nThe rule in one line:"),
        (False, "after_exemplars", f"We work on this: French\n{SHOWN}\n\n", "The rule in one line:"),
        (True, "front", "", f"<user>We work on this: French\n{SHOWN}\n\nThe rule in one line:<assistant>"),
        (True, "user_turn", "<user>", f"\nWe work on this: French\n{SHOWN}\n\nThe rule in one line:<assistant>"),
        (True, "after_exemplars", f"<user>We work on this: French\n{SHOWN}\n\n", "\nThe rule in one line:<assistant>"),
    ],
)
def test_soft_prompt_goes_where_placement_says(chat: bool, placement: str, before: str, after: str) -> None:
    assert prompt(OWN, chat=chat, placement=placement, description="French") == (before, after)


def test_soft_prompt_goes_where_its_field_stands() -> None:
    text = '{examples}\nThink of {soft_prompt} and write JSON such as {"rule": "..."}:'
    assert prompt(text) == (f"{SHOWN}\nThink of ", ' and write JSON such as {"rule": "..."}:')
    assert prompt(text, chat=True)[0] == f"<user>{SHOWN}\nThink of "


def test_values_of_fields_are_not_scanned_for_fields() -> None:
    assert prompt("{description}: {examples}", description="{examples} {soft_prompt}")[1].startswith(
        "{examples} {soft_prompt}: Input: cat"
    )


@pytest.mark.parametrize(
    ("text", "description", "sentence"),
    [
        ("{example}", "", r"got \{example\}; did you mean \{examples\}\?"),
        ("{examples} {tone}", "", r"got \{tone\}; write \{\{tone\}\} for a text in braces"),
        ("Write.", "", r"expected \{examples\} in --writer-prompt"),
        ("{examples} {description}", "", r"expected a --task-description for \{description\}"),
        ("{examples}", "Mood.", r"expected \{description\} in --writer-prompt, because there is a --task-description"),
        ("{soft_prompt} {examples} {soft_prompt}", "", r"expected \{soft_prompt\} at most once"),
    ],
)
def test_text_that_does_not_fit_is_refused(text: str, description: str, sentence: str) -> None:
    with pytest.raises(ConfigurationError, match=sentence):
        prompt(text, description=description)


RULE, LOOK = "{examples}\nThe rule in one line:", "{examples}\nLook.\nThe rule in one line is:"


@pytest.mark.parametrize(
    ("text", "repeated"),
    [
        (RULE, "The rule in one line: "),
        (RULE, "the rule in one line:\n"),
        (LOOK, "Look.\nThe rule in one line is: "),
        (LOOK, "The rule in one line is "),
    ],
)
def test_repeated_cue_of_own_prompt_is_not_a_part_of_the_instruction(text: str, repeated: str) -> None:
    model = ScriptedWriter([f"{repeated}Sort the words."])
    made = writer_prompt(model, EXEMPLARS, template="auto", placement="front", text=text)
    projection = Projection.draw("uniform", dimension=1, soft_tokens=1, hidden_size=8, seed=0)
    ((writing,), _) = Writer(model, made, projection, 40).write([Proposal((0.5,))])
    assert writing.instruction == "Sort the words."


def test_continuation_begins_after_the_cue_and_its_line_break() -> None:
    model = ScriptedWriter(["now"])
    made = writer_prompt(model, EXEMPLARS, template="auto", placement="front", text="{examples}\nRule:\n")
    projection = Projection.draw("uniform", dimension=1, soft_tokens=1, hidden_size=8, seed=0)
    seen = []
    generate = model.generate
    model.generate = lambda soft, before, after, **how: seen.append(after) or generate(soft, before, after, **how)  # type: ignore[func-returns-value,method-assign]
    ((writing,), _) = Writer(model, made, projection, 40).write([Proposal((0.5,), Rewrite("", "sort", 0))])
    assert seen[0].endswith("Rule:\nsort")
    assert writing.instruction == "sort now"


def test_given_instruction_is_returned_unwritten() -> None:
    model = ScriptedWriter(["now"])
    made = writer_prompt(model, EXEMPLARS, template="auto", placement="front")
    projection = Projection.draw("uniform", dimension=1, soft_tokens=1, hidden_size=8, seed=0)
    writings, _ = Writer(model, made, projection, 40).write([Proposal(None, given="Mine,\nas is."), Proposal((0.5,))])
    assert [writing.instruction for writing in writings] == ["Mine,\nas is.", "now"]


def test_frame_puts_request_and_examples_into_the_users_words() -> None:
    frame = request_frame("For {description}:\n{examples}\n\n{request}", EXEMPLARS, "the shop")
    assert frame("Say {examples}.") == f"For the shop:\n{SHOWN}\n\nSay {{examples}}."
    assert request_frame(None, EXEMPLARS, "")("Say it.") == "Say it."


def test_request_begins_with_the_description_once() -> None:
    frame = request_frame(None, EXEMPLARS, "Mood of a text.")
    assert frame("Say it.") == "The task: Mood of a text.\n\nSay it."
    assert frame(frame("Say it.")) == frame("Say it.")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("{request} {soft_prompt}", r"expected no \{soft_prompt\} in --writer-prompt"),
        ("{examples}", r"expected \{request\} in --writer-prompt"),
        ("{requests}", r"did you mean \{request\}\?"),
        ("{request} {description}", "expected a --task-description"),
    ],
)
def test_frame_that_does_not_fit_is_refused(text: str, sentence: str) -> None:
    with pytest.raises(ConfigurationError, match=sentence):
        request_frame(text, EXEMPLARS, "")


def test_prompt_and_description_of_a_run_are_a_part_of_it(command_line: Call, tmp_path: Path) -> None:
    (tmp_path / "own.txt").write_text("We do this: {description}\n{examples}\nRule:\n", encoding="utf-8")
    run = ("run", "--task", "words.jsonl", "--writer", "scripted:phrases", "--blackbox", "scripted:obey")
    run += ("--evaluations", "2", "--validation", "2", "--test", "2", "--confirmation", "0", "--out", "here")
    own = ("--writer-prompt", "own.txt", "--task-description", "Words {backwards}.")
    assert command_line(*run, *own)[0] == 0
    header = json.loads((tmp_path / "here" / "journal.jsonl").read_text().splitlines()[0])
    assert "We do this: Words {backwards}.\nInput: " in header["prompts"]["writer"]
    (tmp_path / "own.txt").unlink()
    assert command_line("resume", "here")[0] == 0
    code, _, err = command_line(*run, "--task-description", "Other words.")
    assert (code, "task_description: 'Words {backwards}.' there" in err) == (2, True)
