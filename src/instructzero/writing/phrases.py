"""The forms of what models write around an instruction, as patterns. Most of the words are English."""

from __future__ import annotations

import re

_COLON = r"[*_]*[^\S\n]*[:：][*_]*"
_NOUN = r"(?:instructions?|prompts?|commands?|directives?|tasks?|requests?|rules?|version|rewrite)"
_FOREIGN_NOUN = (
    r"(?:指令|指示|提示|プロンプト|命令|任务|任務|タスク|التعليمات|التعليمة|تعليمات|المهمة|الأمر"
    r"|instrucci[oó]n|consigne|anweisung|istruzion|instruç|инструкци|지시)"
)
_IS = r"(?:is|was|would be|could be|might be|may be|should be|reads|seems to be|appears to be|must have been)"
_HEDGE = r"(?:likely|probably|most|simply|perhaps|as follows|something like|this|to|the following|like this)"
_EVIDENCE = (
    r"(?:based on|from|given|looking at|judging (?:by|from)|according to|considering|after \w+ing)"
    r" (?:the|these|those|your|all|both)\b[^\n:：.,]{0,100}"
)


def _words(pattern: str, flags: int = 0) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE | flags)


THOUGHTS_BEGIN = _words(
    r"<(?:think|thinking|thoughts?|reasoning)>|\[THINK\]|<\|channel\|>\s*(?:analysis|commentary)[^<\n]*<\|message\|>"
)
"""The tag before a model's thoughts."""

THOUGHTS_END = _words(r"</(?:think|thinking|thoughts?|reasoning)>|\[/THINK\]|<\|channel\|>\s*final[^<\n]*<\|message\|>")
"""The tag between a model's thoughts and its answer. The tag before them may be a part of the prompt."""

UNMARKED_CHANNELS = re.compile(r"\Aanalysis(?=[A-Z]).*?assistantfinal", re.DOTALL)
"""Thoughts in a channel of the harmony format, whose special tokens were dropped by a tokenizer."""

START_TOKEN = _words(
    r"\A\s*(?:<s>|<bos>|<\|begin_of_text\|>|<\|im_start\|>(?:assistant)?|<\|start\|>assistant"
    r"|<\|start_header_id\|>assistant<\|end_header_id\|>|<start_of_turn>(?:model)?|<\|assistant\|>|\[/INST\]|\s)+"
)
"""The special tokens that begin a turn."""

STOP_TOKEN = _words(
    r"</s>|<eos>|<end_of_turn>|<\|(?:im_end|im_start|end|endoftext|end_of_text|eot_id|eom_id|return|eot|user)\|>"
    r"|<｜end▁of▁sentence｜>|\[/?INST\]|<\|start_header_id\|>|<start_of_turn>|<pad>"
)
"""A special token after which no text of this turn follows."""

SPECIAL_TOKEN = _words(r"<\|[^|<>\n]{1,40}\|>|</?(?:s|bos|eos|pad|unk|think|thinking|thoughts?|reasoning)>")
"""Any other special token that may be left in a text."""

TURN = _words(
    r"\n\s*(?:[*_#>-]+[^\S\n]*)?(?:Inputs?|Outputs?|Instruction|User|Assistant|Human|入力|出力|输入|输出|輸入|輸出|المدخل|الإدخال)"
    rf"(?:[^\S\n]*\d+)?[^\S\n]*{_COLON}"
)
"""The place where a model that does not stop continues with another demonstration or turn. It spans one line."""

ITEM = re.compile(r"[-*+•–·▪](?=\s)|\(?\d{1,2}[.)、．）](?!\d)|[①-⑳]")
"""The mark of an item of a list, numbered or not; shorter than six characters."""

ASIDE = _words(
    r"(?:sure|certainly|of course|absolutely|okay|ok|alright|all right|got it|great|understood|here|hmm+|wait|well|so"
    r"|let me|let['’]s|the user|based on|it seems|i|we)\b"
)
"""The first words of an answer or of thoughts, which do not continue the cue."""

_PRAISE = r"(?:sure(?: thing)?|certainly|of course|absolutely|okay|ok|alright|got it|great(?: question)?|understood)"

