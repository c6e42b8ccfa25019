"""Values of strangers, and damage to bytes and to values; every function takes its own source of chance."""

from __future__ import annotations

import json
from random import Random
from typing import Any

TEXTS = (
    "", " ", "\0", "a\0b", "\ufeff", "\ud800", "x" * 255, "x" * 256, "é" * 128, "../../etc/passwd", "/", "~", "-", "--", "%s%n",
    "{", "}", "{input}", "{{", "{0.__class__}", "\r\n", "\x1b[31m", "\u202e", "nan", "inf", "-1", "1e400", "9" * 5000, "0x" + "f" * 50,
    "2026-03-09", "1:30", "true", "null", "~/x", "a: b", "[", "{a: ", "*a", "&a b", "!!python/object:os.system x", "<<", "=",
    "\N{COMBINING ACUTE ACCENT}" * 30, "a" * 20000, "\n" * 3000, "\u2028", "=1+1", "<script>", "&amp;", "]]>", "\\", "'", '"', "`", "```",
    "regex:(a+)+$", "regex:(", "numeric:nan", "choice:|", "0.5*f1+", "json:", "1e999*f1", "python:os:getcwd", "hf:", "hf:#:", "openai:",
    "scripted:echo", "http://", "http://[::1", "http://x:99999", "http://a:b@c", "env:X", "X:env:Y", "٣", "１２", "𝟗",
)  # fmt: skip
NUMBERS = (
    0, -1, 1, 2, 3, 255, 2**31 - 1, 2**31, 2**32, 2**53 + 1, 2**63, 2**64, -(2**63), 10**20, 10**50, 0.0, -0.0, 0.5, 1e-320, 1e308,
    float("inf"), float("-inf"), float("nan"), 21202, 10**9,
)  # fmt: skip
YAML = (
    "2026-03-09", "2026-99-99", "2026-03-09T10:11:12Z", "1:30", "0x" + "f" * 60, "9" * 5000, ".inf", "-.inf", ".nan", "1e5", "1_000", "0o7",
    "017", "0b1", "!!binary aGFsbG8=", "!!set {a}", "!!omap [a: 1]", "!!timestamp 2026-03-09", "!!python/name:os.system", "!!int x",
    "!!float ''", "!!bool maybe", "!!null [1]", "!!str {a: 1}", "!x y", "&a [*a]", "*nobody", "&a 1", "{<<: *nobody}", "{<<: 5}", "[" * 60,
    "[" * 5000, "{a: " * 60, "- " * 60, "? " * 60, '"\\UFFFFFFFF"', '"\\ud800"', '"\\0"', "'", '"', "|", ">", "|9", "@", "`", "%", "=", "~",
    "null", "yes", "{}", "[]", "[1, [2, [3]]]", "{a: {b: {c: 1}}}", "{1: 2}", "{[1]: 2}", "{null: 1}", "{a: 1, a: 2}", "\t", "---", "...",
    "a: b: c", "\x07", "\u2028", "- a\n  - b", "{a: !!binary x}",
)  # fmt: skip


def text(random: Random) -> str:
    """Return a text."""
    return random.choice(TEXTS) if random.random() < 0.8 else "".join(random.choice(TEXTS)[:60] for _ in range(3))


def value(random: Random, depth: int = 3) -> Any:
    """Return a value of JSON, in which anything may stand anywhere."""
    kind = random.randrange(8 if depth else 5)
    if kind < 2:
        return text(random)
    if kind < 4:
        return random.choice(NUMBERS)
    if kind == 4:
        return random.choice((None, True, False))
    if kind == 5:
        return {text(random): value(random, depth - 1) for _ in range(random.randrange(4))}
    if kind == 6:
        return [value(random, depth - 1) for _ in range(random.randrange(4))]
    return nested(random)


def nested(random: Random) -> Any:
    """Return lists in one another."""
    found: Any = 1
    for _ in range(random.choice((20, 200, 900))):
        found = [found] if random.random() < 0.5 else {"a": found}
    return found


def changed(random: Random, original: Any) -> Any:
    """Return a value of JSON with one place changed: replaced, removed, doubled, or of another type."""
    if isinstance(original, dict) and original and random.random() < 0.9:
        name = random.choice(list(original))
        chance = random.random()
        if chance < 0.15:
            return {key: held for key, held in original.items() if key != name}
        if chance < 0.25:
            return {**original, text(random): value(random)}
        return {**original, name: changed(random, original[name])}
    if isinstance(original, list) and original and random.random() < 0.9:
        place = random.randrange(len(original))
        chance = random.random()
        if chance < 0.15:
            return original[:place] + original[place + 1 :]
        if chance < 0.3:
            return original[:place] + original[place : place + 1] * random.choice((2, 50)) + original[place:]
        return [*original[:place], changed(random, original[place]), *original[place + 1 :]]
    if isinstance(original, int) and random.random() < 0.5:
        return original + random.choice((-1, 1, -1000, 10**12, 0.5))
    if isinstance(original, str) and random.random() < 0.3:
        return original + text(random)
    return value(random)


def damaged(random: Random, content: bytes) -> bytes:
    """Return bytes with one damage: cut, swapped, doubled, flipped, or with foreign bytes among them."""
    lines = content.splitlines(keepends=True) or [b""]
    place, at = random.randrange(len(lines)), random.randrange(len(content) + 1)
    return random.choice((
        lambda: content[:at],
        lambda: b"",
        lambda: b"".join([*lines[:place], *lines[place + 1 :]]),
        lambda: b"".join([*lines[:place], lines[place], *lines[place:]]),
        lambda: b"".join(random.sample(lines, len(lines))),
        lambda: content[:at] + bytes([random.randrange(256)]) + content[at + 1 :],
        lambda: content[:at] + random.choice((b"\0", b"\xff\xfe", b"\xef\xbb\xbf", b"\r", b"\x80", b"\xed\xa0\x80")) + content[at:],
        lambda: random.choice((b"\xef\xbb\xbf", b"\xff\xfe", b"\xff\xfe\0\0", b"\x1f\x8b", b"PK\x03\x04", b"PAR1")) + content,
        lambda: content.replace(b"\n", b"\r\n"),
        lambda: content.decode("utf-8", "replace").encode("utf-16"),
        lambda: random.randbytes(random.choice((1, 100, 5000))),
        lambda: content + text(random).encode("utf-8", "surrogatepass"),
        lambda: content * 3,
        lambda: b"\0" * 4096,
        lambda: b"[" * random.choice((900, 100_000)),
    ))()  # fmt: skip


def yaml_text(random: Random, settings: dict[str, Any]) -> str:
    """Return keys and values as YAML, some of them hostile, sometimes with damage to the whole."""
    lines = []
    for name, held in settings.items():
        lines.append(f"{name}: {_yaml_value(random, held)}")
    for _ in range(random.choice((0, 0, 1, 2))):
        lines.append(random.choice((random.choice(YAML), f"{text(random)}: {random.choice(YAML)}", _bomb(random))))
    random.shuffle(lines)
    return "\n".join(lines) + "\n"


def _yaml_value(random: Random, held: Any) -> str:
    chance = random.random()
    if chance < 0.7:
        return json.dumps(held)
    if chance < 0.9:
        return random.choice(YAML)
    return json.dumps(value(random))


def _bomb(random: Random) -> str:
    width, depth = random.choice((2, 10)), random.choice((3, 12, 40))
    lines = ["a0: &a0 [x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * width)}]" for i in range(1, depth)]
    return "\n".join(lines)
