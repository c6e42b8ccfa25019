"""What the writer reads, and what becomes of what it writes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from instructzero.errors import ConfigurationError
from instructzero.models.scripted import ScriptedWriter
from instructzero.projection import Projection
from instructzero.templates import demonstrations, writer_prompt, zero_shot
from instructzero.types import Exemplar, Proposal
from instructzero.writer import Writer, clean

EXEMPLARS = (Exemplar("cat", ("c",)), Exemplar("dog", ("d", "D")))


class ChatWriter(ScriptedWriter):
    """A scripted writer with a chat template."""

    has_chat_template = True

    def render_chat(self, content):
        return f"<user>{content}<assistant>"


def test_demonstrations_show_the_first_accepted_answer():
    assert demonstrations(EXEMPLARS) == "Input: cat\nOutput: c\n\nInput: dog\nOutput: d"


def test_plain_text_puts_the_soft_prompt_before_everything():
    prompt = writer_prompt(ScriptedWriter(), EXEMPLARS, template="auto", placement="front")
    assert prompt.before == ""
    assert prompt.after.endswith("Output: d\n\nThe instruction was to")
    assert prompt.special_tokens


def test_a_chat_template_is_used_where_there_is_one():
    front = writer_prompt(ChatWriter(), EXEMPLARS, template="auto", placement="front")
    assert (front.before, front.after[:12], front.special_tokens) == ("", "<user>Input:", False)
    inside = writer_prompt(ChatWriter(), EXEMPLARS, template="auto", placement="user_turn")
    assert (inside.before, inside.after[:7]) == ("<user>", "\nInput:")
    assert inside.after.endswith("The instruction was to?<assistant>")


@pytest.mark.parametrize(
    ("model", "template", "placement"),
    [
        (ScriptedWriter(), "chat", "front"),
        (ScriptedWriter(), "auto", "user_turn"),
        (ChatWriter(), "completion", "user_turn"),
    ],
)
def test_combinations_that_cannot_be_are_refused(model, template, placement):
    with pytest.raises(ConfigurationError, match=r"expected a .*chat template"):
        writer_prompt(model, EXEMPLARS, template=template, placement=placement)


def test_the_black_box_reads_the_papers_zero_shot_template():
    (message,) = zero_shot("Sort the words.", "b a")
    assert (message.role, message.content) == ("user", "Instruction: Sort the words.\n\nInput: b a\n\nOutput:")


@pytest.mark.parametrize(
    ("raw", "instruction"),
    [
        (" write the first letter.", "write the first letter."),
        ("write it.\n\nInput: x\nOutput: y", "write it."),
        ("write it.\nInput: x", "write it."),
        ("write it\non two lines", "write it on two lines"),
        ('"write it."', "write it."),
        ("'it' and 'that'", "'it' and 'that'"),
        ("The instruction was to write it", "write it"),
        ("Instruction: write it", "write it"),
        ("   \n\n  ", ""),
    ],
)
def test_clean_up_keeps_the_first_instruction(raw, instruction):
    assert clean(raw) == instruction


@given(st.text())
def test_a_clean_instruction_is_one_line_without_outer_space(raw):
    instruction = clean(raw)
    assert instruction == " ".join(instruction.split())


def test_instructions_come_in_the_order_of_the_proposals():
    model = ScriptedWriter()
    projection = Projection.draw("uniform", dimension=3, soft_tokens=2, hidden_size=8, seed=0)
    prompt = writer_prompt(model, EXEMPLARS, template="auto", placement="front")
    writer = Writer(model, prompt, projection, max_new_tokens=20)
    proposals = [Proposal((0.5, -1.0, 0.1)), Proposal(None), Proposal((-0.5, 1.0, -0.1))]
    together = writer.write(proposals)
    assert together == [writer.write([each])[0] for each in proposals]
    assert together[1].instruction == "do something with the word"
    assert len({each.instruction for each in together}) == 3
