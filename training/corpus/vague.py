"""Families of vague phrasings: the tasks that they may mean, and the share of each."""

from dataclasses import dataclass


@dataclass(frozen=True)
class VagueFamily:
    """The patterns of one vague instruction, and the share of inputs that goes to each task."""

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
    "similar_word": _family(
        "V a {similar|close} word.", "V another word.", synonyms=0.5, rhymes=0.3, repeat_word=0.2,
    ),
    "near_meaning": _family(
        "{express|put} the W {differently|in short}.", synonyms=0.6, last_letter=0.2, repeat_word=0.2,
    ),
    "sound": _family(
        "V a word that {sounds right|goes with the W}.", rhymes=0.55, synonyms=0.25, last_letter=0.2,
    ),
    "like_word": _family("V a word like {this one|the W}.", rhymes=0.4, synonyms=0.4, repeat_word=0.2),
    "mixed_letters": _family(
        "put the letters {in order|in another order}.", word_unscrambling=0.5, sorted_letters=0.5,
    ),
    "letter_puzzle": _family(
        "{make something of|play with} the letters.", word_unscrambling=0.6, first_word_letter=0.4,
    ),
    "about_things": _family(
        "say {something|a few words} about the things.", common_concept=0.5, first_listed=0.25, last_listed=0.25,
    ),
    "things_alike": _family("think about how the things are {alike|related}.", common_concept=0.6, first_listed=0.4),
    "group": _family(
        "{sum up|summarize} the {list|items}.", "V {one name|a word} for the list.",
        auto_categorization=0.5, first_listed=0.3, last_listed=0.2,
    ),
    "kind_of_things": _family("V what the items are.", auto_categorization=0.6, last_listed=0.4),
    "one_of_them": _family(
        "pick {one|something} of the words.", "V one of the {items|words}.",
        odd_one_out=0.5, first_listed=0.3, last_listed=0.2,
    ),
    "belonging": _family(
        "think about which {words|items} belong together.", odd_one_out=0.5, without_stranger=0.5,
    ),
    "one_sentence": _family(
        "V {one|either} of the two sentences.", "pick a sentence.",
        cause_and_effect=0.45, effect=0.35, first_sentence=0.2,
    ),
    "reasons": _family("say {why|how} it happened.", cause_and_effect=0.6, effect=0.4),
    "about_word": _family(
        "say something about the word {in|and} the sentences.", word_in_context=0.5, marked_word=0.3,
        second_sentence=0.2,
    ),
    "word_use": _family("look at the use of the word.", word_in_context=0.6, marked_word=0.4),
    "two_sentences": _family(
        "{compare|look at} the two sentences.", sentence_similarity=0.5, first_sentence=0.3, second_sentence=0.2,
    ),
    "judge_sentences": _family(
        "{assess|think about} the {two sentences|sentences}.", sentence_similarity=0.6, second_sentence=0.4,
    ),
    "style": _family(
        "{refine|tidy up} the {sentence|text}.", "V a better {sentence|text}.",
        informal_to_formal=0.5, formal_deed=0.25, shortened=0.25,
    ),
    "other_tone": _family("change the tone of the {sentence|text}.", informal_to_formal=0.65, shortened=0.35),
    "about_code": _family(
        "say something about the {code|program}.", "look at the {code|program}.",
        auto_debugging=0.5, error_name=0.3, first_line=0.2,
    ),
    "wrong_code": _family("say what is not right.", auto_debugging=0.5, error_name=0.5),
    "characters": _family(
        "{do something with|use} the characters.", ascii=0.5, character_count=0.25, first_character=0.25,
    ),
    "as_number": _family("V the characters as {a number|numbers}.", ascii=0.6, character_count=0.4),
}  # fmt: skip
