"""Tasks about code: the output or exception of a few lines of Python, and character codes."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from training.corpus.types import Answers, TaskSpec

NAMES = "a b c d n x y z".split()
STRINGS = "cat dog sun tea cup pen red sky".split()
MODULES = "numpi pandaz maths randon reqests jsom sistem datetim mathplot colections".split()
METHODS = "append upper keys".split()  # methods of a list, a string and a dictionary; an integer has none of these
TYPES = {"int": None, "str": "upper", "list": "append"}  # type → the method of `METHODS` that it has
CHARACTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
OUT_OF_RANGE = "IndexError: {} index out of range"


def _digit(rng: Random) -> str:
    return str(rng.randint(1, 9))


def _string(rng: Random) -> str:
    return f"'{rng.choice(STRINGS)}'"


def _list(rng: Random) -> str:
    return f"[{', '.join(_digit(rng) for _ in range(rng.choice((2, 3))))}]"


def _value(rng: Random) -> str:
    return rng.choice((_digit, _string, _list))(rng)


def _set(rng: Random, value: str, then: str) -> str:
    """Return the line "x = VALUE" and a second line, where NAME is replaced by x."""
    name = rng.choice(NAMES)
    return f"{name} = {value}\n{then.replace('NAME', name)}"


def _type(value: str) -> str:
    return {"'": "str", "[": "list"}.get(value[0], "int")


def _undefined(rng: Random) -> str:
    name, other = rng.sample(NAMES, 2)
    return f"{name} = {_digit(rng)}\n{other} + {_digit(rng)}"


def _two_names(rng: Random) -> str:
    names = rng.sample(NAMES, 2)
    return f"{names[0]} = {_value(rng)}\n{names[1]} = {_value(rng)}\nprint({rng.choice(names)})"


def _printed_name(match: re.Match[str]) -> str | None:
    values = {match[1]: match[2], match[3]: match[4]}
    value = values.get(match[5])
    return value.strip("'") if value else f"NameError: name '{match[5]}' is not defined"


def _printed_item(match: re.Match[str]) -> str | None:
    parts = match[2].split(", ")
    index = int(match[3])
    return parts[index] if index < len(parts) else OUT_OF_RANGE.format("list")


def _item(match: re.Match[str]) -> str | None:
    """Return the error for an index out of range, else None."""
    value, index = match[2], int(match[3])
    kind = _type(value)
    if kind == "int":
        return "TypeError: 'int' object is not subscriptable"
    length = len(value) - 2 if kind == "str" else value.count(",") + 1
    return OUT_OF_RANGE.format({"str": "string"}.get(kind, kind)) if index >= length else None


def _attribute(match: re.Match[str]) -> str | None:
    kind = _type(match[2])
    return None if TYPES[kind] == match[3] else f"AttributeError: '{kind}' object has no attribute '{match[3]}'"


def _iterated(match: re.Match[str]) -> str | None:
    if match[1] == "len":
        return "TypeError: object of type 'int' has no len()"
    return "TypeError: 'int' object is not iterable"


def _key(match: re.Match[str]) -> str | None:
    return f"KeyError: {match[2]}" if match[1] != match[2] else None


@dataclass(frozen=True)
class Kind:
    """A kind of snippet: a generator, a pattern that matches it, and its output or exception."""

    draw: Callable[[Random], str]
    pattern: str
    outcome: Callable[[re.Match[str]], str | None]


VALUE = r"(\d|'[a-z]+'|\[[\d, ]+\])"
KINDS = (
    Kind(
        _undefined,
        r"(\w) = \d\n(?!\1)(\w) \+ \d",
        lambda match: f"NameError: name '{match[2]}' is not defined",
    ),
    Kind(_two_names, rf"(\w) = {VALUE}\n(\w) = {VALUE}\nprint\((\w)\)", _printed_name),
    Kind(
        lambda rng: _set(rng, _list(rng), f"print(NAME[{rng.choice((0, 0, 1, 1, 2, 5, 7))}])"),
        r"(\w) = \[([\d, ]+)\]\nprint\(\1\[(\d)\]\)",
        _printed_item,
    ),
    Kind(
        lambda rng: _set(rng, _digit(rng), rng.choice(("NAME / 0", f"{_digit(rng)} / 0"))),
        r"(\w) = \d\n(\1|\d) / 0",
        lambda _: "ZeroDivisionError: division by zero",
    ),
    Kind(
        lambda rng: _set(rng, _value(rng), f"NAME[{rng.randint(4, 9)}]"),
        rf"(\w) = {VALUE}\n\1\[(\d)\]",
        _item,
    ),
    Kind(
        lambda rng: _set(rng, f"{{{_string(rng)}: {_digit(rng)}}}", f"NAME[{_string(rng)}]"),
        r"\w = \{('[a-z]+'): \d\}\n\w\[('[a-z]+')\]",
        _key,
    ),
    Kind(
        lambda rng: _set(rng, _string(rng), "int(NAME)"),
        r"(\w) = ('[a-z]+')\nint\(\1\)",
        lambda match: f"ValueError: invalid literal for int() with base 10: {match[2]}",
    ),
    Kind(
        lambda rng: _set(rng, _string(rng), f"NAME + {_digit(rng)}"),
        r"(\w) = '[a-z]+'\n\1 \+ \d",
        lambda _: 'TypeError: can only concatenate str (not "int") to str',
    ),
    Kind(
        lambda rng: _set(rng, _digit(rng), f"NAME + {_string(rng)}"),
        r"(\w) = \d\n\1 \+ '[a-z]+'",
        lambda _: "TypeError: unsupported operand type(s) for +: 'int' and 'str'",
    ),
    Kind(
        lambda rng: _set(rng, _digit(rng), rng.choice(("len(NAME)", "list(NAME)", "sum(NAME)"))),
        r"(?:\w) = \d\n(len|list|sum)\(\w\)",
        _iterated,
    ),
    Kind(
        lambda rng: _set(rng, _value(rng), f"NAME.{rng.choice(METHODS)}()"),
        rf"(\w) = {VALUE}\n\1\.([a-z]+)\(\)",
        _attribute,
    ),
    Kind(
        lambda rng: _set(rng, _string(rng), f"NAME[{rng.randint(0, 2)}] = {_string(rng)}"),
        r"(\w) = '[a-z]+'\n\1\[\d\] = '[a-z]+'",
        lambda _: "TypeError: 'str' object does not support item assignment",
    ),
    Kind(
        lambda rng: _set(rng, _value(rng), "NAME()"),
        rf"(\w) = {VALUE}\n\1\(\)",
        lambda match: f"TypeError: '{_type(match[2])}' object is not callable",
    ),
    Kind(
        lambda rng: _set(rng, _digit(rng), f"import {rng.choice(MODULES)}"),
        rf"\w = \d\nimport ({'|'.join(MODULES)})",
        lambda match: f"ModuleNotFoundError: No module named '{match[1]}'",
    ),
)
MESSAGES = (
    "NameError: name is not defined", "ZeroDivisionError: division by zero", "IndexError: list index out of range",
    "string index out of range", "KeyError", "ValueError: invalid literal for int() with base 10",
    "TypeError: can only concatenate str (not int) to str", "unsupported operand type(s) for and",
    "object of type has no len()", "object is not iterable", "object is not subscriptable", "object is not callable",
    "object does not support item assignment", "AttributeError: object has no attribute",
    "ModuleNotFoundError: No module named", "import",
)  # fmt: skip
BARE_WORDS = "print len int str list sum import append upper keys".split()  # these are not preceded by a space in code


def outcome(text: str) -> Answers | None:
    """Return the output or exception of the snippet, derived from its form; no code is run."""
    for kind in KINDS:
        match = re.fullmatch(kind.pattern, text)
        if match:
            shown = kind.outcome(match)
            return (shown,) if shown else None
    return None


def _snippet(rng: Random) -> str:
    return rng.choice(KINDS).draw(rng)


def _error_name(text: str) -> Answers | None:
    shown = outcome(text)
    return (shown[0].split(":")[0],) if shown and "Error: " in shown[0] else None


def _first_line(text: str) -> Answers | None:
    return (text.split("\n")[0],) if outcome(text) else None


def _characters(rng: Random) -> str:
    return " ".join(rng.choices(CHARACTERS, k=rng.randint(1, 3)))


def _spaced(text: str) -> list[str]:
    parts = text.split(" ")
    return parts if all(len(part) == 1 and part in CHARACTERS for part in parts) else []


def _codes(text: str) -> Answers | None:
    return (" ".join(str(ord(part)) for part in _spaced(text)),) if _spaced(text) else None


TASKS = (
    TaskSpec(
        name="auto_debugging",
        description="Say what a Python program prints, or which exception it raises.",
        draw=_snippet,
        answer=outcome,
        good=(
            "V {what the code prints or raises|the result of the code}.",
            "run the {code|program|Python code} and V {what it shows|the result}.",
            "say what {happens|Python says} when the {code|program} {runs|is run}.",
            "debug the {code|program} and V the {message|result}.",
        ),
        siblings=("error_name", "first_line"),
        plain_family="about_code",
        weight=2.0,
        texts=lambda: MESSAGES,
    ),
    TaskSpec(
        name="ascii",
        description="Write the ASCII codes of the characters.",
        draw=_characters,
        answer=_codes,
        good=(
            "V the ASCII {code|codes|number|numbers} of the {characters|letters|input}.",
            "{convert|turn|translate} the {characters|letters} {into|to} {ASCII|ASCII codes}.",
            "V the {decimal|numeric} {code|codes} of the characters.",
        ),
        siblings=("character_count", "first_character"),
        plain_family="characters",
        weight=1.3,
    ),
    TaskSpec(
        name="error_name",
        description="Name the exception that a Python program raises.",
        draw=_snippet,
        answer=_error_name,
        good=("name the exception{| that the code raises}.",),
        siblings=("first_line",),
        weight=0.3,
        shipped=False,
    ),
    TaskSpec(
        name="first_line",
        description="Write the first line of a program.",
        draw=_snippet,
        answer=_first_line,
        good=("V the first line of the {code|program}.",),
        siblings=("error_name",),
        weight=0.25,
        shipped=False,
    ),
    TaskSpec(
        name="character_count",
        description="Count the characters.",
        draw=_characters,
        answer=lambda text: (str(len(_spaced(text))),) if _spaced(text) else None,
        good=("count the characters.", "V the number of characters."),
        siblings=("first_character",),
        weight=0.25,
        shipped=False,
    ),
    TaskSpec(
        name="first_character",
        description="Write the first character.",
        draw=_characters,
        answer=lambda text: (_spaced(text)[0],) if _spaced(text) else None,
        good=("V the first character.",),
        siblings=("character_count",),
        weight=0.25,
        shipped=False,
    ),
)
