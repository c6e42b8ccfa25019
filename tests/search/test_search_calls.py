"""Searches that rewrite texts, and searches with a limit of calls, as whole runs."""

import zlib
from collections import Counter
from dataclasses import replace

import pytest

import instructzero
from instructzero.models.scripted import PHRASES, ScriptedBlackBox, ScriptedWriter, obey
from instructzero.records.journal import Journal
from instructzero.types import Message

VALIDATION = 6
SIZES = {"exemplars": 2, "validation": VALIDATION, "test": 4, "confirmation": 3, "finalists": 2}
SETTINGS = {**SIZES, "evaluations": 12, "initial": 4, "batch": 4, "instruction_tokens": 30, "stop_early": False}
REFERENCES, END = VALIDATION, 3 * 3 + 2 * 4
LEAST = REFERENCES + 3 + 4
"""The calls of a run without room for a search: the plain instruction on all examples."""


class Versatile(ScriptedBlackBox):
    """Makes an instruction of a request with a seed, and follows instructions otherwise."""

    def __init__(self, fail_after=None):
        super().__init__(self._answer, fail_after=fail_after)

    @staticmethod
    def _answer(prompt):
        if not prompt.startswith("sample "):
            return obey(prompt)
        number = zlib.crc32(prompt.encode())
        return f"How about <prompt>{PHRASES[number % len(PHRASES)]}, way {number % 97}</prompt>?"

    async def complete(self, request):
        if request.seed is not None:
            seeded = Message("user", f"sample {request.seed}\n{request.messages[0].content}")
            request = replace(request, messages=(seeded,))
        return await super().complete(request)

    @property
    def rewritings(self):
        return sum(count for prompt, count in self.calls.items() if prompt.startswith("sample "))


def run(scripted, folder, box, **changes):
    return instructzero.optimize(
        scripted["task"],
        writer=ScriptedWriter(),
        blackbox=box,
        directory=folder,
        **{**SETTINGS, **changes},
    )


def history(folder):
    return Journal(folder / "journal.jsonl").history


TEXTS = ["ape", "opro", "evoprompt-ga", "evoprompt-de", "capo"]
PAID = {"method": "ape", "rewriter": "blackbox"}


@pytest.mark.parametrize("method", TEXTS)
def test_rewriting_black_box_is_paid_once_per_text(scripted, tmp_path, method):
    box = Versatile()
    result = run(scripted, tmp_path, box, method=method, rewriter="blackbox")
    assert max(box.calls.values()) == 1
    assert result.usage.calls == box.calls.total()
    assert result.spent["rewriter"].calls == box.rewritings > 4
    assert sum(usage.calls for usage in result.spent.values()) == box.calls.total()
    assert all("way" in trial.instruction for trial in result.trials)
    assert result.test_score == 1.0
    record = history(tmp_path)
    assert sum(each.usage.calls for each in record.rounds) == box.rewritings
    assert len(record.rewrites) == box.rewritings


@pytest.mark.parametrize("method", TEXTS)
def test_rewriting_writer_is_free(scripted, tmp_path, method):
    box = Versatile()
    result = run(scripted, tmp_path, box, method=method)
    assert box.rewritings == 0
    assert result.spent.keys() == {"black box"}
    assert result.usage.calls == box.calls.total()
    assert all(each.usage.calls == 0 for each in history(tmp_path).rounds)


def test_default_method_pays_only_for_continued_texts(scripted, tmp_path):
    box = Versatile()
    result = run(scripted, tmp_path, box, method="instructzero", rewriter="blackbox", racing=False)
    continued = [trial for trial in result.trials if trial.proposal.rewrite is not None]
    assert result.spent["rewriter"].calls == box.rewritings >= len(continued) > 2
    assert all("way" in trial.instruction for trial in continued)
    assert box.rewritings == len(history(tmp_path).rewrites)
    asked = [{one.proposal.rewrite for one in each.candidates} - {None} for each in history(tmp_path).rounds]
    for number, rewrites in enumerate(asked):
        new = rewrites.difference(*asked[:number])
        assert len({one.prompt for one in new}) == len(new), "one paid ending for each text that is continued"


