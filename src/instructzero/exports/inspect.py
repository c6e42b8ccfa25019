"""Export of a run as a task of Inspect (``inspect_ai``): the messages, the test examples, and the metric of the run.

Every text of the run is written with ``repr``, so that no text can break out of its string literal.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Mapping
from typing import Any

from instructzero.config import Settings
from instructzero.exports.access import deployment_of
from instructzero.exports.asking import Asking
from instructzero.exports.prompt import values_of
from instructzero.exports.python import prompt_code
from instructzero.tasks import Metric, Task, is_judged
from instructzero.types import Example

_FILE = "inspect_task.py"


def inspect_program(asking: Asking, task: Task | None, metric: str, settings: Settings) -> str:
    """Return a Python module with one Inspect task, whose score is the test score of the run.

    Its scorer is the metric of the run where instructzero is installed, and else Inspect's closest one.

    Parameters
    ----------
    asking
        The instruction and the way in which it is asked.
    task
        The data of the run, None if they cannot be loaded.
    metric
        The specification of the metric.
    settings
        The settings of the run, for its judge.
    """
    tests = task.test if task else ()
    examples = "".join(f"    {_row(asking, example)!r},\n" for example in tests)
    judged = is_judged(metric)
    as_a_set = bool(task and task.metric.scores_sets)
    return f'''{"".join(_head(asking, settings, has_tests=bool(tests), judged=judged))}
{_imports(asking, metric, judged=judged, as_a_set=as_a_set)}

{prompt_code(asking)}

EXAMPLES = [
{examples}]

{_judge(settings) if judged else _metric(task, metric)}

{_set_score(metric) if as_a_set else ""}{_JUDGING if judged else _SCORING % _measures(metric, as_a_set=as_a_set)}

def sample(number, example):
    """Return an example with the messages that the model reads."""
    return Sample(id=number, input={_input(asking)}, target=example["answers"])


@task
def instructzero_prompt():
    """Test the instruction that instructzero found."""
    return Task(
        dataset=MemoryDataset([sample(number, example) for number, example in enumerate(EXAMPLES)]),
        solver=generate(),
        scorer=run_metric() if get_metric else {_closest(metric)}(),
        config=GenerateConfig({", ".join(_config(asking))}),
    )
'''


def _row(asking: Asking, example: Example) -> dict[str, Any]:
    """Return an example as a dict: the texts of its fields, and the columns that a metric may read."""
    fields = {} if asking.prompt.takes_text else {"fields": values_of(example, asking.prompt.fields)}
    columns = _finite(example.columns)
    further = {"columns": columns} if columns != fields.get("fields", {}) else {}
    return {"input": example.input, **fields, "answers": list(example.outputs), **further}


def _finite(columns: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of columns, with None for numbers that have no literal: NaN and the infinities."""
    values: dict[str, Any] = json.loads(json.dumps(dict(columns)), parse_constant=lambda name: None)
    return values


def _input(asking: Asking) -> str:
    """Return the expression of the messages of an ``example``: Inspect sends chats only."""
    given = 'example["input"]' if asking.prompt.takes_text else 'example["fields"]'
    if not asking.chat or asking.prompt.is_simple:
        return f"[ChatMessageUser(content=prompt({given}))]"
    return f'[MESSAGES[message["role"]](content=message["content"]) for message in messages({given})]'


def _head(asking: Asking, settings: Settings, *, has_tests: bool, judged: bool) -> Iterator[str]:
    """Yield the comments: the command, and what differs from the run."""
    words = [*_variables(asking), "inspect", "eval", _FILE, *_model(asking)]
    if judged:
        words += ["--model-role", f"grader={_grader(settings)}"]
    command = " ".join(_word(word) for word in words)
    yield "# The instruction that instructzero found, as an Inspect task. Run it with:\n"
    yield f"#   {''.join(sign if sign.isprintable() else '?' for sign in command)}\n"
    if asking.kind not in _PROVIDERS:
        yield "# Set your model: Inspect has none like that of the run.\n"
    elif asking.kind in _KEYS and (asking.access.own_key or not asking.official):
        yield "# Inspect wants an API key also where the server needs none: set the variable to any text.\n"
    if not asking.chat:
        yield "# Inspect sends a message of the user where the run sent a plain text.\n"
    if asking.access.query and asking.kind == "anthropic":
        yield "# Inspect sends no query: it needs another address than the run had.\n"
    if settings.scoring == "loglikelihood":
        yield "# The run scored by likelihood; here answers are generated and scored by the metric.\n"
    if not has_tests:
        yield "# The test examples of the run are not available here: add examples of your own.\n"


