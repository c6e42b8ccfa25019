r"""The bare answer of a model's text: without its thoughts, and out of its dress.

Models wrap what they were asked for: in thoughts, code fences, ``\boxed{…}``, bold type, quotes, or a sentence such as
"The answer is …". Metrics compare the text as it came and what is inside, so a wrapping never costs a point.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

_TAG = r"(?:think|thinking|thought|thoughts|reasoning|reflection|scratchpad|seed:think)"
_OPENING = re.compile(
    rf"<{_TAG}(?:\s[^<>]*)?>|\[THINK\]|◁think▷|<\|begin_of_thought\|>|<\|START_THINKING\|>", re.IGNORECASE
)
_CLOSING = re.compile(rf"</{_TAG}\s*>|\[/THINK\]|◁/think▷|<\|end_of_thought\|>|<\|END_THINKING\|>", re.IGNORECASE)
_CHANNEL = re.compile(r"<\|channel\|>\s*(\w+)[^<]*(?:<\|constrain\|>[^<]*)?<\|message\|>")
_CHANNEL_END = re.compile(r"<\|(?:end|return|call|start|channel)\|>")
_BARE_CHANNELS = re.compile(r"\s*analysis.*assistantfinal", re.DOTALL)  # a server dropped the special tokens


def without_thoughts(text: str) -> str:
    """Return what ``text`` says after its thoughts; a text that has none comes back unchanged.

    Thoughts stand between tags such as ``<think>`` and ``</think>``, before a closing tag without an opening one, after
    an opening tag without a closing one (a text that was cut), or in other channels than ``final`` (the harmony
    format). If nothing follows the thoughts, what stands before them is the answer.

    >>> without_thoughts("<think>Paris or Lyon?</think>Paris")
    'Paris'
    >>> without_thoughts("<think>Paris or Lyon")
    ''
    """
    if "<|channel|>" in text:
        text = _final_channel(text)
    elif text.lstrip().startswith("analysis") and (found := _BARE_CHANNELS.match(text)):
        text = text[found.end() :].strip()
    opened, closings = _OPENING.search(text), list(_CLOSING.finditer(text))
    if not opened and not closings:
        return text
    after = _before_opening(text[closings[-1].end() :]) if closings else ""
    return after or (_before_opening(text) if opened and not _CLOSING.search(text, 0, opened.start()) else "")


def _before_opening(text: str) -> str:
    return _OPENING.split(text, maxsplit=1)[0].strip()


def _final_channel(text: str) -> str:
    """Return the message of the last channel ``final``, or "" if the text ends before there is one."""
    finals = [found for found in _CHANNEL.finditer(text) if found[1] == "final"]
    return _CHANNEL_END.split(text[finals[-1].end() :], maxsplit=1)[0].strip() if finals else ""


def unwrapped(text: str) -> str:
    r"""Return the bare answer in ``text``, without fences, boxes, emphasis, quotes, label and surrounding white space.

    A text without any of these is only stripped. A wrapping without anything inside stays.

    >>> unwrapped("**Answer:** `x + 1`")
    'x + 1'
    >>> unwrapped(r"So the final answer is $\boxed{\text{Paris}}$.")
    'Paris'
    """
    return forms(text)[-1]


_MOST_FORMS = 16  # a text that repeats its label without end is no answer


@lru_cache(maxsize=8192)  # the same answer is compared with every accepted answer
def forms(text: str) -> tuple[str, ...]:
    """Return ``text`` stripped, and then what is left after every step of unwrapping it; the last is the bare answer.

    >>> forms('Answer: "Paris"')
    ('Answer: "Paris"', '"Paris"', 'Paris')
    """
    found = [text.strip()]
    while len(found) < _MOST_FORMS and (inner := next(filter(all, filter(None, _steps(found[-1]))), ())):
        found.extend(inner)
    return tuple(found)


def _steps(text: str) -> Iterator[tuple[str, ...]]:
    """Yield what each kind of wrapping has inside, stripped; every text is shorter than the one before it."""
    if not text or _PLAIN.fullmatch(text):
        return
    for inside in (_in_container, _in_fence, _in_pair, _in_command):
        yield (inside(text),)
    yield _after_label(text)


_PLAIN = re.compile(r"[a-zA-Z0-9]+")
_CONTAINER = re.compile(r"<(answer|final_answer|final)>(.*?)</\1>", re.DOTALL | re.IGNORECASE)
_BOX = re.compile(r"\\(?:boxed|fbox)\s*(?=\{)")


def _in_container(text: str) -> str:
    r"""Return what the last ``\boxed{…}`` or ``<answer>…</answer>`` holds, wherever it stands."""
    boxes = list(_BOX.finditer(text)) if "\\" in text else []
    if boxes and (inner := _braced(text, boxes[-1].end())):
        return inner[0].strip()
    answers = _CONTAINER.findall(text) if "</" in text else []
    return answers[-1][1].strip() if answers else ""


_FENCE = re.compile(
    r"(?:[^\n]*[:：][ *_]*\n\s*)?(?P<fence>`{3,10}+|~{3,10}+)"
    r"(?:[ \t]*[\w+#.\-]*[ \t]*\n(?P<block>.*?)|(?P<line>[^\n]*?))\s*(?P=fence)(?P<remark>.*)",
    re.DOTALL,
)


def _in_fence(text: str) -> str:
    """Return the content of the only code fence in ``text``; a line may announce it, and remarks may follow."""
    found = _FENCE.fullmatch(text) if "```" in text or "~~~" in text else None
    if not found or found["fence"] in found["remark"]:
        return ""
    return (found["line"] if found["block"] is None else found["block"]).strip()


_PAIRS = {
    "*": ("***", "**", "*"),
    "_": ("__", "_"),
    "`": ("``", "`"),
    "$": ("$$", "$"),
    '"': ('"',),
    "'": ("'",),
    "＂": ("＂",),
    "“": ("”", "“"),
    "„": ("“", "”"),
    "”": ("”",),
    "‘": ("’",),
    "’": ("’",),
    "‚": ("‘", "’"),
    "«": ("»",),
    "»": ("«", "»"),
    "‹": ("›",),
    "›": ("‹",),
    "「": ("」",),
    "『": ("』",),
    "《": ("》",),
    "〈": ("〉",),
    "【": ("】",),
    "<": ("</b>", "</strong>", "</i>", "</em>", "</code>", "</p>"),
    "\\": ("\\)", "\\]"),
}
_OPENERS = {
    "</b>": "<b>",
    "</strong>": "<strong>",
    "</i>": "<i>",
    "</em>": "<em>",
    "</code>": "<code>",
    "</p>": "<p>",
} | {
    "\\)": "\\(",
    "\\]": "\\[",
}
_STOP = re.compile(r"[.。．｡।।]$")


def _in_pair(text: str) -> str:
    """Return what stands between emphasis, quotes or delimiters of mathematics around the whole of ``text``."""
    body = _STOP.sub("", text)
    for closer in _PAIRS.get(text[0], ()):
        opener = _OPENERS.get(closer, closer if closer[0] == text[0] else text[0])
        for whole in dict.fromkeys((text, body)):
            if not (whole.startswith(opener) and whole.endswith(closer)):
                continue
            inner = whole[len(opener) : -len(closer)]
            if len(whole) > len(opener) + len(closer) and not _closes_before(inner, opener, closer):
                return inner.strip()
    return ""


def _closes_before(inner: str, opener: str, closer: str) -> bool:
    """Return True if the pair ends inside already, as in '"a", "b"'; an apostrophe between letters does not end it."""
    if closer in "'’":
        return re.search(rf"(?<!\w){closer}|{closer}(?!\w)", inner) is not None
    return closer in inner or opener in inner or (closer in "_*`" and inner[-1] == closer)


_COMMAND = re.compile(r"\\(?:text|textbf|textit|textrm|texttt|mathrm|mathbf|mathit|emph)\s*(?=\{)")


def _in_command(text: str) -> str:
    r"""Return the argument of the one command such as ``\text{…}`` that ``text`` consists of."""
    found = _COMMAND.match(text)
    inner = _braced(text, found.end()) if found else None
    return inner[0].strip() if inner and inner[1] == len(text) else ""


def _braced(text: str, start: int) -> tuple[str, int] | None:
    """Return what the braces at ``start`` hold and the place after them, or None if they do not close."""
    depth = 0
    for place in range(start, len(text)):
        depth += (text[place] == "{") - (text[place] == "}")
        if depth == 0:
            return text[start + 1 : place], place + 1
    return None


_NOUN = (
    r"(?:(?:the|my|your)\s+)?(?:(?:final|correct|right|best|overall)\s+)*"
    r"(?:answer|output|result|response|solution|prediction|label|choice|classification|category)"
    r"|(?:(?:die|meine)\s+)?(?:(?:endgültige|richtige|korrekte|finale)\s+)?(?:antwort|ausgabe|lösung)|(?:das\s+)?ergebnis"
    r"|(?:(?:la|ma|mi|minha|a)\s+)?(?:(?:bonne|correcta|finale)\s+)?(?:réponse|respuesta|risposta|resposta)"
    r"(?:\s+(?:finale?|correcte|correcta|corretta|correta))?"
    r"|(?:(?:le|el|il|o)\s+)?(?:résultat|resultado|risultato)|(?:het\s+)?(?:antwoord|resultaat)|odpowiedź|odpověď|cevap"
    r"|(?:правильный\s+|окончательный\s+|мой\s+)?ответ|відповідь|(?:η\s+)?απάντηση|svar(?:et)?|vastaus|jawaban(?:nya)?"
    r"|đáp\s+án|câu\s+trả\s+lời|(?:ה)?תשובה|(?:ال)?(?:جواب|إجابة)(?:\s+(?:الصحيحة|النهائية))?|پاسخ"
    r"|(?:सही\s+|अंतिम\s+)?(?:उत्तर|जवाब)"
)
_COPULA = r"is|are|would\s+be|should\s+be|ist|lautet|est|es|è|é|это|є|είναι|är|adalah|là|היא|הוא|هي|هو|है"
_LEAD = r"(?:(?:so|thus|hence|therefore|then|also|daher|donc|итак)\s*,?\s+)?"
_UNSPACED = (
    r"(?:所以|因此)?[，,]?(?:我的)?(?:最终|最終|最后|正确|正確)?(?:的)?(?:答案|回答|答|结果|結果)"
    r"|(?:最終的?な?|正しい)?(?:答え|答|回答|解答|正解|結果)"
    r"|(?:최종\s*|올바른\s*)?(?:정답|답변|답|결과)|คำตอบ(?:สุดท้าย|ที่ถูกต้อง)?"
)
_UNSPACED_COPULA = r"应该是|應該是|就是|是|为|為|は|은|는|คือ|เป็น"
_MARKS = r"[\s*_#>`]*"
_LABEL = re.compile(
    rf"{_MARKS}{_LEAD}(?:(?:{_NOUN})(?:\s+to\s+[^.:\n]{{1,80}}?)?[*_]*\s*"
    rf"(?:(?P<colon>[:：=]|[-–—](?=\s))|(?:{_COPULA})(?!\w)\s*[:：]?)"
    rf"|(?:{_UNSPACED})[*_]*\s*(?:(?P<wide_colon>[:：]|[-–—](?=\s))|(?:{_UNSPACED_COPULA})[:：,，、]?))"
    r"[*_]*(?P<answer>\s*\S.*)",
    re.IGNORECASE | re.DOTALL,
)
_HEADING = re.compile(
    rf"\s*(?:#+\s*|\*\*)(?:{_NOUN}|{_UNSPACED})(?:\*\*)?\s*\n(?P<answer>.+)", re.IGNORECASE | re.DOTALL
)
_LATER = re.compile(
    rf"(?<=[\n.!?。！？])[ \t*_#>]*(?={_LEAD}(?:(?:the|my)\s+)?(?:(?:final|correct)\s+)*answer\b[ *_]*(?:is\b|[:：])"
    r"|(?:所以|因此|最终|最終|正确)答案|答案是|答えは|正解は|정답은|최종 ?답|คำตอบคือ|ответ\s*:"
    r"|(?:die\s+)?antwort\s+(?:ist|lautet)\b|la\s+réponse\s+est\b|la\s+respuesta\s+es\b)",
    re.IGNORECASE,
)
_NEXT_QUESTION = re.compile(r"^\W*(?:q|question|input|human|user)\s*\d*\s*[:：]", re.IGNORECASE | re.MULTILINE)
_STOP_INSIDE = re.compile(r"\.\w|[.!?。！？।]\s*\S")
_PREDICATE_END = re.compile(r"(?:です|だ|である|でした|입니다|이다|이에요|예요|임|ครับ|ค่ะ|\s+है)$")


def _after_label(text: str) -> tuple[str, ...]:
    """Return what follows a label such as "Answer:" or "The answer is", the latter also without its full stop."""
    if heading := _HEADING.match(text):
        return (heading["answer"].strip(),)
    found = _LABEL.match(text) or _last_label(text)
    if not found:
        return ()
    answer = found["answer"].strip()
    if found["colon"] or found["wide_colon"]:
        return (answer,)
    sentence = answer[:-1].rstrip() if _STOP.search(answer) and not _STOP_INSIDE.search(answer) else answer
    return tuple(dict.fromkeys(form for form in (answer, sentence, _PREDICATE_END.sub("", sentence).strip()) if form))


def _last_label(text: str) -> re.Match[str] | None:
    """Return the last label that begins a sentence further on, unless the model went on to questions of its own."""
    places = [found.end() for found in _LATER.finditer(text)]
    return _LABEL.match(text, places[-1]) if places and not _NEXT_QUESTION.search(text) else None
