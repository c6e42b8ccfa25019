"""Directories of finished runs, written without a search."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from instructzero.config import make_settings
from instructzero.records.directory import RunDirectory
from instructzero.records.journal import Journal
from instructzero.records.result import Result, Scored
from instructzero.types import Candidate, Evaluation, Proposal, Usage, Writing

OPENAI = {
    "backend": "openai",
    "model": "gpt-4o-mini",
    "endpoint": "https://api.openai.com/v1",
    "template": "chat",
}


def evaluation(scores: Sequence[float], prediction: str = "said") -> Evaluation:
    """Return an evaluation with these scores, one call per example."""
    count = len(scores)
    return Evaluation(tuple(map(float, scores)), (prediction,) * count, Usage(count, 10 * count, count))


def write_run(
    path: Path,
    *,
    instruction: str = "Reverse the word.",
    plain: str = "Do something.",
    test: Sequence[float] = (1, 1, 1, 0),
    header: Mapping[str, Any] | None = None,
    **settings: Any,
) -> Path:
    """Write a run with ``instruction`` in its second trial and these ``test`` scores, and return ``path``."""
    asked = make_settings({"task": "words", "blackbox": "openai:gpt-4o-mini", **settings})
    with RunDirectory.claim(path, asked) as directory:
        journal = Journal(directory.journal)
        digests = {"exemplars": "e", "validation": "v", "test": "t"}
        journal.start({"task": "words", "metric": "exact_match", **digests, "black box": OPENAI, **(header or {})})
        journal.set_plain(Writing(plain, plain), evaluation([0, 0, 1]))
        texts = ["Spell it.", instruction]
        candidates = [Candidate(Proposal((0.5, -0.5)), Writing(f" {text} ", text)) for text in texts]
        journal.add_round(candidates, [0, 1])
        journal.add_trial(evaluation([0]))
        journal.add_trial(evaluation([1, 1, 0]))
        journal.add_confirmation(instruction, evaluation([1, 0]))
        journal.add_test(instruction, evaluation(test))
        if plain != instruction:
            journal.add_test(plain, evaluation([0] * len(test)))
        history = journal.history
        known = history.known_evaluations()
        best = Scored(instruction, known[instruction], history.tests[instruction], history.confirmations[instruction])
        result = Result(
            best,
            Scored(plain, known[plain], history.tests[plain]),
            tuple(history.trials),
            history.usage(),
            spent={"black box": history.usage()},
        )
        directory.write_result(result)
    assert asdict(result.usage)["calls"]
    return path
