"""A writer that is asked in words: what it is asked, what it returns, and what it does without an answer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from instructzero.calls.paid import PaidModels
from instructzero.calls.store import BLACK_BOX, REWRITER, WRITER, CallStore
from instructzero.errors import ConfigurationError, ModelError, RefusedQuestion
from instructzero.models.scripted import ScriptedBlackBox, echo
from instructzero.types import Completion, Finish, Proposal, Request, Rewrite, Usage, Writing
from instructzero.writing.answers import read_texts
from instructzero.writing.asking_writer import AskingWriter, MissingTexts
from instructzero.writing.rewriter import AskingRewriter

Script = Callable[[str], str | Completion]
Make = Callable[[Script], AskingWriter]


class Pen(ScriptedBlackBox):
    """A model that writes; it keeps the requests, and may refuse one."""

    def __init__(self, script: Script) -> None:
        super().__init__(echo, name="pen")
        self._answers = script
        self.requests: list[Request] = []

    async def complete(self, request: Request) -> Completion:
        self.requests.append(request)
        answer = self._answers(request.messages[0].content)
        return answer if isinstance(answer, Completion) else Completion(answer, 5, 3)


@pytest.fixture
def pens() -> list[Pen]:
    return []


@pytest.fixture
def warnings() -> list[str]:
    return []


@pytest.fixture
def make(pens: list[Pen], warnings: list[str]) -> Iterator[Make]:
    with CallStore(":memory:") as store, ExitStack() as stack:

        def build(script: Script) -> AskingWriter:
            pens.append(Pen(script))
            models = {BLACK_BOX: ScriptedBlackBox(echo), WRITER: pens[-1]}
            paid = stack.enter_context(PaidModels(models, store, run="run", tolerant=True))
            missing = MissingTexts("openai:pen", warnings.append)
            asker = AskingRewriter(
                paid.role(WRITER),
                max_tokens=9,
                on_answer=lambda completion, cached: missing.check(completion),
                frame=lambda request: f"Dear pen, {request}",
                read=read_texts,
            )
            return AskingWriter("openai:pen", "guess it", asker, asker)

        yield build


def several(prompt: str) -> str:
    return "<prompt>A</prompt>\n<prompt>B</prompt>\n<prompt>C</prompt>"


def test_plain_instruction_is_one_greedy_request(make: Make, pens: list[Pen]) -> None:
    writer = make(lambda prompt: "<prompt>Sort\nthem.</prompt>")
    writings, usage = writer.write([Proposal(None)])
    assert writings == [Writing("<prompt>Sort\nthem.</prompt>", "Sort\nthem.")]
    assert usage == Usage()
    (request,) = pens[0].requests
    assert (request.temperature, request.seed, request.max_tokens) == (0, None, 9)
    assert request.messages[0].content == "Dear pen, guess it"


def test_proposals_that_differ_in_part_are_one_paid_request(make: Make, pens: list[Pen]) -> None:
    proposals = [Proposal(None, Rewrite("say it", "", 7, part, 3)) for part in (2, 0, 1)]
    writings, usage = make(several).write(proposals)
    assert [writing.instruction for writing in writings] == ["C", "A", "B"]
    assert usage == Usage(1, 5, 3)
    (request,) = pens[0].requests
    assert (request.temperature, request.seed, request.max_tokens) == (1.0, 7, 27)
    assert [writing.raw for writing in writings] == ["C", several(""), "B"]  # the whole answer is kept once


def test_other_parts_of_known_request_cost_nothing(make: Make, pens: list[Pen]) -> None:
    writer = make(several)
    first, second = (Rewrite("say it", "", 7, part, 2) for part in (0, 1))
    writer.write([Proposal(None, first)])
    assert writer.write([Proposal(None, second)], known=[first])[1] == Usage()
    assert len(pens[0].requests) == 1


def test_missing_texts_are_empty(make: Make) -> None:
    writings, _ = make(several).write([Proposal(None, Rewrite("say it", "", 7, part, 5)) for part in range(5)])
    assert [writing.instruction for writing in writings] == ["A", "B", "C", "", ""]


def test_given_instruction_is_returned_unasked(make: Make, pens: list[Pen]) -> None:
    writings, usage = make(several).write([Proposal(None, given="Mine,\nas it is.")])
    assert (writings, usage) == ([Writing("Mine,\nas it is.", "Mine,\nas it is.")], Usage())
    assert pens[0].requests == []


def test_point_of_search_space_and_hidden_states_are_refused(make: Make) -> None:
    writer = make(several)
    with pytest.raises(ConfigurationError, match="uses soft prompts, got openai:pen, which is asked in words"):
        writer.write([Proposal((0.5,))])
    with pytest.raises(ConfigurationError, match="uses hidden states"):
        writer.represent([(0.5,)])


def test_refused_request_gives_empty_texts_and_one_warning(make: Make, warnings: list[str]) -> None:
    def filtering(prompt: str) -> str:
        if "bad" in prompt:
            raise RefusedQuestion("refused", reason="status 400: content filter", about_content=True)
        return "<prompt>A</prompt>"

    prompts = ["good", "bad", "bad too"]
    writings, _ = make(filtering).write([Proposal(None, Rewrite(prompt, "", 0)) for prompt in prompts])
    assert [writing.instruction for writing in writings] == ["A", "", ""]
    (warning,) = warnings
    assert "status 400: content filter" in warning


def test_refusal_in_words_gives_one_warning_that_quotes_it(make: Make, warnings: list[str]) -> None:
    writer = make(lambda prompt: "I'm sorry, but I\ncan't help with that.")
    writings, _ = writer.write([Proposal(None, Rewrite(prompt, "", 0, 0, 2)) for prompt in ("one", "two")])
    assert [writing.instruction for writing in writings] == ["", ""]
    (warning,) = warnings
    assert "gave no instruction for a request: its answer is “I'm sorry, but I can't help with that.”" in warning


@pytest.mark.parametrize("finish", [Finish.FILTERED, Finish.REFUSED, Finish.EMPTY])
def test_withheld_plain_instruction_is_empty(make: Make, warnings: list[str], finish: Finish) -> None:
    ((writing,), _) = make(lambda prompt: Completion("", 5, 0, finish)).write([Proposal(None)])
    assert writing.instruction == ""
    assert len(warnings) == 1


def test_plain_instruction_without_room_to_write_is_an_error(make: Make) -> None:
    with pytest.raises(ModelError, match=r"openai:pen used all its tokens .* raise --instruction-tokens"):
        make(lambda prompt: Completion("", 5, 9, Finish.CUT)).write([Proposal(None)])


def test_black_box_as_rewriter_makes_texts_from_other_texts(make: Make, pens: list[Pen]) -> None:
    own = make(lambda prompt: "<prompt>plain</prompt>")
    assert own.has_account
    with CallStore(":memory:") as store, PaidModels({BLACK_BOX: ScriptedBlackBox({"ask": "made"})}, store) as paid:
        other = AskingRewriter(paid.role(REWRITER), max_tokens=9, on_answer=lambda completion, cached: None)
        writer = AskingWriter(own.name, own.request, own.asker, other)
        writings, usage = writer.write([Proposal(None), Proposal(None, Rewrite("ask", "", 0))])
    assert [writing.instruction for writing in writings] == ["plain", "made"]
    assert (usage.calls, len(pens[0].requests), writer.has_account) == (1, 1, False)
