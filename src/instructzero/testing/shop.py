"""A stand-in for a model, and rows for it, so that a run can be tried without an account, a key or a download.

It sorts the messages of a shop's customers by key words, and as the writer it has a few ideas for instructions. It
understands no language. What it does depends on the instruction, as with a real model: it reads the line of the
subject only, unless it is told to read the whole message, and it takes refunds for returns, unless it is told where
they belong.
"""

from __future__ import annotations

import random
import re
import zlib

PORT = 8123
"""The port at which ``python -m instructzero.testing`` serves the stand-in if no other one is named."""

KEY_WORDS = {
    "delivery": ("parcel", "courier", "tracking", "new address", "pick-up point", "doorstep"),
    "payment": ("card", "invoice", "voucher", "charged", "bank", "receipt"),
    "returns": ("wrong size", "broken", "send it back", "sent it back", "label", "exchange", "scratch"),
}
"""The words by which a message is sorted."""

GUESSES = (
    "Sort the message.",
    "Which team is it?",
    "Decide quickly which team takes this.",
    "Name the department in charge.",
    "Think of the customer and choose.",
    "Name one team.",
)
"""What the stand-in writes as the writer if it sees no wrong answers."""

LESSONS = {
    "": "Read the whole message and name the team that has to answer it.",
    "refund": "Read the whole message. Refunds are a matter of payment, also after a return. Name the team.",
}
"""What it writes beside guesses if the request shows wrong answers, by a word that has to occur in them."""

_SUBJECTS = {
    "delivery": ("Where is my parcel?", "Tracking does not move", "Courier came too early", "New address"),
    "payment": ("Charged twice", "Card declined", "Invoice for order {order}", "Voucher refused"),
    "returns": ("Arrived broken", "Wrong size", "Exchange, please", "Label for a return"),
}
_VAGUE = ("Hello", "Question", "Help, please", "Urgent", "Order {order}", "Not happy")
_BODIES = {
    "delivery": (
        "The tracking page has shown the same line since {day}.",
        "The courier left it with a neighbour whom I do not know.",
        "Can I choose another pick-up point for order {order}?",
        "I have moved. Please use my new address for order {order}.",
        "Nobody rang, and there was nothing on the doorstep on {day}.",
        "You promised to be here by {day}.",
    ),
    "payment": (
        "My card was charged twice for order {order}.",
        "Please send me an invoice with the address of my company.",
        "The voucher from your letter is refused, although it is valid until {day}.",
        "The bank says that all is well, but your page declines my card.",
        "I cannot find the receipt for order {order}.",
        "I sent it back on {day}. When do I get the refund for order {order}?",
        "There was no label, but it is with you now. Where is my refund?",
        "It arrived broken, and you have had it since {day}. I wait for my refund.",
        "When do I get my money for order {order}?",
    ),
    "returns": (
        "It is the wrong size, and I ordered it for {day}.",
        "The zip was broken on {day} already. What do I do with it?",
        "There was no label in the box of order {order}.",
        "I want to exchange it for a blue one before {day}.",
        "There is a scratch on the lid of order {order}.",
        "I do not like it after all. How do I send it back?",
    ),
}
_BEGINNINGS = ("", "Hello, ", "Good morning. ", "Dear team, ")
_ENDINGS = ("", " Kind regards", " Thank you.", " Please answer soon.")
_DAYS = ("Monday", "Tuesday", "Wednesday", "Friday", "Saturday")


def rows(count: int = 200, seed: int = 0) -> list[dict[str, str]]:
    """Return different messages with the columns ``subject``, ``body`` and ``team``.

    Parameters
    ----------
    count
        The number of messages.
    seed
        The seed of all choices.
    """
    draw = random.Random(seed)
    found: dict[tuple[str, str], dict[str, str]] = {}
    while len(found) < count:
        row = _message(draw)
        found.setdefault((row["subject"], row["body"]), row)
    return list(found.values())


def _message(draw: random.Random) -> dict[str, str]:
    team = draw.choice(list(_BODIES))
    subjects = _SUBJECTS[team] if draw.random() < 0.5 else _VAGUE
    details = {"order": draw.randrange(1000, 10_000), "day": draw.choice(_DAYS)}
    body = draw.choice(_BEGINNINGS) + draw.choice(_BODIES[team]) + draw.choice(_ENDINGS)
    return {"subject": draw.choice(subjects).format(**details), "body": body.format(**details), "team": team}


def answer(prompt: str) -> str:
    r"""Answer a request for instructions as the writer, and everything else as the black box.

    >>> answer("Name the team: delivery, payment or returns.\n\nSubject: Hello\n\nMy card was charged twice.")
    'The team in charge is delivery.'
    >>> answer("Read the whole message. Name the team.\n\nSubject: Hello\n\nMy card was charged twice.")
    'The team in charge is payment.'
    """
    return _write(prompt) if "<prompt>" in prompt else f"The team in charge is {_team(prompt)}."


def _team(prompt: str) -> str:
    """Return the team whose key words occur most often in the part of the message that the instruction names."""
    instruction, message = _split(prompt.lower())
    text = message if re.search(r"\b(whole|entire|full|complete|body)\b", instruction) else message.partition("\n")[0]
    if "refund" in text and "refund" in instruction:
        return "payment"
    found = {team: sum(text.count(word) for word in words) for team, words in KEY_WORDS.items()}
    return max(found, key=lambda team: found[team])


def _split(prompt: str) -> tuple[str, str]:
    """Return what stands before the last line that begins with "subject:", and the rest: the customer's message."""
    lines = list(re.finditer(r"^(input: )?subject:", prompt, re.MULTILINE))
    begin = lines[-1].start() if lines else prompt.find("\n") + 1
    return prompt[:begin], prompt[begin:]


def _write(request: str) -> str:
    """Return ideas in an order that depends on the request, lessons from wrong answers first."""
    lessons = [text for word, text in LESSONS.items() if word in request] if "\nExpected: " in request else []
    start = zlib.crc32(request.encode())
    guesses = [GUESSES[(start + number) % len(GUESSES)] for number in range(4)]
    return "\n".join(f"<prompt>{idea}</prompt>" for idea in [*lessons, *guesses][:4])
