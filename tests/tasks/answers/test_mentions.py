"""Which option a text names: negations, letters, labels inside labels, scripts, and 2,000 random answers."""

import random

import pytest

from instructzero.tasks import get_metric
from instructzero.tasks.answers.mentions import Options
from instructzero.tasks.answers.text import normal_form
from instructzero.types import Example
from tests.tasks.wrappings import FORMS, in_form

LETTERS = tuple("ABCDEFGHIJ")
MOODS = ("joyful", "sad", "neutral")
RUDE = ("rude", "non_rude")
FACT = ("supported", "not_supported")
SHARPS = ("J", "J++", "J#")
GRADES = ("B+", "B", "B-", "D+", "D", "D-")


def named(options, text):
    return Options(tuple(options)).named_in(text)


@pytest.mark.parametrize(
    ("options", "text", "option"),
    [
        (FACT, "Not supported.", "not_supported"),
        (FACT, "not-supported", "not_supported"),
        (FACT, "NOT_SUPPORTED", "not_supported"),
        (FACT, "The claim isn't supported.", "not_supported"),
        (FACT, "The claim is supported.", "supported"),
        (RUDE, "nonrude", "non_rude"),
        (RUDE, "It is non-rude", "non_rude"),
        (RUDE, "No, it is not at all rude", "non_rude"),
        (("LABEL_0", "LABEL_1"), "label 1", "LABEL_1"),
        (("fiction", "science fiction"), "Science fiction", "science fiction"),
        (("fiction", "science fiction"), "It's fiction.", "fiction"),
        (("low", "very low"), "very low", "very low"),
        (("black and white", "colour"), "It's black and white.", "black and white"),
        (("don't know", "yes"), "I don’t know", "don't know"),
        (("👍", "👎"), "great 👍", "👍"),
        (("①", "②"), "答案是②", "②"),
        (("Dr. No", "Dr. Who"), "Dr. Who", "Dr. Who"),
        (("<18", "18-30", ">30"), ">30", ">30"),
        (SHARPS, "j#", "J#"),
        (SHARPS, "This is J++17.", "J++"),
        (SHARPS, "It is J, not J++.", "J"),
        (SHARPS, "the answer is j", "J"),
        (GRADES, "I'd give it a B-.", "B-"),
        (GRADES, "Grade: D+", "D+"),
        (GRADES, "It deserves a B", "B"),
        (tuple("12345"), "4 out of 5", "4"),
        (tuple("12345"), "4/5", "4"),
    ],
)
def test_option_with_signs_or_inside_another_is_named(options, text, option):
    assert named(options, text) == {normal_form(option)}


@pytest.mark.parametrize(
    "text",
    [
        "not joyful",
        "It isn’t joyful.",
        "no, it is not sad",
        "I don't think that this review is joyful",
        "neither joyful nor sad",
        "Neither joyful, sad nor neutral",
        "It is anything but joyful",
        "Joyful is wrong.",
        "Sad is not the right word",
        "Is it joyful? No.",
        "joyful or sad",
        "The answer is not joyful",
        "The answer is either joyful or sad.",
        "It has no joyful and no sad words",
        "Joyful and sad are both wrong",
        "something else",
        "",
    ],
)
def test_negated_doubtful_or_missing_option_names_none(text):
    assert len(named(MOODS, text)) != 1


@pytest.mark.parametrize(
    "text",
    [
        "sad, not joyful",
        "not joyful but sad",
        "sad rather than joyful",
        "Sad instead of joyful.",
        "sad not joyful",
        "Neither joyful nor neutral, but sad.",
        "It is neither joyful nor neutral; it is sad.",
        "There is no doubt that it is sad",
        "not only sad but very sad",
        "She did not enjoy it, so sad",
        "Joyful is wrong. Sad is right.",
        "It could be joyful or sad. Final answer: sad",
        "I first thought of joyful. The answer is sad.",
        "Sad. The answer is based on joyful words that are missing",
        "Mood: sad (not joyful)",
        "sad?",
        "**Sad** because nothing in it is joyful",
    ],
)
def test_option_that_remains_is_named(text):
    assert named(MOODS, text) == {"sad"}


