"""A stand-in for a model: it rates reviews by key words, and more carefully if the instruction says how."""

IDEAS = (
    "Rate the review.",
    "What does the customer feel?",
    "Decide whether the customer is happy.",
    "Say what the customer thinks, and weigh praise against complaints.",
    "Classify the tone.",
    "Weigh praise against complaints. A polite complaint is a complaint.",
    "Name the sentiment in one word.",
)
GOOD = ("love", "great", "quiet", "fast", "recommend", "sturdy")
BAD = ("broke", "leak", "loud", "sent it back", "stopped", "smell")
POLITE = ("unfortunately", "sadly", "i had hoped")


def answer(prompt: str) -> str:
    """Return the label of the review below the instruction."""
    instruction, _, review = prompt.lower().partition("\n\n")
    good, bad = (sum(review.count(word) for word in words) for words in (GOOD, BAD))
    if "polite complaint" in instruction and any(word in review for word in POLITE):
        bad += 1
    if "weigh" not in instruction:  # the first impression: most reviews are positive
        return "Negative." if bad > good + 1 else "Positive."
    return "Positive." if good > bad else "Negative." if bad > good else "Neutral."
