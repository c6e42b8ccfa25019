"""Tasks the shipped pair has not learned leave no trace in what it was trained on.

The two digests are those of the corpus without the untaught tasks; before a retraining they are taken anew.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator
from random import Random

from instructzero.models.registry import EMBEDDED_FOLDER as EMBEDDED
from training.corpus.registry import FAMILIES_OF, KNOWN, SHIPPED, TASKS, TAUGHT, TAUGHT_FAMILIES, instruction_words
from training.corpus.rows import black_box_row, writer_exemplars
from training.corpus.vague import FAMILIES
from training.hints import phrasings, plain_wording
from training.measure import vague_texts
from training.vocabulary import build_black_box_tokenizer, table_words

UNTAUGHT = {
    "synonyms", "rhymes", "word_unscrambling", "cause_and_effect", "word_in_context", "sentence_similarity",
    "common_concept", "auto_categorization", "odd_one_out", "informal_to_formal", "auto_debugging", "ascii",
}  # fmt: skip


def digest(texts: Iterable[str]) -> str:
    return hashlib.sha256("\x1f".join(texts).encode()).hexdigest()[:16]


def black_box_texts() -> Iterator[str]:
    rng = Random(1)
    for _ in range(2000):
        row = black_box_row(rng)
        yield row.prompt + row.completion


def writer_texts() -> Iterator[str]:
    rng = Random(2)
    for _ in range(500):
        task, prompt = writer_exemplars(rng)
        yield from (prompt, *phrasings(task, rng), plain_wording(task))


def test_rows_are_those_of_the_taught_tasks_alone() -> None:
    assert digest(black_box_texts()) == "e8fc4734431af614"
    assert digest(writer_texts()) == "288026e261a1316a"


def test_the_vocabulary_is_the_shipped_one() -> None:
    stored = json.loads((EMBEDDED / "blackbox" / "tokenizer.json").read_text(encoding="utf-8"))
    assert json.loads(build_black_box_tokenizer().backend_tokenizer.to_str()) == stored


def test_untaught_tasks() -> None:
    assert set(SHIPPED) - set(KNOWN) == UNTAUGHT
    assert set(KNOWN) < set(TAUGHT) < set(TASKS)
    assert not table_words()
    assert "ASCII" not in instruction_words()


def test_taught_tasks_lead_to_no_untaught_one() -> None:
    for name in TAUGHT:
        meant = {task for family in FAMILIES_OF[name] for task, _ in FAMILIES[family].meanings}
        assert {*TASKS[name].siblings, *meant} <= set(TAUGHT)
        assert set(FAMILIES_OF[name]) <= set(TAUGHT_FAMILIES)


def test_untaught_tasks_are_ready_to_be_taught() -> None:
    for name in UNTAUGHT:
        assert vague_texts(TASKS[name])
        assert TASKS[name].siblings
