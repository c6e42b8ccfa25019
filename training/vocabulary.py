"""The two tokenisers, built from the corpus.

Black box: whole words for everything an instruction or a closed lexicon is made of, single characters for all other
data, because a model that sees a word as one token cannot see its letters. Writer: ordinary byte-level BPE.
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
    """The text in the byte-level alphabet, in which a space is Ġ and a line feed Ċ."""
    pieces = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False).pre_tokenize_str(text)
    return "".join(piece for piece, _ in pieces)


def closed_lexicon() -> set[str]:
    """Data words whose letters no task looks at one by one, as far as the single words do not need them."""
    words = {*lexicon.PEOPLE, *map(lexicon.plural_person, lexicon.PEOPLE), *lexicon.VERBS, *lexicon.VERBS.values()}
    words |= {*lexicon.AUXILIARIES, *lexicon.GOOD_WORDS, *lexicon.BAD_WORDS, *lexicon.UNITS, *lexicon.TENS}
    objects = (*lists.ANIMALS, *lexicon.words("things.txt"))
    words |= {*objects, *map(lists.many, lists.countable(objects)), *numbers.ELEMENTS}
    words |= {*sentences.PLACES, *sentences.SUBJECTS, *sentences.ADVERBS}
    words |= {word for state in sentences.STATES for word in state.split()}
    words |= {word.capitalize() for word in (*lexicon.GOOD_WORDS, *lexicon.BAD_WORDS)}
    return words | set("The List have not did by and but an in hundred thousand positive negative".split()) | {UNKNOWN}


def words_of(texts: Iterable[str]) -> set[str]:
    """The words of the texts, without digits and punctuation."""
    return {word for text in texts for word in re.findall(r"[^\W\d_]+", text)}


def table_words() -> set[str]:
    """Words of the tasks' tables; words that may rhyme stay spelled out, for their endings tell."""
    return {word for task in TASKS.values() for word in words_of(task.texts())} - set(relations.rhymes())


def whole_words() -> list[str]:
    """Words with a token of their own: instruction words always, lexicon words where no letter task needs them."""
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
    """Bytes plus whole words, no merges."""
    entries = [*sorted(pre_tokenizers.ByteLevel.alphabet()), *map(_byte_level, LABELS)]
    entries += [_byte_level(f" {word}") for word in whole_words()]
    entries += list(lexicon.UNITS[1:10])  # behind the hyphen of "ninety-one"
    entries += code.BARE_WORDS
    vocabulary = {entry: index for index, entry in enumerate(dict.fromkeys(entries))}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=[], ignore_merges=True))
    tokenizer.pre_tokenizer = _pre_tokenizer()
    fast = _finish(tokenizer)
    fast.chat_template = CONCATENATE
    return fast


def _writer_texts(seed: int, count: int) -> Iterator[str]:
    """Rendered exemplars, each followed by a phrasing."""
    rng = Random(seed)
    for _ in range(count):
        task, prompt = writer_exemplars(rng)
        yield prompt
        for text in phrasings(task, rng):
            yield f" {text}"


def build_writer_tokenizer(size: int = 2000, seed: int = 5) -> PreTrainedTokenizerFast:
    """Byte-level BPE learned from exemplars and phrasings."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = _pre_tokenizer()
    trainer = trainers.BpeTrainer(
        vocab_size=size, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False
    )
    tokenizer.train_from_iterator(_writer_texts(seed, 2500), trainer)
    return _finish(tokenizer)
