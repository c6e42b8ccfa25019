r"""The assertions of promptfoo that are closest to the metrics of a run, as JavaScript.

They read the usual forms of an answer: thoughts, a fence, quotes and "The answer is" are left out. The metrics
themselves know more forms. No code holds ``{{``, ``{%`` or ``{#``, which promptfoo would take for a template.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

from instructzero.tasks import Metric

_HEAD = r"""const answers = context.test.metadata.answers;
const said = String(output).replace(/^[^]*<\/(?:think|thinking|thought|thoughts|reasoning)>/i, '').trim();
const forms = [said];
for (const inside of [
  /^[^]*```[^\n]*\n([^]*?)\s*```/,
  /^[^]*\b(?:answer|output|label|result)(?: is)?\s*[:=]?\s*([^\n]+?)\.?$/i,
  /^["'`*_“‘(]+([^]+?)["'`*_”’)]+\.?$/,
]) {
  for (const form of [...forms]) {
    const found = form.match(inside);
    if (found) forms.push(found[1].trim());
  }
}
"""

_WORDS = r"""const words = (text) => (text.normalize('NFKC').toLowerCase()
  .replace(/(\d),(?=\d\d\d(?!\d))/g, '$1')
  .match(/(?<!\w)-?\d+(?:\.\d+)?|[\p{L}\p{M}\p{N}]+[+#]*/gu) || []).filter((word) => word !== 'and');
"""

_SPACED = r"""const unspaced = new RegExp('[' + ['Han', 'Hiragana', 'Katakana', 'Hangul', 'Thai', 'Lao',
  'Khmer', 'Myanmar'].map((script) => `\\p{Script=${script}}`).join('') + ']', 'u');
const phrase = (text) => unspaced.test(text) ? words(text).join(' ') : ` ${words(text).join(' ')} `;
"""

_RESULT = r"""return { pass: score === 1, score, reason: `score ${score}, accepted: ${answers.join(' | ')}` };
"""

_SAME_TEXT = r"""const begins = (form) => form.split(/[\r\n]+|[.!?](?=\s|$)/)[0];
const same = (one, other) => words(other).length
  ? words(one).join(' ') === words(other).join(' ')
  : one.trim().toLowerCase() === other.trim().toLowerCase();
const score = Number(answers.some((answer) => forms.some((form) => same(form, answer) || same(begins(form), answer))));
"""

_SAME_CHARACTERS = r"""const plain = (text) => text.normalize('NFC').trim().replace(/\r\n?/g, '\n');
const all = [String(output), ...forms].map(plain);
const score = Number(answers.some((answer) => all.includes(plain(answer))));
"""

_CONTAINED = r"""const score = Number(answers.some((answer) => words(answer).length
  ? ` ${words(said).join(' ')} `.includes(phrase(answer))
  : answer.trim() ? said.includes(answer.trim()) : !said));
"""

_CHOSEN = r"""const options = [...new Set([...LABELS, ...answers])].sort((one, other) => other.length - one.length);
const named = (form) => {
  const whole = options.filter((option) => phrase(option).trim() === words(form).join(' '));
  if (whole.length) return whole;
  let text = ` ${words(form).join(' ').replace(/(?<!\p{L})(?:not|isn t|never) (?:an? |the )?/gu, 'not ')} `;
  return options.filter((option) => {
    text = text.split(` not${phrase(option)}`).join(' ');
    const parts = text.split(phrase(option));
    text = parts.join(' | ');
    return parts.length > 1;
  });
};
const accepted = answers.map(phrase);
const right = (found) => found.length > 0 && found.every((option) => accepted.includes(phrase(option)));
const inner = [...forms].reverse().map(named).find((found) => found.length === 1);
const score = Number(right(inner || named(said)));
"""

_F1 = r"""const f1 = (one, other) => {
  const rest = [...other];
  const common = one.filter((word) => rest.includes(word) && rest.splice(rest.indexOf(word), 1)).length;
  return one.length + other.length ? 2 * common / (one.length + other.length) : 1;
};
const score = Math.max(...answers.flatMap((answer) => forms.map((form) => f1(words(form), words(answer)))));
"""

_NUMBER = r"""const figures = (text) => text.replace(/(\d),(?=\d\d\d(?!\d))/g, '$1')
  .match(/(?<![\w.])-?\d+(?:\.\d+)?/g) || [];
const number = (text) => {
  const marked = [/####[ \t]*([^\n]*)/g, /\\boxed\{([^}]*)\}/g, /\banswer(?: is|:)\s*([^\n]*)/gi]
    .map((mark) => [...text.matchAll(mark)].pop()).find((found) => found && figures(found[1]).length);
  if (marked) return Number(figures(marked[1])[0]);
  const head = text.trim().split(/\n|\.(?=\s|$)/)[0];
  const begins = figures(head).length === 1 && head.trim().split(/\s+/).length <= 2;
  return Number(figures(begins ? head : text).pop() ?? NaN);
};
const score = Number(answers.some((answer) => Math.abs(number(said) - number(answer)) <= TOLERANCE));
"""

_FIELDS = r"""const parsed = (text) => {
  const inside = text.slice(text.search(/[[{]/), Math.max(text.lastIndexOf('}'), text.lastIndexOf(']')) + 1);
  for (const part of [text, inside]) {
    try {
      return JSON.parse(part);
    } catch (error) {
      continue;
    }
  }
  return text;
};
const lower = (text) => STRICT ? text : text.toLowerCase().split(/\s+/).join(' ').trim();
const plain = (value) => typeof value === 'string' ? lower(value) : value;
const fields = (value, path = []) => value && typeof value === 'object' && Object.keys(value).length
  ? Object.entries(value).flatMap(([key, part]) => fields(part, [...path, key]))
  : [[JSON.stringify(path), JSON.stringify(plain(value))]];
const share = (one, other) => {
  const [stated, expected] = [new Map(fields(one)), new Map(fields(other))];
  const right = [...expected].filter(([path, value]) => stated.get(path) === value).length;
  return right / new Set([...stated.keys(), ...expected.keys()]).size;
};
const best = Math.max(...answers.map((answer) => share(parsed(said), parsed(answer))));
const score = STRICT ? Number(best === 1) : best;
"""

_EXTRACTED = r"""const pattern = new RegExp(PATTERN, FLAGS);
const extracted = (text) => { const found = text.match(pattern); return found ? found[1] ?? found[0] : null; };
const same = (one, other) => words(one).join(' ') === words(other).join(' ');
const score = Number(answers.some((answer) => extracted(said) !== null
  && same(extracted(said), extracted(answer) ?? answer)));
"""

KNOWN = {
    **dict.fromkeys(("choice", "macro_f1", "balanced_accuracy", "mcc"), _WORDS + _SPACED + _CHOSEN),
    **dict.fromkeys(("verbatim", "code"), _SAME_CHARACTERS),
    "exact_match": _WORDS + _SAME_TEXT,
    "contains": _WORDS + _SPACED + _CONTAINED,
    "f1": _WORDS + _F1,
    "numeric": _NUMBER,
    "json": _FIELDS,
    "regex": _WORDS + _EXTRACTED,
}
"""The code by the name of the metric; answers of other metrics are compared as by ``exact_match``."""


def check(metric: str, bound: Metric | None) -> str:
    """Return the body of a function (output, context) in JavaScript, which grades an answer.

    Parameters
    ----------
    metric
        The specification of the metric of the run.
    bound
        The metric itself, which knows the labels of all examples; None if the examples are not known.
    """
    name, _, parameter = metric.partition(":")
    code = KNOWN.get(name, KNOWN["exact_match"])
    values = {
        "LABELS": list(labels(bound)),
        "TOLERANCE": float(parameter or 0) if name == "numeric" else 0.0,
        "STRICT": parameter == "strict",
        "PATTERN": _pattern(parameter),
        "FLAGS": "iu" if parameter.startswith("(?i)") else "u",
    }
    names = re.compile(rf"\b(?:{'|'.join(values)})\b")
    return _HEAD + names.sub(lambda found: _literal(values[found[0]]), code) + _RESULT


def labels(metric: Metric | None) -> Sequence[str]:
    """Return the options among which answers choose, as far as ``metric`` has any."""
    options: Sequence[str] = getattr(getattr(metric, "choice", metric), "options", ())
    return options


def _pattern(pattern: str) -> str:
    """Return a regular expression of Python as JavaScript writes it, as far as they differ in names and flags."""
    return re.sub(r"\(\?P=(\w+)\)", r"\\k<\1>", re.sub(r"^\(\?i\)", "", pattern).replace("(?P<", "(?<"))


def _literal(value: object) -> str:
    """Return a value as JavaScript, without braces that promptfoo could take for a template."""
    return json.dumps(value).replace("{", "\\u007b")