def _variables(asking: Asking) -> Iterator[str]:
    """Yield the variables that the command sets."""
    access = asking.access
    resource, _ = deployment_of(asking.endpoint)
    if access.in_header and resource:
        yield f"AZUREAI_OPENAI_BASE_URL={resource}"
        yield f"AZUREAI_OPENAI_API_VERSION={access.version}"
        yield f"AZUREAI_OPENAI_API_KEY=${access.variable}"
    elif access.named and asking.kind in _KEYS and (asking.official or asking.kind == "anthropic"):
        yield f"{_KEYS[asking.kind]}=${access.variable}"


def _model(asking: Asking) -> list[str]:
    """Return the options that name the model."""
    resource, deployment = deployment_of(asking.endpoint)
    if asking.access.in_header and resource:
        return ["--model", f"openai/azure/{deployment}", "-M", "responses_api=false"]
    if asking.kind not in _PROVIDERS:
        return ["--model", "YOUR-MODEL"]
    if asking.kind == "hf":
        return ["--model", "hf/local", "-M", f"model_path={asking.model}"]
    if asking.kind == "openai" and not asking.official:
        return list(_compatible(asking))
    if asking.kind == "openai":
        return ["--model", f"openai/{asking.model}", "-M", "responses_api=false"]
    address = [] if asking.official else ["--model-base-url", asking.endpoint]
    return ["--model", f"{asking.kind}/{asking.model}", *address]


def _compatible(asking: Asking) -> Iterator[str]:
    """Yield the options of a server with OpenAI's API, which Inspect asks otherwise than OpenAI's own."""
    yield from ("--model", f"openai-api/server/{asking.model}", "--model-base-url", asking.endpoint)
    yield from ("-M", f"api_key_var={asking.access.variable}")
    if asking.access.query:
        yield from ("-M", f"default_query={json.dumps(dict(asking.access.query))}")


def _word(word: str) -> str:
    """Return a word of the command, which may read a variable of the environment."""
    name, equals, value = word.partition("=")
    if equals and value.startswith("$") and value[1:].isidentifier():
        return f'{name}="{value}"'
    return shlex.quote(word)


def _grader(settings: Settings) -> str:
    kind, _, model = (settings.judge or "").partition(":")
    return f"{kind}/{model}" if kind in _KEYS else "YOUR-MODEL"


_KEYS = {"openai": "OPENAI_API_KEY", "anthropic": "ANTHROPIC_API_KEY"}
_PROVIDERS = {*_KEYS, "hf"}


def _imports(asking: Asking, metric: str, *, judged: bool, as_a_set: bool) -> str:
    """Return the imports."""
    turns = {turn.role for turn in asking.prompt.turns}
    several = asking.chat and not asking.prompt.is_simple
    classes = {role: f"ChatMessage{role.title()}" for role in sorted(turns)} if several else {"user": "ChatMessageUser"}
    reads_environment = any(header.variable for header in asking.access.headers)
    of_sets = ["SampleScore", "metric"] if as_a_set else []
    scorers = ["Score", *of_sets, "accuracy", _closest(metric), "scorer", "stderr"]
    models = [*classes.values(), "GenerateConfig", *(["get_model"] if judged else [])]
    if judged and not several:
        models = sorted({*models, "ChatMessageUser"})
    table = ", ".join(f'"{role}": {name}' for role, name in classes.items())
    return f"""{"import os" + chr(10) * 2 if reads_environment else ""}from inspect_ai import Task, task
from inspect_ai.dataset import MemoryDataset, Sample
from inspect_ai.model import {", ".join(dict.fromkeys(models))}
from inspect_ai.scorer import {", ".join(scorers)}
from inspect_ai.solver import generate

try:
    from instructzero import Example
    from instructzero.tasks import get_metric
except ImportError:  # Inspect's closest scorer is used
    get_metric = None
{f"{chr(10)}MESSAGES = {{{table}}}{chr(10)}" if several else ""}"""


