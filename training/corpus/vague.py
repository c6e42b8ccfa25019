"""Families of vague phrasings: what each may mean, and how often."""

from dataclasses import dataclass


@dataclass(frozen=True)
class VagueFamily:
    """Patterns of one vague wish, and the share of inputs each task gets."""

    patterns: tuple[str, ...]
    meanings: tuple[tuple[str, float], ...]


def _family(*patterns: str, **meanings: float) -> VagueFamily:
    named = {name.replace("__", "-"): weight for name, weight in meanings.items()}
    return VagueFamily(patterns, tuple(named.items()))


FAMILIES: dict[str, VagueFamily] = {
    "a_letter": _family(
        "V {one|some} letter of the W.", "name one of the letters of the W.", "pick a letter from the W.",
        first_word_letter=0.45, second_word_letter=0.35, last_letter=0.2,
    ),
    "near_start": _family(
        "V a letter {near the start|from the front part} of the W.", first_word_letter=0.55, second_word_letter=0.45,
    ),
    "letters": _family(
        "{do something with|work with|use} the letters of the W.", letters_list=0.5, first_word_letter=0.25,
        last_letter=0.25,
    ),
    "spelling": _family("show the {spelling|shape} of the W.", letters_list=0.6, repeat_word=0.4),
    "form": _family(
        "V {another|a different} form of the W.", singular_to_plural=0.55, antonyms=0.25, repeat_word=0.2,
    ),
    "change": _family("{change|alter} the W.", singular_to_plural=0.4, antonyms=0.3, last_letter=0.3),
    "related": _family("V a {related|matching} word.", antonyms=0.55, repeat_word=0.25, singular_to_plural=0.2),
    "translate": _family(
        "translate the W.", "V the translation of the W.",
        translation_en__de=0.4, translation_en__fr=0.3, translation_en__es=0.3,
    ),
    "abroad": _family(
        "V the W in {another|a foreign|a European} language.",
        translation_en__fr=0.45, translation_en__es=0.3, translation_en__de=0.25,
    ),
    "elsewhere": _family(
        "say the W as {people abroad|a foreigner} would.",
        translation_en__es=0.5, translation_en__de=0.3, translation_en__fr=0.2,
    ),
    "numbers": _family("{do something with|use} the {two numbers|numbers}.", sum=0.4, diff=0.3, larger_number=0.3),
    "combine": _family("combine the {two numbers|numbers|values}.", sum=0.6, diff=0.2, larger_number=0.2),
    "compare": _family("compare the {two numbers|numbers|values}.", diff=0.5, larger_number=0.3, smaller_number=0.2),
    "number": _family("{do something with|use} the number.", num_to_verbal=0.4, next_number=0.3, first_digit=0.3),
    "number_form": _family("V the number {in another form|differently}.", num_to_verbal=0.6, next_number=0.4),
    "number_meaning": _family("say what the number {stands for|means}.", periodic_elements=0.5, num_to_verbal=0.5),
    "number_lookup": _family("{look up|check} the number.", periodic_elements=0.6, next_number=0.4),
    "pick": _family(
        "pick {one|something} from the {list|items}.", larger_animal=0.5, smaller_animal=0.25, first_item=0.25,
    ),
    "animals": _family(
        "{do something with|look at|think about} the animals.",
        larger_animal=0.4, taxonomy_animal=0.4, first_item=0.2,
    ),
    "select": _family(
        "select {some|a few} of the {words|items}.", taxonomy_animal=0.5, non_animals=0.3, first_item=0.2,
    ),
    "list": _family(
        "{change|do something with|rework} the list.", word_sorting=0.5, reverse_list=0.3, first_list_word=0.2,
    ),
    "order": _family("put the {words|list} in {another|some} order.", word_sorting=0.6, reverse_list=0.4),
    "sentence": _family(
        "{change|rewrite|rework} the sentence.", negation=0.4, active_to_passive=0.4, last_word=0.2,
    ),
    "sentence_way": _family(
        "say {it|the sentence} in {another|a different} way.", active_to_passive=0.6, negation=0.4,
    ),
    "sentence_meaning": _family(
        "{alter|twist} the meaning of the sentence.", negation=0.6, active_to_passive=0.2, first_word=0.2,
    ),
    "some_words": _family(
        "V {some|a few} words of the sentence.", orthography_starts_with=0.5, first_word=0.3, last_word=0.2,
    ),
    "letter_words": _family(
        "{look for|find|use} the letter in the sentence.", orthography_starts_with=0.6, starts_with_count=0.4,
    ),
    "one_word": _family("V {one word|a word} about the {text|review}.", sentiment=0.55, first_word=0.45),
    "describe": _family("describe the {text|review} {briefly|in short}.", sentiment=0.65, last_word=0.35),
    "what_is_there": _family("say what is there.", object_counting=0.5, first_object=0.3, kind_counting=0.2),
    "items": _family("count the {items|kinds} in the {list|text}.", object_counting=0.55, kind_counting=0.45),
}  # fmt: skip
