"""Chat templates that print the date."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from instructzero.models.codec import Codec
from tests.models.conftest import CHAT_TEMPLATE, byte_tokenizer

TURNS = [{"role": "user", "content": "Hello."}]


def codec(template: str | dict[str, str]) -> Codec:
    made = Codec()
    made.name, made.tokenizer, made.context = "tiny", byte_tokenizer(chat=False), None
    made.tokenizer.chat_template = template
    return made


@pytest.mark.parametrize(
    ("template", "prints"),
    [
        ('{{ strftime_now("%d %b %Y") }}', True),
        ('{% if strftime_now is defined %}{% set day = strftime_now("%Y-%m-%d") %}{{ day }}{% endif %}', True),
        ('{% macro day() %}{{ strftime_now("%A") }}{% endmacro %}{{ day() }}', True),
        ('{% if messages[0].role == "system" %}{{ strftime_now("%d") }}{% endif %}', True),
        ('{% set day = strftime_now("%d") %}no date', False),
        ('{% if date_string is not defined %}{% set date_string = "26 Jul 2024" %}{% endif %}{{ date_string }}', False),
        (CHAT_TEMPLATE, False),
    ],
)
def test_prints_date_is_true_for_templates_whose_prompts_change_with_the_day(template: str, prints: bool) -> None:
    assert codec(template).prints_date is prints


def test_prints_date_without_a_template_is_false() -> None:
    made = codec("")
    made.tokenizer.chat_template = None
    assert not made.prints_date


@given(day=st.dates(min_value=date(1990, 1, 1)), form=st.sampled_from(["%d %b %Y", "%Y-%m-%d", "%A, %B %-d", "%j %y"]))
def test_render_chat_with_a_date_prints_it_in_the_template_s_form(day: date, form: str) -> None:
    rendered = codec(f'\n  Today: {{{{ strftime_now("{form}") }}}}\n{{{{ messages[0].content }}}}').render_chat(
        TURNS, day.isoformat()
    )
    assert rendered == f"\n  Today: {day.strftime(form)}\nHello."


def test_render_chat_with_a_date_changes_nothing_else() -> None:
    with_date: Any = codec(
        '{% if strftime_now is defined %}{% set day = strftime_now("%d") %}{% endif %}' + CHAT_TEMPLATE
    )
    assert with_date.render_chat(TURNS, "2026-03-09") == with_date.render_chat(TURNS)
    assert codec(CHAT_TEMPLATE).render_chat(TURNS, "2026-03-09") == codec(CHAT_TEMPLATE).render_chat(TURNS)


def test_render_chat_with_a_date_uses_the_default_of_several_templates() -> None:
    several = {"default": '{{ strftime_now("%Y") }}', "tool_use": "none"}
    assert codec(several).render_chat(TURNS, "2026-03-09") == "2026"
