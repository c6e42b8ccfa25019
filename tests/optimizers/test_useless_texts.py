"""A writer behind an API that has one good instruction among nine useless ones, as whole runs."""

import zlib
from collections import Counter

import numpy as np
import pytest

import instructzero
from instructzero.models.scripted import ScriptedBlackBox
from instructzero.types import Completion

GOOD = "Answer with the opposite of the given word, in lower case."
USELESS = (
    "Repeat the word.",
    "Count the letters of the word.",
    "Write the word in upper case.",
    "Translate the word into French.",
    "Write the first letter of the word.",
    "Spell the word backwards.",
    "Give a synonym of the word.",
    "Write a sentence with the word.",
    "Say whether the word is a noun.",
)
TEXTS = (GOOD, *USELESS)
PLAIN = "Follow the examples."


class Pen(ScriptedBlackBox):
    """Writes four of the ten texts for each request, in a random order of the seed.

    With ``in_turn``, every text comes before one is repeated; otherwise each request is answered independently.
    """

    def __init__(self, seed, in_turn):
        super().__init__({})
        self._order = [TEXTS[place] for place in np.random.default_rng(seed).permutation(10)]
        self._in_turn = in_turn
        self.questions = Counter()

    async def complete(self, request):
        prompt = request.messages[-1].content
        self.questions[prompt, request.seed] += 1
        if request.seed is None:
            return Completion(f"<prompt>{PLAIN}</prompt>")
        begin = 4 * (len(self.questions) - 2)  # the first question was for the plain instruction
        places = range(begin, begin + 4)
        if not self._in_turn:
            places = np.random.default_rng(zlib.crc32(f"{request.seed} {prompt}".encode())).permutation(10)[:4]
        return Completion("\n".join(f"<prompt>{self._order[place % 10]}</prompt>" for place in places))


class Box(ScriptedBlackBox):
    """Answers right with a probability for the good instruction, and another one for the useless ones."""

    def __init__(self, seed, good, useless, fail_after=None):
        super().__init__(self._answer, fail_after=fail_after)
        self._seed, self._chances = seed, (useless, good)

    def _answer(self, prompt):
        drawn = np.random.default_rng([self._seed, zlib.crc32(prompt.encode())]).random()
        return "right" if drawn < self._chances[GOOD in prompt] else "wrong"


def run(folder, seed, chances=(1.0, 0.0), validation=20, confirmation=5, in_turn=False, box=None, pen=None, **settings):
    pen = pen or Pen(seed, in_turn)
    result = instructzero.optimize(
        [(f"word {number}", "right") for number in range(validation + confirmation + 6)],
        writer=pen,
        blackbox=box or Box(seed, *chances),
        seed=seed,
        directory=folder,
        exemplars=2,
        validation=validation,
        confirmation=confirmation,
        test=4,
        evaluations=60,
        **settings,
    )
    return result, pen


def scoring_calls(result):
    """Return the paid calls for scoring texts of the writer."""
    return sum(trial.evaluation.usage.calls for trial in result.trials)


@pytest.mark.parametrize("seed", range(20))
def test_default_finds_it_with_half_the_calls_of_scoring_all_in_full(seed, tmp_path):
    result, _ = run(tmp_path, seed)
    assert result.best.instruction == GOOD
    assert scoring_calls(result) <= len(TEXTS) * 20 / 2


@pytest.mark.parametrize("seed", range(20))
def test_default_finds_it_where_scores_are_noisy(seed, tmp_path):
    result, _ = run(tmp_path, seed, (0.8, 0.3), validation=40, confirmation=20, in_turn=True)
    assert result.best.instruction == GOOD
    assert scoring_calls(result) <= len(TEXTS) * 40 / 2


@pytest.mark.parametrize("method", ["instructzero", "reflect"])
def test_requests_are_paid_once_for_all_their_texts(method, tmp_path):
    result, pen = run(tmp_path, 0, method=method)
    assert max(pen.questions.values()) == 1
    assert result.spent["writer"].calls == pen.questions.total()
    again, pen = run(tmp_path, 0, method=method)
    assert again == result
    assert not pen.questions


@pytest.mark.parametrize("method", ["instructzero", "reflect"])
def test_interrupted_run_ends_with_the_same_journal_and_repeats_no_call(method, tmp_path):
    settings = {"method": method, "chances": (0.8, 0.3), "validation": 6, "search_calls": 90}
    whole = Box(0, 0.8, 0.3)
    reference, pen = run(tmp_path / "whole", 0, box=whole, **settings)
    calls, questions = Counter(), Counter()
    for _ in range(whole.calls.total()):
        box, asked = Box(0, 0.8, 0.3, fail_after=20), Pen(0, in_turn=False)
        try:
            result, _ = run(tmp_path / "broken", 0, box=box, pen=asked, **settings)
        except instructzero.EndpointError:
            continue
        finally:
            calls += box.calls
            questions += asked.questions
        break
    assert result == reference
    assert calls == whole.calls
    assert questions == pen.questions
    assert (tmp_path / "broken/journal.jsonl").read_bytes() == (tmp_path / "whole/journal.jsonl").read_bytes()
    assert sum(trial.evaluation.usage.calls for trial in result.trials) + result.spent["writer"].calls <= 90 + 1


@pytest.mark.parametrize("rewriter", ["writer", "blackbox"])
def test_reflection_runs_with_a_local_writer_and_with_the_black_box(scripted, rewriter, tmp_path):
    result = instructzero.optimize(**scripted, method="reflect", rewriter=rewriter, directory=tmp_path)
    made = [trial.proposal.rewrite for trial in result.trials]
    assert all(made)
    assert ("rewriter" in result.spent) == (rewriter == "blackbox")
