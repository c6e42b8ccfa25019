"""The configuration of promptfoo holds the messages, the model and the test examples of the run."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from typing import Any

import pytest
import yaml
from hypothesis import given, settings

from instructzero.exports.access import Access, Header
from instructzero.exports.asking import Asking
from instructzero.exports.promptfoo import promptfoo_config
from instructzero.tasks import Metric, get_metric
from instructzero.types import Example
from tests.exports.askings import ASKINGS, HOSTILE, MAIL, MAIL_SHOTS, MAILS, make_asking

TESTS = (Example("cat", ("tac",)), Example("dog", ("god", "gods")))
needs_node = pytest.mark.skipif(shutil.which("node") is None, reason="needs node")


def load(text: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(text.encode("utf-8"))
    return found


def rendered(prompt: str, variables: dict[str, str]) -> list[dict[str, str]]:
    """Render a JSON chat as promptfoo does: every text in it by itself. Jinja has the syntax of nunjucks."""
    jinja2 = pytest.importorskip("jinja2")
    environment = jinja2.Environment(keep_trailing_newline=True, newline_sequence="\n")
    chat = json.loads(prompt)
    return [
        {"role": turn["role"], "content": environment.from_string(turn["content"]).render(variables)} for turn in chat
    ]


@settings(deadline=None)
@given(HOSTILE, MAILS, MAIL_SHOTS)
def test_prompt_renders_as_the_messages_of_the_run(
    instruction: str, mail: dict[str, str], shots: tuple[Example, ...]
) -> None:
    asking = make_asking(instruction=instruction, template=MAIL, shots=shots)
    (prompt,) = load(promptfoo_config(asking, (), "exact_match"))["prompts"]
    found = rendered(prompt, {"subject": mail["subject"], "e_mail_text": mail["e-mail text"]})
    expected = asking.prompt.messages(instruction, mail)
    # Jinja, unlike nunjucks, makes one kind of line break of all.
    assert [plain(turn["content"]) for turn in found] == [plain(message.content) for message in expected]
    assert [turn["role"] for turn in found] == [message.role for message in expected]


def plain(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


@settings(deadline=None)
@given(ASKINGS)
def test_configuration_with_hostile_texts_is_read_back(asking: Asking) -> None:
    found = load(promptfoo_config(asking, TESTS, "exact_match"))
    assert [test["vars"] for test in found["tests"]] == [{"input": "cat"}, {"input": "dog"}]
    assert found["providers"][0]["config"]["temperature"] == asking.temperature


def test_provider_is_the_model_of_the_run() -> None:
    own = make_asking(endpoint="http://h/v1", official=False)
    assert load(promptfoo_config(own, TESTS, "verbatim"))["providers"] == [
        {
            "id": "openai:chat:gpt-4o-mini",
            "config": {"temperature": 0.0, "max_tokens": 64, "apiBaseUrl": "http://h/v1"},
        }
    ]
    assert load(promptfoo_config(make_asking(kind="anthropic"), (), "f1"))["providers"][0]["id"].startswith("anthropic")
    assert "Set your model under providers" in promptfoo_config(make_asking(kind="hf"), (), "f1")


def test_examples_that_promptfoo_would_change_are_left_out() -> None:
    texts = ("file:///etc/passwd", "package:x:y", "{{env.KEY}}", "{% raw %}", "last line\n")
    tests = (*TESTS, *(Example(text, ("a",)) for text in texts), Example("ok", ("file://a", "{{b}}")))
    written = promptfoo_config(make_asking(), tests, "contains")
    assert [test["vars"]["input"] for test in load(written)["tests"]] == ["cat", "dog", "ok"]
    assert load(written)["tests"][-1]["metadata"] == {"answers": ["file://a", "{{b}}"]}  # nothing reads metadata
    assert "# 5 test examples are left out" in written


CASES = {
    "exact_match": [
        (("Tac",), " tac.\n"),
        (("tac",), "cat"),
        (("tac",), "**Tac**"),
        (("tac",), "The answer is tac."),
        (("tac",), "<think>cat? tac?</think>\ntac"),
        (("paris", "Paname"), "Paris. It is the capital."),
        (("ninety-four",), "Ninety four"),
        (("5",), "-5"),
        (("?",), "!"),
        (("猫",), "猫。"),
        (("it's {{x}} \\ `y`",), "it's {{x}} \\ `y`"),
    ],
    "verbatim": [
        (("a", "{b"), "{b"),
        (("a", "b"), "B"),
        (("C#",), "C#\r\n"),
        (("x;",), "```js\nx;\n```"),
        (("x",), "`x`"),
    ],
    "contains": [
        (("5",), "15"),
        (("5",), "It is 5."),
        (("5",), "-5"),
        (("5",), "5.2"),
        (("new york",), "It is in New York, I think"),
        (("cat",), "concatenate"),
        (("猫",), "这是猫"),
        (("C",), "C++"),
    ],
    "choice:yes|no|not sure": [
        (("yes",), "Yes."),
        (("yes",), "Yes or no"),
        (("no",), "It is not yes, it is no"),
        (("not sure",), "I am not sure"),
        (("yes",), "The answer is: yes"),
        (("yes",), "maybe"),
        (("yes",), "Label: **yes**"),
        (("no",), "nothing"),
    ],
    "macro_f1": [(("ham",), "This is ham, clearly."), (("ham",), "spam"), (("spam",), "It isn't spam.")],
    "numeric": [
        (("1,005",), "That makes 1005.0"),
        (("3",), "none"),
        (("26",), "First 5 + 8 = 13. Twice that is 26."),
        (("26",), "#### 26"),
        (("26",), "So \\boxed{26} and not 27"),
        (("5 + 8 = 13\n2 * 13 = 26\n#### 26",), "The answer is 26."),
        (("42",), "42. It has 2 digits"),
        (("7",), "<think>7</think>8"),
    ],
    "numeric:0.5": [(("3",), "It is 3.4"), (("3",), "It is 3.6")],
    "json": [
        (('{"name": "Ann", "age": 7}',), '{"age": 7.0, "name": "ann"}'),
        (('{"name": "Ann", "age": 7}',), '{"age": 7}'),
        (('{"name": "Ann", "age": 7}',), 'Here it is:\n```json\n{"age": "7", "name": "Ann"}\n```'),
        (('{"a": {"b": [1, {"c": null}], "d": {}}}',), '{"a": {"d": {}, "b": [1, {"c": null}]}} as asked'),
        (('{"a": [1, 2]}',), '{"a": [2, 1], "x": 1}'),
        (('{"a": 1}',), "none"),
    ],
    "json:strict": [(('{"a": "B"}',), '{"a": "b"}'), (('{"a": "B"}',), '{"a": "B"}')],
    "regex:#### (.+)": [(("7",), "3 and 4 make 7. #### 7"), (("#### 7",), "7"), (("8",), "#### 7")],
    "regex:(?i)(?P<said>yes|no)": [(("yes",), "YES!"), (("no",), "none")],
    "f1": [(("the red cat",), "a red cat"), (("the red cat",), "The red cat."), (("a a b",), "a b b"), (("x",), "y")],
}


@pytest.fixture(scope="module")
def grades() -> dict[str, list[dict[str, Any]]]:
    """Grade the answers of `CASES` by the assertions, in one process of node."""
    codes = {metric: assertion(metric, bound(metric)) for metric in CASES}
    cases = [
        (metric, {"code": codes[metric], "output": output, "answers": answers})
        for metric, those in CASES.items()
        for answers, output in those
    ]
    script = """const cases = JSON.parse(require('fs').readFileSync(0, 'utf8'));