@pytest.mark.parametrize(
    ("text", "letter"),
    [
        ("I believe it has to be C.", "C"),
        ("A closer reading says C.", "C"),
        ("As an AI, I pick C.", "C"),
        ("I BELIEVE THE ANSWER IS C", "C"),
        ("Answer: c", "C"),
        ("c", "C"),
        ("(c)", "C"),
        ("option c", "C"),
        ("the correct option is (c), i think", "C"),
        (r"\boxed{C}", "C"),
        (r"I chose between A and B: \boxed{\text{C}}", "C"),
        ("**C**", "C"),
        ("C) a horse", "C"),
        ("C. A horse", "C"),
        ("C - a horse", "C"),
        ("Between A and C, I'd choose C", "C"),
        ("Options A and B are wrong; C is right.", "C"),
        ("The answer is C because A is too small", "C"),
        ("Not A but C.", "C"),
        ("The options are A, B and C. I considered all. The answer is C", "C"),
        ("选C", "C"),
        ("答案是C。", "C"),
        ("答えはCです", "C"),
        ("정답은 C입니다.", "C"),
        ("A", "A"),
        ("A.", "A"),
        ("A Horse", "A"),
        ("The answer is A.", "A"),
        ("the answer is a.", "A"),
        ("A is correct", "A"),
        ("Answer: A, because it is first", "A"),
        ("I", "I"),
        ("I believe the answer is I.", "I"),
        ("I believe that option I is right", "I"),
        ("I would go with (I).", "I"),
        ("answer: i", "I"),
    ],
)
def test_letter_of_an_option_is_named(text, letter):
    assert named(LETTERS, text) == {letter.lower()}


@pytest.mark.parametrize(
    "text",
    [
        "A horse runs.",
        "The answer is a horse",
        "I cannot say.",
        "i see a horse",
        "A or B",
        "It is not A.",
        "A is incorrect",
        "Neither A nor B",
        "A is better than B",
    ],
)
def test_pronoun_article_or_doubtful_letter_names_no_option(text):
    assert len(named(LETTERS, text)) != 1


@pytest.mark.parametrize(
    ("options", "text", "option"),
    [
        (("好评", "差评"), "这是一条好评。", "好评"),
        (("好评", "差评"), "这不是好评", None),
        (("好评", "差评"), "不是好评，而是差评", "差评"),
        (("好评", "差评"), "毫无疑问是好评", "好评"),
        (("好评", "差评"), "好评？不，差评。", "差评"),
        (("好评", "差评"), "非常明显：「差评」", "差评"),
        (("是", "否"), "是的", "是"),
        (("是", "否"), "答案是否", "否"),
        (("对", "错"), "这是错的", "错"),
        (("良い", "悪い"), "答えは悪いです。", "悪い"),
        (("良い", "悪い"), "良いではありません", None),
        (("좋음", "나쁨"), "이 글은 좋음입니다", "좋음"),
        (("좋음", "나쁨"), "좋음이 아니라 나쁨이다", "나쁨"),
        (("좋음", "나쁨"), "좋음이 아닙니다", None),
        (("ดี", "แย่"), "รีวิวนี้ดี", "ดี"),
        (("ดี", "แย่"), "รีวิวนี้ไม่ดี", None),
        (("хорошо", "плохо"), "Это хорошо.", "хорошо"),
        (("хорошо", "плохо"), "плохо, не хорошо", "плохо"),
        (("хорошо", "плохо"), "не хорошо", None),
        (("جيد", "سيئ"), "الفيلم جيد.", "جيد"),
        (("جيد", "سيئ"), "ليس جيد", None),
        (("अच्छा", "बुरा"), "यह अच्छा है।", "अच्छा"),
        (("अच्छा", "बुरा"), "यह अच्छा नहीं है।", None),
        (("gut", "schlecht"), "Das ist nicht gut, sondern schlecht.", "schlecht"),
        (("bueno", "malo"), "No es bueno.", None),
    ],
)
def test_options_in_other_scripts_and_languages(options, text, option):
    assert named(options, text) == ({option} if option else frozenset())


