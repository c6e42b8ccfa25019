"""Export of a run as a Python script that answers new inputs, and as a DSPy program.

Every text of the run is written with ``repr``, so that no text can break out of its string literal.
"""

from __future__ import annotations

from pathlib import Path

from instructzero.exports.asking import Asking
from instructzero.models.adapters import find_adapter
from instructzero.models.gguf import GGUF_SUFFIX, find_gguf

_HEAD = '''"""Answer an input with the instruction that instructzero found.

The input is the command line's arguments, or standard input if there are none.
"""
'''

_MAIN = """

if __name__ == "__main__":
    print(answer(" ".join(sys.argv[1:]) or sys.stdin.read().strip()))
"""


def script(asking: Asking) -> str:
    """Return a Python module with the functions ``prompt(question)`` and ``answer(question)`` that runs as a script.

    It needs the client package of the API that the run asked, transformers for a local model, or the user's own
    function. For any other black box, such as a Python object, ``answer`` returns the prompt.
    """
    imports, model = _MODELS.get(asking.kind, _nothing)(asking)
    return f"{_HEAD}\n{imports}\n\n{_prompt(asking)}\n\n{model}{_MAIN}"


def dspy_program(asking: Asking) -> str:
    """Return a DSPy program: a signature with the instruction, and a predictor with the run's exemplars as demos."""
    demonstrations = "".join(
        f"    dspy.Example(input={shot.input!r}, output={shot.outputs[0]!r}),\n" for shot in asking.shots
    )
    shown = f"predict.demos = [\n{demonstrations}]\n" if demonstrations else ""
    return f'''"""The instruction that instructzero found, as a DSPy signature.

DSPy formats prompts differently from instructzero: scores may differ from those of the run.
"""

import sys

import dspy

INSTRUCTION = {asking.instruction!r}

signature = dspy.Signature("input -> output", INSTRUCTION)
predict = dspy.Predict(signature)
{shown}
if __name__ == "__main__":
{_dspy_model(asking)}
    print(predict(input=" ".join(sys.argv[1:]) or sys.stdin.read().strip()).output)
'''


def _prompt(asking: Asking) -> str:
    prompt = asking.prompt
    return f'''INSTRUCTION = {asking.instruction!r}


def prompt(question: str) -> str:
    """Return the text that the model reads: the prompt with which the search scored the instruction."""
    return {prompt.before!r} + INSTRUCTION + {prompt.between!r} + question + {prompt.after!r}
'''


def _openai(asking: Asking) -> tuple[str, str]:
    method, content, reader = (
        ("chat.completions", 'messages=[{"role": "user", "content": prompt(question)}]', "message.content")
        if asking.chat
        else ("completions", "prompt=prompt(question)", "text")
    )
    imports = "import sys\n\nfrom openai import OpenAI" if asking.official else _with_os("from openai import OpenAI")
    return (
        imports,
        f'''def answer(question: str) -> str:
    """Return the answer of the model; the API key is read from OPENAI_API_KEY."""
    with OpenAI(base_url={asking.endpoint!r}{_key(asking, "OPENAI_API_KEY")}) as client:
        completion = client.{method}.create(
            model={asking.model!r},
            {content},
            {asking.limit}={asking.max_tokens},
            temperature={asking.temperature!r},  # remove for models that do not accept a temperature
        )
    return completion.choices[0].{reader} or ""
''',
    )


def _anthropic(asking: Asking) -> tuple[str, str]:
    client = "from anthropic import Anthropic"
    imports = f"import sys\n\n{client}" if asking.official else _with_os(client)
    return (
        imports,
        f'''def answer(question: str) -> str:
    """Return the answer of the model; the API key is read from ANTHROPIC_API_KEY."""
    with Anthropic(base_url={asking.endpoint!r}{_key(asking, "ANTHROPIC_API_KEY")}) as client:
        message = client.messages.create(
            model={asking.model!r},
            messages=[{{"role": "user", "content": prompt(question)}}],
            max_tokens={asking.max_tokens},
            extra_body={{"temperature": {asking.temperature!r}}},  # remove for models that do not accept a temperature
        )
    return "".join(block.text for block in message.content if block.type == "text")
''',
    )


def _with_os(client: str) -> str:
    return f"import os\nimport sys\n\n{client}"


def _key(asking: Asking, variable: str) -> str:
    """Return the argument for the key: the user's own server may need none, but the client package requires one."""
    return "" if asking.official else f', api_key=os.environ.get("{variable}") or "none"'


