"""The training data of the shipped pair. If these digests change, the corpus changed and the pair must be retrained."""

import hashlib
import json
from collections.abc import Iterable, Iterator
from random import Random

from instructzero.models.packed import embedded_folder
from training.corpus.registry import FAMILIES_OF, SHIPPED
from training.corpus.rows import black_box_rows, writer_exemplars
from training.corpus.vague import FAMILIES
from training.hints import phrasings, plain_wording
from training.vocabulary import build_black_box_tokenizer

EMBEDDED = embedded_folder()


def digest(texts: Iterable[str]) -> str:
    return hashlib.sha256("\x1f".join(texts).encode()).hexdigest()[:16]


def black_box_texts() -> Iterator[str]:
    rng = Random(1)
    for _ in range(1000):
        yield from (row.prompt + row.completion for row in black_box_rows(rng, 4))


def writer_texts() -> Iterator[str]:
    rng = Random(2)
    for _ in range(500):
        task, prompt = writer_exemplars(rng)
        yield from (prompt, *phrasings(task, rng), plain_wording(task))


def test_rows_have_the_digest_of_the_shipped_training() -> None:
    assert digest(black_box_texts()) == "ea48a4e057bf0d5a"
    assert digest(writer_texts()) == "2fa06ebc06528015"


def test_vocabulary_equals_shipped_vocabulary() -> None:
    stored = json.loads((EMBEDDED / "blackbox" / "tokenizer.json").read_text(encoding="utf-8"))
    assert json.loads(build_black_box_tokenizer().backend_tokenizer.to_str()) == stored


def test_every_vague_family_contains_a_shipped_task() -> None:
    assert {family for name in SHIPPED for family in FAMILIES_OF[name]} == set(FAMILIES)