def test_choice_given_by_hand_takes_options_that_differ_in_signs():
    metric = get_metric("choice:J|J++|J#")
    assert [metric("It is J++", [option]) for option in ("J", "J++", "J#")] == [0.0, 1.0, 0.0]


def test_choice_scores_one_of_several_accepted_options():
    metric = get_metric("choice").bind([Example("1", ("yes",)), Example("2", ("no", "never"))])
    assert metric("No, never.", ["no", "never"]) == 1.0
    assert metric("Yes, never.", ["no", "never"]) == 0.0


LABEL_SETS = (
    MOODS, RUDE, FACT, SHARPS, GRADES, LETTERS, LETTERS[:4], ("yes", "no"), ("True", "False"), ("junk", "not junk"),
    ("agree", "strongly agree", "disagree"), ("north", "northeast", "east"), ("0", "1"), ("-1", "0", "+1 or more"),
    ("one-to-one", "one-to-many"), ("AB+", "AB-", "O+", "O-"), ("sport", "world_news", "sci/tech"),
    ("好评", "差评", "中评"), ("良い", "悪い"), ("ดี", "แย่"), ("좋음", "나쁨"), ("хорошо", "плохо", "никак"),
    ("جيد", "سيئ"), ("अच्छा", "बुरा"), ("καλό", "κακό"), ("טוב", "רע"),
)  # fmt: skip
SAID = ("It is {}.", "I think it is {}", "I'd say {}!", "Label: {}", "It is clearly {}, I believe", "My choice: ({})")
CONTRASTED = ("It is {}, not {other}.", "Not {other} but {}", "{} rather than {other}", "Neither {other}, so {}")
DENIED = (
    "not {}",
    "It isn't {}.",
    "Well, it is not {}",
    "It is neither {} nor {other}",
    "{} is wrong",
    "I doubt it. Not {}.",
)


def _random_answers(count):
    """Yield options, the right one, the one that the answer names (None for none), and the answer."""
    draw = random.Random(23)
    for _ in range(count):
        options = draw.choice(LABEL_SETS)
        gold, said, other = draw.choice(options), draw.choice(options), draw.choice(options)
        others = [option for option in options if normal_form(option) not in normal_form(said)]
        others = [option for option in others if normal_form(said) not in normal_form(option)]
        kind = draw.choice(("form", "form", "said", "contrasted", "denied"))
        if kind == "form":
            yield options, gold, said, in_form(draw.choice(tuple(FORMS)), said, other)
        elif kind == "contrasted" and others:
            yield options, gold, said, draw.choice(CONTRASTED).format(said, other=draw.choice(others))
        elif kind == "denied":
            yield options, gold, None, draw.choice(DENIED).format(said, other=other)
        else:
            yield options, gold, said, draw.choice(SAID).format(said)


def test_choice_never_accepts_a_wrong_label_in_2000_random_answers():
    wrong, missed = [], []
    for options, gold, said, text in _random_answers(2000):
        metric = get_metric("choice").bind([Example(option, (option,)) for option in options])
        score = metric(text, [gold])
        if score and said != gold and not (said is None and _denies_the_opposite(options, gold, text)):
            wrong.append((options, gold, text))
        if not score and said == gold:
            missed.append((options, gold, text))
    assert wrong == []
    assert missed == []


def _denies_the_opposite(options, gold, text):
    """Return True if "not rude" is the gold label in other words."""
    opposites = Options(options).opposites
    return any(opposite == normal_form(gold) and form in normal_form(text) for form, opposite in opposites.items())
