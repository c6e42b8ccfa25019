"""A stand-in for a model: it answers in English, unless the instruction asks for the language of the message."""

IDEAS = (
    "Praise or complaint?",
    "What kind of message is it?",
    "Sort the message: praise or complaint.",
    "Say in the language of the message whether it is a praise or a complaint.",
    "Is the customer content?",
    "Read the message and name its kind in English.",
    "Answer with one word.",
)
LABELS = {
    "en": ("praise", "complaint", ("broken", "late", "never")),
    "ru": ("похвала", "жалоба", ("сломан", "опозда", "никогда")),
    "el": ("έπαινος", "παράπονο", ("χαλασμέν", "αργά", "ποτέ")),
    "ar": ("مدح", "شكوى", ("مكسور", "متأخر", "أبدا")),
    "hi": ("प्रशंसा", "शिकायत", ("टूटा", "देर", "कभी नहीं")),
    "zh": ("表扬", "投诉", ("坏", "晚", "从来没")),
    "ko": ("칭찬", "불만", ("고장", "늦게", "한 번도")),
}
SCRIPTS = {"ru": "аб", "el": "αε", "ar": "ال", "hi": "कह", "zh": "的了", "ko": "이다"}


def answer(prompt: str) -> str:
    """Return the label of the message below the instruction."""
    instruction, _, message = prompt.partition("\n\n")
    language = next((name for name, letters in SCRIPTS.items() if any(sign in message for sign in letters)), "en")
    bad = any(word in message.lower() for word in LABELS[language][2])
    said = language if "language of the message" in instruction else "en"
    return f"“{LABELS[said][1 if bad else 0]}”"
