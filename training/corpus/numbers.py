"""Tasks about numbers."""

from random import Random

from training.corpus import lexicon
from training.corpus.lexicon import TENS, UNITS
from training.corpus.types import Answers, TaskSpec

LARGEST_TERM = 29  # a tiny model learns carries reliably only for small numbers
ELEMENTS = lexicon.words("elements.txt")


def verbal(number: int) -> str:
    """Return a number in words: 4021 → four thousand and twenty-one."""
    if number < 20:
        return UNITS[number]
    if number < 100:
        unit = number % 10
        return TENS[number // 10] + (f"-{UNITS[unit]}" if unit else "")
    if number < 1000:
        rest = number % 100
        return f"{UNITS[number // 100]} hundred" + (f" and {verbal(rest)}" if rest else "")
    rest = number % 1000
    joint = " and " if rest < 100 else ", "
    return f"{UNITS[number // 1000]} thousand" + (joint + verbal(rest) if rest else "")


def _pair(rng: Random) -> str:
    """Draw two numbers, the larger one first, so that the difference is not negative."""
    first, second = sorted((rng.randint(0, LARGEST_TERM), rng.randint(0, LARGEST_TERM)), reverse=True)
    return f"{first} {second}"


def _ordered(rng: Random) -> str:
    return " ".join(rng.sample(_pair(rng).split(), 2))


def _terms(text: str) -> list[int] | None:
    parts = text.split(" ")
    return [int(part) for part in parts] if len(parts) == 2 and all(part.isdigit() for part in parts) else None


def _sum(text: str) -> Answers | None:
    terms = _terms(text)
    return (str(sum(terms)),) if terms else None


def _difference(text: str) -> Answers | None:
    terms = _terms(text)
    return (str(abs(terms[0] - terms[1])),) if terms else None


def _extreme(largest: bool, text: str) -> Answers | None:
    terms = _terms(text)
    return (str(max(terms) if largest else min(terms)),) if terms else None


def _number(rng: Random) -> str:
    return str(rng.randint(0, rng.choice((99, 999, 9999, 9999))))


TASKS = (
    TaskSpec(
        name="sum",
        description="Add two whole numbers below 30.",
        draw=_ordered,
        answer=_sum,
        good=(
            "V the {sum|total} of the {two numbers|numbers|two values|values}.",
            "add the {two numbers|numbers|two values|values}{| together}.",
            "V {the first number plus the second|what the two numbers add up to}.",
        ),
        siblings=("diff", "larger_number"),
        plain_family="combine",
        weight=4,
    ),
    TaskSpec(
        name="diff",
        description="Subtract the second of two whole numbers below 30 from the first.",
        draw=_pair,
        answer=_difference,
        good=(
            "V the difference {of|between} the {two numbers|numbers|two values|values}.",
            "subtract the second {number|value} from the first{| one}.",
            "V {the first number minus the second|how far apart the two numbers are}.",
        ),
        siblings=("sum", "smaller_number"),
        plain_family="compare",
        weight=4,
    ),
    TaskSpec(
        name="num_to_verbal",
        description="Write a number in words.",
        draw=_number,
        answer=lambda text: (verbal(int(text)),) if text.isdigit() and int(text) < 10_000 else None,
        good=(
            "V the number in {words|English words}.",
            "{spell out|convert|turn} the {number|digits} {into|in} words.",
            "V the {digits|number} as {words|English words}.",
        ),
        siblings=("next_number", "first_digit"),
        plain_family="number_form",
        weight=0.5,
    ),
    TaskSpec(
        name="periodic_elements",
        description="Name the chemical element with a given atomic number.",
        draw=lambda rng: str(rng.randint(1, len(ELEMENTS))),
        answer=lambda text: (ELEMENTS[int(text) - 1],) if text.isdigit() and 0 < int(text) <= 118 else None,
        good=(
            "V the {element|chemical element} with {this|the given} {atomic number|number of protons}.",
            "name the {element|chemical element} with {this|the given} {atomic number|number of protons}.",
            "use the periodic table to {name|find} the element.",
        ),
        siblings=("num_to_verbal", "next_number"),
        plain_family="number_lookup",
        table=tuple(str(number + 1) for number in range(len(ELEMENTS))),
        weight=0.8,
    ),
    TaskSpec(
        name="larger_number",
        description="Write the larger of two numbers.",
        draw=_ordered,
        answer=lambda text: _extreme(True, text),
        good=("V the {larger|bigger} of the {two numbers|numbers}.",),
        siblings=("smaller_number",),
        shipped=False,
        weight=0.3,
    ),
    TaskSpec(
        name="smaller_number",
        description="Write the smaller of two numbers.",
        draw=_ordered,
        answer=lambda text: _extreme(False, text),
        good=("V the smaller of the {two numbers|numbers}.",),
        siblings=("larger_number",),
        shipped=False,
        weight=0.3,
    ),
    TaskSpec(
        name="next_number",
        description="Write the number that comes next.",
        draw=_number,
        answer=lambda text: (str(int(text) + 1),) if text.isdigit() else None,
        good=("V the {next number|number that comes next}.", "add one to the number."),
        siblings=("first_digit",),
        shipped=False,
        weight=0.4,
    ),
    TaskSpec(
        name="first_digit",
        description="Write the first digit of a number.",
        draw=_number,
        answer=lambda text: (text[0],) if text.isdigit() else None,
        good=("V the first digit of the number.",),
        siblings=("next_number",),
        shipped=False,
        weight=0.2,
    ),
)