def _config(asking: Asking) -> Iterator[str]:
    """Yield the arguments of the parameters of a request."""
    yield f"max_tokens={asking.max_tokens}"
    yield f"temperature={asking.temperature!r}"
    if asking.access.headers:
        items = ", ".join(f"{header.name!r}: {header.expression}" for header in asking.access.headers)
        yield f"extra_headers={{{items}}}"
    if asking.access.extra_body:
        yield f"extra_body={dict(asking.access.extra_body)!r}"


def _metric(task: Task | None, metric: str) -> str:
    """Return the code of the metric, which the answers of all examples prepare."""
    return f'''METRIC = {metric!r}
ANSWERS = {_further_answers(task)!r}  # of the other examples of the run, if the metric depends on them


def known(example):
    """Return an example as the metric takes it."""
    return Example(example["input"], tuple(example["answers"]), example.get("columns", example.get("fields")))


def prepared():
    """Return the metric of the run."""
    examples = [known(example) for example in EXAMPLES]
    return get_metric(METRIC).bind([*examples, *(Example("", (answer,)) for answer in ANSWERS)])
'''


def _further_answers(task: Task | None) -> list[str]:
    """Return the accepted answers outside of the test examples, [] if the metric does not depend on them."""
    if task is None or _unbound(task.metric).bind(task.test) == task.metric:
        return []
    found = {answer for example in task.test for answer in example.outputs}
    others = (*task.exemplars, *task.validation, *task.confirmation)
    return list(dict.fromkeys(answer for example in others for answer in example.outputs if answer not in found))


def _unbound(metric: Metric) -> Metric:
    """Return the metric before it was bound; one that is code is not loaded and does not depend on the examples."""
    from instructzero.tasks.custom import unloaded_function
    from instructzero.tasks.specifications import get_metric

    return get_metric(metric.name, unloaded_function)


def _measures(metric: str, *, as_a_set: bool) -> str:
    return "set_score(), accuracy()" if as_a_set else "accuracy(), stderr()"


_SCORING = '''@scorer(metrics=[%s])
def run_metric():
    """Score an answer as the run did."""
    metric = prepared()

    async def score(state, target):
        answer = state.output.completion
        grade = metric.grade(answer, known(EXAMPLES[state.sample_id]))
        return Score(value=grade.score, answer=answer, explanation=grade.remark or None)

    return score
'''


def _set_score(metric: str) -> str:
    """Return the code of the score of all answers together."""
    return f'''@metric(name={metric!r})
def set_score():
    """Score all answers together, as the run did."""

    def compute(scores: list[SampleScore]):
        examples = [known(EXAMPLES[one.sample_id]) for one in scores]
        return prepared().outcomes([one.score.answer for one in scores], examples).value

    return compute


'''


def _judge(settings: Settings) -> str:
    return f"CRITERIA = {settings.judge_criteria!r}\nTOKENS = {settings.judge_tokens}\n"


_JUDGING = '''@scorer(metrics=[accuracy(), stderr()])
def run_metric():
    """Score an answer by the grade of the model in the role "grader", with the request of the run."""
    from instructzero.scoring.judge import JudgeMetric
    from instructzero.tasks.answers.forms import without_thoughts

    judge = JudgeMetric(CRITERIA, TOKENS)

    async def score(state, target):
        answer = without_thoughts(state.output.completion)
        example = EXAMPLES[state.sample_id]
        request = judge.request(Example(example["input"], tuple(example["answers"])), answer)
        asked = [ChatMessageUser(content=message.content) for message in request.messages]
        config = GenerateConfig(max_tokens=TOKENS, temperature=0.0)
        reply = await get_model(role="grader").generate(asked, config=config)
        return Score(value=judge.read(reply.completion) or 0.0, answer=answer, explanation=reply.completion)

    return score
'''


def _closest(metric: str) -> str:
    """Return the name of Inspect's scorer that is closest to the metric."""
    name = metric.partition(":")[0]
    if name in ("contains", "choice", "macro_f1", "balanced_accuracy", "mcc", "numeric"):
        return "includes"
    return {"f1": "f1", "judge": "model_graded_qa"}.get(name, "exact")
