"""The wording of requests for several texts at once, bounded in length whatever is quoted in them.

Four kinds of request: from exemplars (the forward mode of Zhou et al., 2023), from scored instructions (Yang et al.,
2024), from the failures of an instruction (Agrawal et al., 2025), and from two instructions (Guo et al., 2024).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from instructzero.optimizers.metaprompts import ENVELOPE
from instructzero.optimizers.quoting import beginning_of, one_line

TEXTS = 4
"""The number of texts that one request asks for."""

LISTED = 10
"""The number of scored instructions in one request."""

DESCRIPTION, DEMONSTRATIONS, INSTRUCTION, LISTED_INSTRUCTION = 1000, 3000, 2000, 400
INPUT, EXPECTED, GIVEN, REMARK = 240, 120, 240, 160
"""The maximum numbers of characters of what is quoted; of a longer text, the middle or the end is left out."""

FROM_FAILURES = "from failures"
"""The name of the requests that show validation examples to the model."""

_SEVERAL = "Write {count} different instructions, each between <prompt> and </prompt>."


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer of the black box to one example.

    Parameters
    ----------
    input, expected
        The input of the example, and what it should have been answered.
    given
        The answer.
    problem
        The reason why the answer is not complete; "" if it is.
    remark
        The metric's remark; "" if there is none.
    """

    input: str
    expected: str
    given: str
    problem: str = ""
    remark: str = ""

    def lines(self) -> str:
        """Return the answer in labelled lines; a text of several lines becomes one, so that it cannot add a label."""
        given = f"Answer ({self.problem})" if self.problem else "Answer"
        shown = [
            ("Input", self.input, INPUT),
            ("Expected", self.expected, EXPECTED),
            (given, self.given, GIVEN),
            ("Remark", self.remark, REMARK),
        ]
        return "\n".join(f"{label}: {one_line(text, limit)}" for label, text, limit in shown if text or label == given)


class Wording:
    r"""The requests of a run, for a model that follows instructions.

    Parameters
    ----------
    demonstrations
        The exemplars as text.
    description
        The task in the user's words, or "".

    >>> request = Wording("Input: hot\nOutput: cold", "Opposites.").from_exemplars(3)
    >>> request.splitlines()[0], request.splitlines()[-1]
    ('The task: Opposites.', 'Write 3 different instructions, each between <prompt> and </prompt>.')
    """

    def __init__(self, demonstrations: str, description: str = "") -> None:
        self._demonstrations = beginning_of(demonstrations, DEMONSTRATIONS)
        self._task = [f"The task: {beginning_of(description, DESCRIPTION)}"] if description.strip() else []

    def from_exemplars(self, count: int) -> str:
        """Return a request for ``count`` guesses of the instruction behind the exemplars."""
        return self._request(
            count,
            "Somebody followed one instruction for each of these inputs and gave these outputs.",
            self._demonstrations,
            "Work out what the instruction was, in words that also fit other inputs of this kind. Say it in clearly "
            "different ways: from one short sentence to one that also says which form the output has and what to do in "
            "cases that are easy to get wrong.",
        )

    def from_scores(self, scored: Sequence[tuple[str, float]], count: int) -> str:
        """Return a request for ``count`` texts that are better than the best of ``scored`` texts with scores in [0, 1].

        The `LISTED` best ones are shown, the best one last.
        """
        best = sorted(scored, key=lambda pair: pair[1])[-LISTED:]
        listed = [
            f"Instruction: {one_line(text, LISTED_INSTRUCTION)}\nScore: {round(100 * min(max(score, 0.0), 1.0))}"
            for text, score in best
        ]
        return self._request(
            count,
            "Here are instructions for one task, each with its score from 0 to 100, the best ones last.",
            *listed,
            "These inputs and outputs show what the task is.",
            self._demonstrations,
            "Consider what the good ones have and the others lack. Write new instructions for the task that score "
            "higher: unlike all of these, clear, and fit for every input of the kind.",
        )

    def from_failures(self, instruction: str, wrong: Sequence[Answer], right: Sequence[Answer], count: int) -> str:
        """Return a request for ``count`` improvements of an instruction, given some of its answers.

        Parameters
        ----------
        instruction
            The instruction.
        wrong, right
            Answers that scored low, and answers that scored high.
        count
            The number of texts.
        """
        kept = ["These answers were right. The next instruction should not change them."] if right else []
        return self._request(
            count,
            "A model is given this instruction, and one input at a time.",
            _tagged(instruction),
            "These answers of it were wrong, or scored low.",
            *(answer.lines() for answer in wrong),
            *kept,
            *(answer.lines() for answer in right),
            "Say in one short sentence what the instruction leaves open or gets wrong, so that this happened. Then "
            "improve it: keep what works, and add or change what prevents such answers. It must fit inputs of this "
            "kind that are not shown here, so state rules and the form of the output, and quote none of these inputs.",
        )

    def from_two(self, first: str, second: str, count: int) -> str:
        """Return a request for ``count`` texts that combine two instructions."""
        return self._request(
            count,
            "These two instructions for one task succeed on different inputs.",
            _tagged(first),
            _tagged(second),
            "Combine them: each new instruction takes the most useful parts of both and contradicts neither, in words "
            "that differ from both.",
        )

    def named(self) -> Mapping[str, str]:
        """Return one request of each kind by name, as the identity of a run records them."""
        answer = Answer("{input}", "{expected}", "{given}", "", "{remark}")
        return {
            "from exemplars": self.from_exemplars(TEXTS),
            "from scores": self.from_scores([("{instruction}", 1.0)], TEXTS),
            FROM_FAILURES: self.from_failures("{instruction}", [answer], [answer], TEXTS),
            "from two": self.from_two("{first}", "{second}", TEXTS),
        }

    def _request(self, count: int, *paragraphs: str) -> str:
        """Return the paragraphs after the description of the task, and before the line that says where to answer."""
        closing = ENVELOPE if count == 1 else _SEVERAL.format(count=count)
        return "\n\n".join([*self._task, *paragraphs, closing])


def _tagged(instruction: str) -> str:
    """Return an instruction between marks, which it cannot close itself."""
    inside = beginning_of(instruction, INSTRUCTION).replace("</instruction>", "< /instruction>")
    return f"<instruction>\n{inside}\n</instruction>"


WORDING = Wording("{demonstrations}", "{description}").named()
"""The wording of the requests with placeholders, for `Method.requests`."""
