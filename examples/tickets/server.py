"""A server on this machine that stands in for a model, so that the example can be tried without an account.

    python server.py              # serves http://127.0.0.1:8123/v1 until it is stopped

As the black box it sorts a customer's message by key words. It reads the subject only, unless the instruction tells it
to read the whole message; without a word about refunds it sends these to the wrong team. As the writer it has a few
ideas, two of which are good.
"""

from __future__ import annotations

import argparse
import re
import sys
import zlib

from instructzero.testing import Endpoint
from instructzero.testing.serving import add_port, serve

TEAMS = {
    "delivery": ("parcel", "courier", "tracking", "address", "pick-up", "delivery"),
    "payment": ("card", "invoice", "voucher", "charged", "bank"),
    "returns": ("size", "broken", "send it back", "label", "exchange", "scratch"),
}
IDEAS = (
    "Sort the message.",
    "Which team is it?",
    "Decide quickly which team takes this.",
    "Read the whole message and name the team that has to answer it.",
    "Name the department in charge.",
    "Read the whole message. Refunds are a matter of payment, also after a return. Name the team.",
    "Think of the customer and choose.",
    "Name one team.",
)
INSTRUCTION = re.compile(r"service of a shop\. (.*?)\nAnswer with", re.DOTALL)


def answer(prompt: str) -> str:
    """Answer as the black box or, if the prompt is no customer's message, as the writer."""
    asked = INSTRUCTION.search(prompt)
    return sort(prompt, asked[1]) if asked else write(prompt)


def sort(prompt: str, instruction: str) -> str:
    """Return the team whose key words occur most often in what the instruction says to read."""
    message = prompt[prompt.rindex("Subject: ") :].lower()
    text = message if "whole message" in instruction else message.splitlines()[0]
    if "refund" in text and "refund" in instruction.lower():
        return "payment"
    found = {team: sum(text.count(word) for word in words) for team, words in TEAMS.items()}
    best = max(found, key=lambda team: found[team])
    return f"The team in charge is {best if found[best] else 'delivery'}."


def write(prompt: str) -> str:
    """Return ideas in an order that depends on the prompt."""
    start = zlib.crc32(prompt.encode())
    ideas = [IDEAS[(start + 3 * number) % len(IDEAS)] for number in range(4)]
    return "\n".join(f"<prompt>{idea}</prompt>" for idea in ideas)


def main() -> int:
    """Serve until the process is stopped."""
    parser = argparse.ArgumentParser()
    add_port(parser, 8123)
    port = parser.parse_args().port
    return serve(Endpoint(answer, port=port), port)


if __name__ == "__main__":
    sys.exit(main())