const graded = ({ code, output, answers }) => new Function('output', 'context', code)(
  output, { test: { metadata: { answers } } });
console.log(JSON.stringify(cases.map(graded)));"""
    asked = json.dumps([case for _, case in cases])
    done = subprocess.run(["node", "-e", script], input=asked, capture_output=True, check=True, text=True)
    found: dict[str, list[dict[str, Any]]] = {metric: [] for metric in CASES}
    for (metric, _), grade in zip(cases, json.loads(done.stdout), strict=True):
        found[metric].append(grade)
    return found


def bound(metric: str) -> Metric:
    return get_metric(metric).bind(Example("x", answers) for answers, _ in CASES[metric])


def assertion(metric: str, bound: Metric) -> str:
    code: str = load(promptfoo_config(make_asking(), TESTS, metric, bound))["defaultTest"]["assert"][0]["value"]
    return code


@needs_node
@pytest.mark.parametrize("metric", CASES)
def test_assertion_gives_the_score_of_the_metric(metric: str, grades: dict[str, list[dict[str, Any]]]) -> None:
    known = bound(metric)
    expected = [known(output, answers) for answers, output in CASES[metric]]
    assert [grade["score"] for grade in grades[metric]] == pytest.approx(expected)
    assert [grade["pass"] for grade in grades[metric]] == [score == 1 for score in expected]


@pytest.mark.parametrize("metric", [*CASES, "regex:{{x}}{%y%}{#z#}", "choice:{{a}}|{% b %}"])
def test_assertion_is_no_template(metric: str) -> None:
    assert not re.search(r"\{[{%#]", assertion(metric, get_metric(metric)))


def test_metric_that_promptfoo_lacks_is_remarked() -> None:
    assert "# Promptfoo has none like it" in promptfoo_config(make_asking(), TESTS, "judge")
    assert "# Promptfoo has none like it" not in promptfoo_config(make_asking(), TESTS, "json:strict")


def test_provider_has_key_headers_and_fields_of_the_run() -> None:
    access = Access(
        variable="LOCAL_KEY",
        named=True,
        headers=(Header("X-Team", "search"), Header("X-Gate", "Token ", "GATE")),
        extra_body={"top_p": 0.5},
    )
    (provider,) = load(promptfoo_config(make_asking(access=access), TESTS, "f1"))["providers"]
    config = provider["config"]
    assert config["apiKeyEnvar"] == "LOCAL_KEY"
    assert config["headers"] == {"X-Team": "search", "X-Gate": "Token {{env.GATE}}"}
    assert config["passthrough"] == {"top_p": 0.5}


def test_provider_of_a_deployment_on_azure_is_azures() -> None:
    access = Access(in_header=True, query=(("api-version", "2024-10-21"),))
    address = "https://mine.openai.azure.com/openai/deployments/small"
    (provider,) = load(promptfoo_config(make_asking(endpoint=address, official=False, access=access), (), "f1"))[
        "providers"
    ]
    assert provider["id"] == "azure:chat:small"
    assert provider["config"]["apiBaseUrl"] == "https://mine.openai.azure.com"
    assert (provider["config"]["apiVersion"], provider["config"]["apiKeyEnvar"]) == ("2024-10-21", "OPENAI_API_KEY")


def test_query_that_promptfoo_cannot_send_is_remarked() -> None:
    access = Access(query=(("v", "7"),))
    assert "Promptfoo sends no query" in promptfoo_config(make_asking(official=False, access=access), (), "f1")