def _transformers(asking: Asking) -> tuple[str, str]:
    imports = (
        "import sys\n\nimport torch\nfrom transformers import AutoModelForCausalLM, AutoTokenizer, GenerationConfig"
    )
    if asking.kind == "embedded":
        imports += "\n\nfrom instructzero.models.registry import EMBEDDED_FOLDER"
        loaded = _whole(asking, f"str(EMBEDDED_FOLDER / {asking.model!r})", "")
    elif asking.base:
        imports = imports.replace("torch\n", "torch\nfrom peft import PeftModel\n")
        loaded = _merged(asking)
    else:
        loaded = _whole(asking, *_named(asking.model, asking.revision))
    chat = """    text = tokenizer.apply_chat_template(
        [{"role": "user", "content": text}], tokenize=False, add_generation_prompt=True, enable_thinking=False
    )
"""
    sampling = (
        f"do_sample=True,\n    temperature={asking.temperature!r},\n    top_k=0,"
        if asking.temperature
        else "do_sample=False,"
    )
    return (
        imports,
        f'''DEVICE = "cuda" if torch.cuda.is_available() else "cpu"
{loaded}model.generation_config = GenerationConfig(  # replaces the settings of the checkpoint
    max_new_tokens={asking.max_tokens},
    {sampling}
    eos_token_id=ends,
    pad_token_id=tokenizer.pad_token_id or 0,
)


def answer(question: str) -> str:
    """Return the answer of the model."""
    text = prompt(question)
{chat if asking.chat else ""}    encoded = tokenizer(text, add_special_tokens={not asking.chat}, return_tensors="pt")
    ids = encoded["input_ids"].to(DEVICE)
    mask = encoded["attention_mask"].to(DEVICE)
    with torch.inference_mode():
        row = model.generate(input_ids=ids, attention_mask=mask)[0]
    return tokenizer.decode(row[ids.shape[1] :], skip_special_tokens=True, clean_up_tokenization_spaces=False)
''',
    )


def _named(model: str, revision: str) -> tuple[str, str]:
    """Return the name for transformers' `from_pretrained` as code, and the further arguments with their comma."""
    if file := _gguf(model):
        return repr(str(file.parent)), f", gguf_file={file.name!r}"
    return repr(model), f", revision={revision!r}" if revision else ""


def _whole(asking: Asking, name: str, options: str) -> str:
    """Return the code that loads a model."""
    return f"""MODEL = {name}

tokenizer = AutoTokenizer.from_pretrained(MODEL{options})
model = AutoModelForCausalLM.from_pretrained(MODEL{options}, dtype={asking.dtype!r})
model = model.to(DEVICE).eval()
ends = model.generation_config.eos_token_id or tokenizer.eos_token_id
"""


def _merged(asking: Asking) -> str:
    """Return the code that loads the base model of an adapter and merges the adapter into it."""
    adapter = find_adapter(asking.model, asking.revision or None)
    base, options = _named(adapter.base if adapter else asking.base, asking.base_revision)
    revision = f", revision={asking.revision!r}" if asking.revision else ""
    tokenizer, more = f"BASE{options}", ""
    if adapter and adapter.has_tokenizer:
        tokenizer = f"MODEL{revision}, config=model.config"
        more = """ends = [*(ends if isinstance(ends, list) else [ends]), tokenizer.eos_token_id]
ends = [end for end in ends if end is not None]
"""
    return f"""BASE = {base}
MODEL = {asking.model!r}

model = AutoModelForCausalLM.from_pretrained(BASE{options}, dtype={asking.dtype!r}).to(DEVICE)
tokenizer = AutoTokenizer.from_pretrained({tokenizer})
ends = model.generation_config.eos_token_id or tokenizer.eos_token_id
{more}model = PeftModel.from_pretrained(model, MODEL{revision}, torch_device=DEVICE).merge_and_unload().eval()
"""


def _gguf(model: str) -> Path | None:
    """Return the GGUF file of a local model, which need not exist here any more, or None if it has none."""
    path = Path(model)
    if path.suffix == GGUF_SUFFIX:
        return path
    return find_gguf(model) if path.is_dir() else None


def _function(asking: Asking) -> tuple[str, str]:
    module, _, function = asking.model.partition(":")
    return (
        "import asyncio\nimport importlib\nimport inspect\nimport sys",
        f'''function = getattr(importlib.import_module({module!r}), {function!r})


async def finish(answer):
    return await answer


def answer(question: str) -> str:
    """Return the answer of the function."""
    found = function(prompt(question))
    return asyncio.run(finish(found)) if inspect.isawaitable(found) else found
''',
    )


def _nothing(asking: Asking) -> tuple[str, str]:
    return (
        "import sys",
        '''def answer(question: str) -> str:
    """Return the prompt only: replace this with a call of your model."""
    return prompt(question)
''',
    )


_MODELS = {
    "openai": _openai,
    "anthropic": _anthropic,
    "hf": _transformers,
    "embedded": _transformers,
    "python": _function,
}


def _dspy_model(asking: Asking) -> str:
    if asking.kind not in ("openai", "anthropic"):
        return "    # Set your model: dspy.configure(lm=dspy.LM(...))"
    name = f"{asking.kind if asking.chat else 'text-completion-openai'}/{asking.model}"
    base = "" if asking.official else f", api_base={asking.endpoint!r}"
    return (
        f"    dspy.configure(lm=dspy.LM({name!r}{base}, max_tokens={asking.max_tokens}, "
        f"temperature={asking.temperature!r}))"
    )
