"""What the writer reads, and what becomes of what it writes."""

import pytest

from instructzero.errors import ConfigurationError
from instructzero.models.scripted import ScriptedWriter
from instructzero.prompts import demonstrations, writer_prompt, zero_shot
from instructzero.types import Example, Proposal, Rewrite, Usage, Writing
from instructzero.writing.projection import Projection
from instructzero.writing.writer import Writer

EXEMPLARS = (Example("cat", ("c",)), Example("dog", ("d", "D")))


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


@pytest.mark.parametrize("model", [ScriptedWriter(), ChatWriter()])
def test_a_soft_prompt_after_the_exemplars_leaves_all_of_them_before_it(model):
    front = writer_prompt(model, EXEMPLARS, template="auto", placement="front")
    prompt = writer_prompt(model, EXEMPLARS, template="auto", placement="after_exemplars")
    assert prompt.before.endswith("Output: d\n\n")
    assert prompt.after.strip().startswith("The instruction was to")
    assert (prompt.before + prompt.after.removeprefix("\n")) == front.after


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


def test_instructions_come_in_the_order_of_the_proposals():
    model = ScriptedWriter()
    projection = Projection.draw("uniform", dimension=3, soft_tokens=2, hidden_size=8, seed=0)
    prompt = writer_prompt(model, EXEMPLARS, template="auto", placement="front")
    writer = Writer(model, prompt, projection, max_new_tokens=20)
    proposals = [Proposal((0.5, -1.0, 0.1)), Proposal(None), Proposal((-0.5, 1.0, -0.1))]
    together, usage = writer.write(proposals)
    assert together == [writer.write([each])[0][0] for each in proposals]
    assert usage == Usage()
    assert together[1].instruction == "do something with the word"
    assert len({each.instruction for each in together}) == 3


def scripted_writer(model, **parts):
    projection = Projection.draw("uniform", dimension=3, soft_tokens=2, hidden_size=8, seed=0)
    prompt = writer_prompt(model, EXEMPLARS, template="auto", placement="front")
    return Writer(model, prompt, projection, max_new_tokens=20, **parts)


class Recording(ScriptedWriter):
    """Keeps what it was asked to go on from, and how many soft prompts came along."""

    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        self.asked = []

    def generate(self, soft_prompts, before, after, **options):
        self.asked.append((after.rpartition("Output: d")[2], 0 if soft_prompts is None else len(soft_prompts)))
        return super().generate(soft_prompts, before, after, **options)


Z, OTHER_Z = (0.5, -1.0, 0.1), (-0.5, 1.0, -0.1)


def test_a_text_made_from_others_goes_on_from_their_first_words():
    model = Recording(["reverse it", ", or spell it backwards", "plain"])
    writer = scripted_writer(model)
    starts = ["read the word and", "", "read the word and", "look"]
    proposals = [
        Proposal(z, Rewrite("not read", start, 0)) for z, start in zip([Z, Z, OTHER_Z, Z], starts, strict=True)
    ]
    writings, usage = writer.write([*proposals, Proposal(OTHER_Z)])
    assert usage == Usage()
    cue = "\n\nThe instruction was to"
    assert model.asked == [(f"{cue} read the word and", 2), (cue, 2), (f"{cue} look", 1)]
    plain = [writer.write([Proposal(z)])[0][0].raw for z in (Z, OTHER_Z)]
    glue = ["" if text.startswith(",") else " " for text in plain]
    assert [each.raw for each in writings] == [
        f"read the word and{glue[0]}{plain[0]}",
        plain[0],
        f"read the word and{glue[1]}{plain[1]}",
        f"look{glue[0]}{plain[0]}",
        plain[1],
    ]
    assert all(each.instruction == each.raw for each in writings)


def test_without_a_point_the_plain_prompt_goes_on_from_the_first_words():
    ((writing,), _) = scripted_writer(ScriptedWriter()).write([Proposal(None, Rewrite("", "now", 0))])
    assert writing.instruction == "now do something with the word"


def test_a_chat_template_is_followed_by_the_first_words_alone():
    class RecordingChat(Recording, ChatWriter):
        """A chat writer that keeps what it was asked."""

    model = RecordingChat()
    scripted_writer(model).write([Proposal(Z, Rewrite("", "now", 0))])
    assert model.asked[0][0].endswith("<assistant>now")


class Asked:
    """A rewriter that writes the prompts down, each for one call."""

    def rewrite(self, rewrites, known=()):
        return [Writing(each.prompt, each.prompt) for each in rewrites], Usage(len(set(rewrites) - set(known)))


def test_a_rewriter_makes_the_texts_that_are_made_from_others_and_no_other():
    model = Recording()
    writer = scripted_writer(model, rewriter=Asked())
    a, b = Rewrite("a", "x", 0), Rewrite("b", "y", 1)
    writings, usage = writer.write([Proposal(Z, a), Proposal(Z), Proposal(None), Proposal(OTHER_Z, b)], known=[b])
    assert [writings[position].instruction for position in (0, 2, 3)] == ["a", "do something with the word", "b"]
    assert writings[1] == scripted_writer(model).write([Proposal(Z)])[0][0]
    assert usage == Usage(1)
    assert {size for _, size in model.asked} == {0, 1}
    assert (writer.calls_a_rewrite, scripted_writer(model).calls_a_rewrite) == (1, 0)


def test_points_are_represented_as_the_model_represents_their_soft_prompts():
    writer = scripted_writer(ScriptedWriter())
    states = writer.represent([Z, OTHER_Z])
    assert states.shape == (2, 8)
    assert states.tolist() == writer.projection([Z, OTHER_Z]).double().mean(dim=1).tolist()