ANNOUNCEMENTS = (
    _words(rf"\A{_PRAISE}(?:[^\S\n]*[.!,:;—–…])+\s*"),
    _words(r"\A(?:i|we)(?:['’]| )[^\n.!:]{0,60}\b(?:help|happy|glad|assist)\b[^\n.!:]{0,60}[.!:]\s*"),
    _words(rf"\A(?:[*_#>]+\s*)?here(?:['’]s| is| are| you go)?\b[^\n:：]{{0,160}}{_COLON}\s*"),
    _words(rf"\A(?:below|this|the following) (?:is|are)\b[^\n:：]{{0,80}}\b{_NOUN}\b[^\n:：]{{0,80}}{_COLON}\s*"),
    _words(rf"\A{_EVIDENCE},?[^\n:：.]{{0,80}}\b{_NOUN}(?:\s+{_IS}(?:\s+{_HEDGE}\b)*)?{_COLON}\s*"),
    # A sentence: "The task behind these pairs is probably the following:", "the instruction was to ..."
    _words(
        rf"\A(?:{_EVIDENCE},\s*)?(?:the|an?|my|one|your)\s+(?:[\w-]+\s+){{0,4}}?{_NOUN}\b[^\n:：.]{{0,80}}?"
        rf"\s{_IS}(?:\s+{_HEDGE}\b)*{_COLON}\s*"
    ),
    _words(
        rf"\A(?:{_EVIDENCE},\s*)?(?:the|your)\s+(?:[\w-]+\s+){{0,3}}?(?:instruction|task|prompt|directive)"
        rf"(?:\s+(?:here|given|used|for[^\n.:：]{{0,40}}))?\s+{_IS}(?:\s+(?:likely|probably|simply|most))*"
        r"\s+(?:to\b\s*|(?=[\"“'«「`]))"
    ),
    # A heading: "**Final instruction:** ...", "### Prompt" on a line of its own
    _words(
        r"\A[*_#>]*\s*(?:(?:final|improved|revised|new|rewritten|possible|likely|suggested|proposed|inferred|optimi[sz]ed|best"
        r"|updated|combined|general|my|the)\s+)*(?:instructions?|prompt|task(?: description)?|final answer)"
        rf"(?:\s+\d+)?(?:{_COLON}|[*_]*[^\S\n]*\n)\s*"
    ),
    re.compile(r"\A#{1,6}\s+"),
    re.compile(r"\A(?:-{3,}|\*{3,}|_{3,}|={3,})[^\S\n]*\n\s*"),
    # The same in other languages, by their word for "instruction"
    _words(rf"\A[*_#>\s]*{_FOREIGN_NOUN}\w{{0,4}}{_COLON}\s*"),
    _words(rf"\A[^\n:：]{{0,60}}{_FOREIGN_NOUN}[^\n:：]{{0,30}}{_COLON}[^\S\n]*\n\s*"),
)
"""What may stand before the instruction."""

_LINE_START = r"\n\s*(?:[*_]+|#+[^\S\n]+)?"

REMARK = _words(
    rf"{_LINE_START}(?:"
    r"(?:please )?(?:let me know|feel free)|i hope|hope (?:this|that|it)\b|would you like|do you want me"
    r"|is there anything"
    r"|don['’]t hesitate|if you\b[^\n]{0,80}\b(?:let me know|feel free|just ask|tell me|i can|questions|my help)\b"
    r"|this (?:[\w-]+ )?(?:instruction|prompt|version|wording|phrasing|rewrite)\b"
    r"|these instructions (?:are|ask|will|cover)\b"
    r"|this (?:works|captures|matches|fits|explains|describes|ensures|is (?:because|good|how|why|what))\b"
    r"|(?:explanation|reasoning|rationale|justification|why (?:this|it) works|how (?:this|it) works|changes made"
    r"|key (?:changes|improvements|points)|examples? (?:of use|usage))"
    rf"[^\n:：]{{0,30}}(?:{_COLON}|[*_]+[^\S\n]*(?:\n|\Z))"
    r"|i (?:inferred|chose|derived|based|deduced|think|believe|made|kept|came|arrived|wrote|combined|noticed|assumed)\b"
    r"|i['’](?:m|ve|ll|d)\b|alternatively\b|another (?:possible |good )?(?:option|version|instruction|way)\b"
    r"|in (?:each|all|every|both|these|the)[^\n,]{0,30}(?:examples?|cases?|pairs?), the\b"
    r"|the (?:pattern|examples|pairs|demonstrations)\b|the (?:inputs?|outputs?) (?:was|were)\b"
    r"|as (?:seen|shown) in the\b"
    r")"
)
"""The beginning of a remark after the instruction, at the start of a line."""

CLOSING_REMARK = _words(
    r"(?<=[.!?。！？])\s+(?:(?:please )?let me know|i hope (?:this|that|it)|hope this helps"
    r"|feel free to (?:ask|adjust|modify))\b[^\n]*\Z"
)
"""A remark to the reader at the end of the instruction's last line."""

RULE = re.compile(r"\n[^\S\n]*(?:-{3,}|\*{3,}|_{3,}|={3,})[^\S\n]*(?=\n|\Z)")
"""A horizontal rule."""

LABEL_OF_EXAMPLES = _words(rf"\n\s*(?:[*_#>]+\s*)?(?:for )?examples?(?:\s*\d+)?{_COLON}\s*\Z")
"""The label of demonstrations that were cut off."""
