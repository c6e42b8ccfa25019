"""Messages in chat templates that know fewer roles or orders than the prompt has."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

import pytest

from instructzero.models.local_blackbox import HuggingFaceBlackBox
from instructzero.models.registry import load_blackbox
from instructzero.types import Completion, Message, Request
from tests.models.conftest import CHAT_TEMPLATE, byte_tokenizer

SYSTEM, ASKED = Message("system", "Be brief."), Message("user", "Why?")
SHOT = (Message("user", "How?"), Message("assistant", "So."))

NO_SYSTEM = "{% if messages[0].role == 'system' %}{{ raise_exception('System role not supported') }}{% endif %}"
DROPS_SYSTEM = "{% for m in messages if m.role != 'system' %}<bos>{{ m.role }}: {{ m.content }}\n{% endfor %}assistant:"
ALTERNATING = (
    "{% set turns = messages[1:] if messages[0].role == 'system' else messages %}{% for m in turns %}"
    "{% if (m.role == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('must alternate') }}{% endif %}"
    "{% endfor %}"
)
RUN_TOGETHER = "{% for m in messages %}{{ m.content }}{% endfor %}"
FOLDED = "user: Be brief.\n\nWhy?"


def box(folder: Path, tiny_chat: Path, template: str) -> HuggingFaceBlackBox:
    shutil.copytree(tiny_chat, folder / "model")
    tokenizer = byte_tokenizer(chat=True)
    tokenizer.chat_template = template
    tokenizer.save_pretrained(folder / "model")
    return HuggingFaceBlackBox(str(folder / "model"), template="chat")


def shown(model: HuggingFaceBlackBox, *messages: Message) -> str:
    return model._render(messages)[0].replace("<bos>", "")


def answer(model: HuggingFaceBlackBox, *messages: Message, answers: tuple[str, ...] = ()) -> Completion:
    async def run() -> Completion:
        try:
            return await model.complete(Request(messages, max_tokens=2, answers=answers))
        finally:
            await model.close()

    return asyncio.run(run())


@pytest.mark.parametrize(
    ("template", "text"),
    [
        (CHAT_TEMPLATE, "system: Be brief.\nuser: Why?\nassistant:"),
        (NO_SYSTEM + CHAT_TEMPLATE, f"{FOLDED}\nassistant:"),
        (DROPS_SYSTEM, f"{FOLDED}\nassistant:"),
        (ALTERNATING + CHAT_TEMPLATE, "system: Be brief.\nuser: Why?\nassistant:"),
        (RUN_TOGETHER, "Be brief.\n\nWhy?"),
    ],
)
def test_system_message_is_shown_in_every_template(tmp_path: Path, tiny_chat: Path, template: str, text: str) -> None:
    model = box(tmp_path, tiny_chat, template)
    assert shown(model, SYSTEM, ASKED) == text
    changed = "no system role" if FOLDED in text else "without roles" if template == RUN_TOGETHER else ""
    remarks = model.remarks_on((SYSTEM, ASKED))
    assert len(remarks) == bool(changed)
    assert all(changed in remark for remark in remarks)
    assert model.remarks_on((ASKED,)) == []
    assert answer(model, SYSTEM, ASKED).completion_tokens > 0


def test_shots_are_turns_after_the_system_text(tmp_path: Path, tiny_chat: Path) -> None:
    model = box(tmp_path, tiny_chat, NO_SYSTEM + CHAT_TEMPLATE)
    assert shown(model, SYSTEM, *SHOT, ASKED) == "user: Be brief.\n\nHow?\nassistant: So.\nuser: Why?\nassistant:"


def test_two_messages_of_one_role_are_joined_for_a_template_that_alternates(tmp_path: Path, tiny_chat: Path) -> None:
    model = box(tmp_path, tiny_chat, ALTERNATING + CHAT_TEMPLATE)
    asked = (SYSTEM, ASKED, *SHOT, ASKED)
    assert shown(model, *asked) == "system: Be brief.\nuser: Why?\n\nHow?\nassistant: So.\nuser: Why?\nassistant:"
    assert any("two messages of one role" in remark for remark in model.remarks_on(asked))
    assert model.remarks_on((SYSTEM, ASKED)) == []


def test_model_without_chat_template_reads_the_contents(tiny_llama: Path) -> None:
    model = HuggingFaceBlackBox(str(tiny_llama))
    assert shown(model, SYSTEM, *SHOT, ASKED) == "Be brief.\n\nHow?\n\nSo.\n\nWhy?"
    assert "without roles" in model.remarks_on((SYSTEM, ASKED))[0]
    assert shown(model, ASKED) == "Why?"
    assert model.remarks_on((ASKED,)) == []


def test_embedded_black_box_reads_messages_apart() -> None:
    model = load_blackbox("embedded:blackbox")
    assert isinstance(model, HuggingFaceBlackBox)
    assert shown(model, SYSTEM, ASKED) == "Be brief.\n\nWhy?"
    assert shown(model, ASKED) == "Why?"


def test_likelihood_is_that_of_the_folded_messages(tmp_path: Path, tiny_chat: Path) -> None:
    model = box(tmp_path, tiny_chat, NO_SYSTEM + CHAT_TEMPLATE)
    folded = answer(model, Message("user", "Be brief.\n\nWhy?"), answers=("x",)).likelihood
    again = HuggingFaceBlackBox(str(tmp_path / "model"), template="chat")
    assert answer(again, SYSTEM, ASKED, answers=("x",)).likelihood == pytest.approx(folded)