@pytest.mark.parametrize("method", ["ape", "capo", "instructzero"])
def test_interrupted_run_ends_the_same_and_repeats_no_call(scripted, tmp_path, method):
    whole, calls, answers = Versatile(), Counter(), 7
    settings = {"method": method, "rewriter": "blackbox", "search_calls": 70}
    reference = run(scripted, tmp_path / "whole", whole, **settings)
    for _ in range(whole.calls.total()):
        box = Versatile(fail_after=answers)
        try:
            result = run(scripted, tmp_path / "broken", box, **settings)
        except instructzero.EndpointError:
            continue
        finally:
            calls += box.calls
        break
    assert result == reference
    assert calls == whole.calls
    assert (tmp_path / "broken/journal.jsonl").read_bytes() == (tmp_path / "whole/journal.jsonl").read_bytes()


@pytest.mark.parametrize("limit", [LEAST - 1, LEAST, 30, 41, 55, 10_000])
def test_limit_of_calls_counts_rewriting_and_higher_limit_continues(scripted, tmp_path, limit):
    first, second = Versatile(), Versatile()
    if limit < LEAST:
        with pytest.raises(instructzero.BudgetExhausted, match=f"limit of {limit} calls"):
            run(scripted, tmp_path / "run", first, max_calls=limit, **PAID)
    else:
        result = run(scripted, tmp_path / "run", first, max_calls=limit, **PAID)
        assert len(result.best.test.scores) == 4
        assert sum(usage.calls for usage in result.spent.values()) == first.calls.total()
    assert first.calls.total() <= limit
    run(scripted, tmp_path / "run", second, **PAID)
    assert max((first.calls + second.calls).values()) == 1
    unbroken = run(scripted, tmp_path / "unbroken", Versatile(), **PAID)
    assert history(tmp_path / "run").trials == list(unbroken.trials)


def test_final_test_holds_back_nothing_for_rewriting(scripted, tmp_path):
    """With room for exactly the final test, the search gets as far as without a limit."""
    free = run(scripted, tmp_path / "free", Versatile(), **PAID)
    limit = REFERENCES + history(tmp_path / "free").search_usage().calls + END
    assert run(scripted, tmp_path / "bound", Versatile(), max_calls=limit, **PAID).trials == free.trials


@pytest.mark.parametrize("limit", [7, 20, 27, 61])
@pytest.mark.parametrize(
    ("method", "rewriter", "racing"),
    [
        ("uniform", "blackbox", False),
        ("uniform", "writer", True),
        ("instructzero", "writer", True),
        ("instructzero", "blackbox", True),
        ("ape", "writer", False),
        ("ape", "blackbox", False),
        ("capo", "blackbox", True),
    ],
)
def test_search_calls_are_kept_and_search_stops_if_no_evaluation_fits(
    scripted, tmp_path, limit, method, rewriter, racing
):
    box = Versatile()
    settings = {"method": method, "rewriter": rewriter, "racing": racing, "search_calls": limit}
    result = run(scripted, tmp_path, box, **settings)
    record = history(tmp_path)
    searched = record.search_usage().calls
    assert searched <= limit
    ended = len(result.trials) == 12 or [bool(each.chosen) for each in record.rounds[-3:]] == [False] * 3
    assert ended or limit - searched < VALIDATION + (rewriter == "blackbox" and method != "uniform")
    assert box.calls.total() <= REFERENCES + limit + END
    assert result.usage.calls == box.calls.total()


class Greedy(instructzero.Optimizer):
    """Proposes many more texts than it may evaluate."""

    def __init__(self):
        self.limits = []

    def ask(self, limit):
        return [
            instructzero.Proposal((0.1,) * 10, instructzero.types.Rewrite(f"text {number}", "", number))
            for number in range(30)
        ]

    def choose(self, candidates, limit):
        self.limits.append((len(candidates), limit))
        return super().choose(candidates, limit)

    def tell(self, trials, unpaid=()):
        pass


def test_search_pays_texts_only_with_room_for_an_evaluation(scripted, tmp_path, monkeypatch):
    greedy = Greedy()
    monkeypatch.setattr("instructzero.build.build_optimizer", lambda settings, materials: greedy)
    result = run(scripted, tmp_path, Versatile(), search_calls=20, **PAID)
    assert greedy.limits == [(14, 1)]
    assert len(result.trials) == 1
    assert history(tmp_path).search_usage().calls == 20


def test_repeated_rewrite_is_not_counted_again(scripted, tmp_path, monkeypatch):
    monkeypatch.setattr("instructzero.build.build_optimizer", lambda settings, materials: Greedy())
    box = Versatile()
    result = run(scripted, tmp_path, box, evaluations=60, **PAID)
    rounds = history(tmp_path).rounds
    assert len(rounds) > 1
    assert [each.usage.calls for each in rounds] == [30, *[0] * (len(rounds) - 1)]
    assert result.usage.calls == box.calls.total()
