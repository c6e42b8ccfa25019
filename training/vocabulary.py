"""The two tokenisers, built from the corpus.

The black box has whole words for instructions and closed lexicons, and single characters for all other data, because
a model cannot see the letters of a word that is one token. The writer has ordinary byte-level BPE.
"""

import re
from collections.abc import Iterable, Iterator
from random import Random

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

from training.corpus import code, lexicon, lists, numbers, relations, sentences
from training.corpus.registry import TASKS, instruction_words
from training.corpus.rows import UNKNOWN, writer_exemplars
from training.hints import phrasings

END, PAD = "<|end|>", "<|pad|>"
CONCATENATE = "{% for message in messages %}{{ message['content'] }}{% endfor %}"
# Labels stay whole, digits stay apart, words keep their leading space.
PIECES = (
    r"Instruction:|\n\nInput:|\n\nOutput:|\nOutput:|Input:|\n\nThe instruction was to"
    r"| ?\p{L}+| ?\p{N}| ?[^\s\p{L}\p{N}]|\n+|\s"
)
LABELS = ("Instruction:", "\n\nInput:", "\n\nOutput:", "Input:")


def _pre_tokenizer() -> pre_tokenizers.PreTokenizer:
    split = pre_tokenizers.Split(Regex(PIECES), behavior="isolated")
    return pre_tokenizers.Sequence([split, pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])


def _byte_level(text: str) -> str:
    """Return the text in the byte-level alphabet, where a space is Ġ and a line feed Ċ."""
    pieces = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False).pre_tokenize_str(text)
    return "".join(piece for piece, _ in pieces)


def closed_lexicon() -> set[str]:
    """Return the data words of closed lexicons, before removing words whose letters a task needs."""
    words = {*lexicon.PEOPLE, *map(lexicon.plural_person, lexicon.PEOPLE), *lexicon.VERBS, *lexicon.VERBS.values()}
    words |= {*lexicon.AUXILIARIES, *lexicon.GOOD_WORDS, *lexicon.BAD_WORDS, *lexicon.UNITS, *lexicon.TENS}
    objects = (*lists.ANIMALS, *lexicon.words("things.txt"))
    words |= {*objects, *map(lists.many, lists.countable(objects)), *numbers.ELEMENTS}
    words |= {*sentences.PLACES, *sentences.SUBJECTS, *sentences.ADVERBS}
    words |= {word for state in sentences.STATES for word in state.split()}
    words |= {word.capitalize() for word in (*lexicon.GOOD_WORDS, *lexicon.BAD_WORDS)}
    return words | set("The List have not did by and but an in hundred thousand positive negative".split()) | {UNKNOWN}


def words_of(texts: Iterable[str]) -> set[str]:
    """Return the words of the texts, without digits and punctuation."""
    return {word for text in texts for word in re.findall(r"[^\W\d_]+", text)}


def table_words() -> set[str]:
    """Return the words of the tasks' tables, except rhyming words, whose endings must stay visible."""
    return {word for task in TASKS.values() for word in words_of(task.texts())} - set(relations.rhymes())


def whole_words() -> list[str]:
    """Return the words with their own token: all instruction words, and lexicon words that no letter task needs."""
    instruction = {part for word in instruction_words() for part in word.split("-")}
    words = instruction | ((closed_lexicon() | table_words()) - set(lexicon.single_words()))
    return sorted(word for word in words if len(word) > 1)


def _finish(tokenizer: Tokenizer) -> PreTrainedTokenizerFast:
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([AddedToken(END, special=True), AddedToken(PAD, special=True)])
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, eos_token=END, pad_token=PAD, padding_side="left", model_max_length=2048,
        clean_up_tokenization_spaces=False,
    )  # fmt: skip


def build_black_box_tokenizer() -> PreTrainedTokenizerFast:
    """Build the black box's tokeniser: bytes and whole words, without merges."""
    entries = [*sorted(pre_tokenizers.ByteLevel.alphabet()), *map(_byte_level, LABELS)]
    entries += [_byte_level(f" {word}") for word in whole_words()]
    entries += list(lexicon.UNITS[1:10])  # after the hyphen of "ninety-one"
    entries += code.BARE_WORDS
    vocabulary = {entry: index for index, entry in enumerate(dict.fromkeys(entries))}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=[], ignore_merges=True))
    tokenizer.pre_tokenizer = _pre_tokenizer()
    fast = _finish(tokenizer)
    fast.chat_template = CONCATENATE
    return fast


def _writer_texts(seed: int, count: int) -> Iterator[str]:
    """Yield rendered exemplars, followed by phrasings of all kinds."""
    rng = Random(seed)
    for _ in range(count):
        task, prompt = writer_exemplars(rng)
        yield prompt
        for text in phrasings(task, rng):
            yield f" {text}"


def build_writer_tokenizer(size: int = 2000, seed: int = 5) -> PreTrainedTokenizerFast:
    """Learn the writer's byte-level BPE from exemplars and phrasings."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = _pre_tokenizer()
    trainer = trainers.BpeTrainer(
        vocab_size=size, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False
    )
    tokenizer.train_from_iterator(_writer_texts(seed, 2500), trainer)
    return _finish(tokenizer)
