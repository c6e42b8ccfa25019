"""The prompt of the writer, and the instructions from its texts."""

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


def test_demonstrations_show_first_accepted_answer():
    assert demonstrations(EXEMPLARS) == "Input: cat\nOutput: c\n\nInput: dog\nOutput: d"


def test_completion_prompt_puts_soft_prompt_first():
    prompt = writer_prompt(ScriptedWriter(), EXEMPLARS, template="auto", placement="front")
    assert prompt.before == ""
    assert prompt.after.endswith("Output: d\n\nThe instruction was to")
    assert prompt.special_tokens


def test_auto_template_uses_chat_template_of_model():
    front = writer_prompt(ChatWriter(), EXEMPLARS, template="auto", placement="front")
    assert (front.before, front.after[:12], front.special_tokens) == ("", "<user>Input:", False)
    inside = writer_prompt(ChatWriter(), EXEMPLARS, template="auto", placement="user_turn")
    assert (inside.before, inside.after[:7]) == ("<user>", "\nInput:")
    assert inside.after.endswith("The instruction was to?<assistant>")


@pytest.mark.parametrize("model", [ScriptedWriter(), ChatWriter()])
def test_after_exemplars_puts_all_exemplars_before_soft_prompt(model):
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
def test_impossible_template_and_placement_raise(model, template, placement):
    with pytest.raises(ConfigurationError, match=r"expected a .*chat template"):
        writer_prompt(model, EXEMPLARS, template=template, placement=placement)


def test_zero_shot_is_the_paper_template():
    (message,) = zero_shot("Sort the words.", "b a")
    assert (message.role, message.content) == ("user", "Instruction: Sort the words.\n\nInput: b a\n\nOutput:")


def test_write_returns_instructions_in_order_of_proposals():
    model = ScriptedWriter()
    projection = Projection.draw("uniform", dimension=3, soft_tokens=2, hidden_size=8, seed=0)
    prompt = writer_prompt(model, EXEMPLARS, template="auto", placement="front")
    writer = Writer(model, prompt, projection, max_new_tokens=20)
    proposals = [Proposal((0.5, -1.0, 0.1)), Proposal(None), Proposal((-0.5, 1.0, -0.1))]
    together, usage = writer.write(proposals)
    assert together == [writer.write([proposal])[0][0] for proposal in proposals]
    assert usage == Usage()
    assert together[1].instruction == "do something with the word"
    assert len({writing.instruction for writing in together}) == 3


def scripted_writer(model, **parts):
    projection = Projection.draw("uniform", dimension=3, soft_tokens=2, hidden_size=8, seed=0)
    prompt = writer_prompt(model, EXEMPLARS, template="auto", placement="front")
    return Writer(model, prompt, projection, max_new_tokens=20, **parts)


class Recording(ScriptedWriter):
    """Records the texts that it was given to continue, and the number of soft prompts."""

    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        self.asked = []

    def generate(self, soft_prompts, before, after, **options):
        self.asked.append((after.rpartition("Output: d")[2], 0 if soft_prompts is None else len(soft_prompts)))
        return super().generate(soft_prompts, before, after, **options)


Z, OTHER_Z = (0.5, -1.0, 0.1), (-0.5, 1.0, -0.1)


def test_rewrite_without_rewriter_continues_first_words():
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
    assert [writing.raw for writing in writings] == [
        f"read the word and{glue[0]}{plain[0]}",
        plain[0],
        f"read the word and{glue[1]}{plain[1]}",
        f"look{glue[0]}{plain[0]}",
        plain[1],
    ]
    assert all(writing.instruction == writing.raw for writing in writings)


def test_rewrite_without_point_continues_first_words_after_plain_prompt():
    ((writing,), _) = scripted_writer(ScriptedWriter()).write([Proposal(None, Rewrite("", "now", 0))])
    assert writing.instruction == "now do something with the word"


def test_rewrite_after_chat_template_adds_no_space():
    class RecordingChat(Recording, ChatWriter):
        """A chat writer that records its prompts."""

    model = RecordingChat()
    scripted_writer(model).write([Proposal(Z, Rewrite("", "now", 0))])
    assert model.asked[0][0].endswith("<assistant>now")


class Asked:
    """A rewriter that returns the prompts as texts, one call for every prompt."""

    def rewrite(self, rewrites, known=()):
        return [Writing(rewrite.prompt, rewrite.prompt) for rewrite in rewrites], Usage(len(set(rewrites) - set(known)))


def test_rewriter_writes_rewrites_only():
    model = Recording()
    writer = scripted_writer(model, rewriter=Asked())
    a, b = Rewrite("a", "x", 0), Rewrite("b", "y", 1)
    writings, usage = writer.write([Proposal(Z, a), Proposal(Z), Proposal(None), Proposal(OTHER_Z, b)], known=[b])
    assert [writings[position].instruction for position in (0, 2, 3)] == ["a", "do something with the word", "b"]
    assert writings[1] == scripted_writer(model).write([Proposal(Z)])[0][0]
    assert usage == Usage(1)
    assert {size for _, size in model.asked} == {0, 1}
    assert (writer.calls_per_rewrite, scripted_writer(model).calls_per_rewrite) == (1, 0)


def test_represent_returns_states_of_projected_points():
    writer = scripted_writer(ScriptedWriter())
    states = writer.represent([Z, OTHER_Z])
    assert states.shape == (2, 8)
    assert states.tolist() == writer.projection([Z, OTHER_Z]).double().mean(dim=1).tolist()
