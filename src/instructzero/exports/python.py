"""Export of a run as a Python script that answers new inputs.

Every text of the run is written with ``repr``, so that no text can break out of its string literal.
"""

from __future__ import annotations

from pathlib import Path

from instructzero.exports.asking import Asking
from instructzero.exports.client import (
    client_arguments,
    client_imports,
    fields_argument,
    from_variable,
    headers_argument,
)
from instructzero.exports.prompt import Prompt, Turn
from instructzero.models.adapters import find_adapter
from instructzero.models.gguf import GGUF_SUFFIX, find_gguf
from instructzero.prompts.template import INPUT, INSTRUCTION

_HEAD = '''"""Answer an input with the instruction that instructzero found.

The input is the command line's arguments, or standard input if there are none.
"""
'''

_ROW_HEAD = '''"""Answer an input with the instruction that instructzero found.

The fields of the input are the command line's arguments, in the order of FIELDS, or a JSON object on standard input.
"""
'''

_MAIN = """

if __name__ == "__main__":
    print(answer(" ".join(sys.argv[1:]) or sys.stdin.read().strip()))
"""

_ROW_MAIN = """

if __name__ == "__main__":
    import json

    print(answer(dict(zip(FIELDS, sys.argv[1:], strict=True)) if sys.argv[1:] else json.load(sys.stdin)))
"""


def script(asking: Asking) -> str:
    """Return a Python module with the functions ``prompt(question)`` and ``answer(question)`` that runs as a script.

    If the prompt has several messages, the module also has ``messages(question)``. If the input has other fields than
    the input as a whole, the functions take them as a dict, ``row``.

    It needs the client package of the API that the run asked, transformers for a local model, or the user's own
    function. For any other black box, such as a Python object, ``answer`` returns the prompt.
    """
    imports, model = _MODELS.get(asking.kind, _nothing)(asking)
    head, main = (_HEAD, _MAIN) if asking.prompt.takes_text else (_ROW_HEAD, _ROW_MAIN)
    return f"{head}\n{imports}\n\n{prompt_code(asking)}\n\n{model}{main}"


def prompt_code(asking: Asking) -> str:
    """Return the code of the instruction, and of the functions that write the messages of an input."""
    prompt = asking.prompt
    instruction = f"INSTRUCTION = {asking.instruction!r}\n"
    if prompt.is_simple:
        return f'''{instruction}

def prompt(question: str) -> str:
    """Return the text that the model reads: the prompt with which the search scored the instruction."""
    return {_expression(prompt.turns[0], prompt)}
'''
    fields = "" if prompt.takes_text else f"FIELDS = {prompt.fields!r}\n"
    argument = "question: str" if prompt.takes_text else "row: dict[str, str]"
    messages = "".join(
        f'        {{"role": "{turn.role}", "content": {_expression(turn, prompt)}}},\n' for turn in prompt.turns
    )
    return f'''{instruction}{fields}

def messages({argument}) -> list[dict[str, str]]:
    """Return the messages that the model reads: those with which the search scored the instruction."""
    return [
{messages}    ]


def prompt({argument}) -> str:
    """Return the contents of the messages, as a model without roles reads them."""
    return "\\n\\n".join(message["content"] for message in messages({argument.partition(":")[0]}))
'''


def _expression(turn: Turn, prompt: Prompt) -> str:
    """Return the content of a message as a Python expression."""
    names = {INSTRUCTION: "INSTRUCTION", **({INPUT: "question"} if prompt.takes_text else {})}
    parts = (
        repr(piece) if isinstance(piece, str) else names.get(piece.name, f"row[{piece.name!r}]")
        for piece in turn.pieces
    )
    return " + ".join(parts) or "''"


def _answer(asking: Asking) -> str:
    """Return the head of the function that answers an input."""
    return f"def answer({'question: str' if asking.prompt.takes_text else 'row: dict[str, str]'}) -> str:"


def _called(asking: Asking, function: str) -> str:
    """Return the call of ``prompt`` or ``messages`` with the input."""
    return f"{function}({'question' if asking.prompt.takes_text else 'row'})"


def _chat_messages(asking: Asking) -> str:
    """Return the expression of the messages of a chat."""
    if asking.prompt.is_simple:
        return '[{"role": "user", "content": prompt(question)}]'
    return _called(asking, "messages")


def _openai(asking: Asking) -> tuple[str, str]:
    method, content, reader = (
        ("chat.completions", f"messages={_chat_messages(asking)}", "message.content")
        if asking.chat
        else ("completions", f"prompt={_called(asking, 'prompt')}", "text")
    )
    return (
        client_imports(asking, "OpenAI", "openai"),
        f'''{_answer(asking)}
    """Return the answer of the model{from_variable(asking)}."""
    with OpenAI({client_arguments(asking)}) as client:
        completion = client.{method}.create(
            model={asking.model!r},
            {content},
            {asking.limit}={asking.max_tokens},
            temperature={asking.temperature!r},  # remove for models that do not accept a temperature
{fields_argument(asking)}{headers_argument(asking)}        )
    return completion.choices[0].{reader} or ""
''',
    )


def _anthropic(asking: Asking) -> tuple[str, str]:
    fields = {"temperature": asking.temperature, **asking.access.extra_body}
    return (
        client_imports(asking, "Anthropic", "anthropic"),
        f'''{_answer(asking)}
    """Return the answer of the model{from_variable(asking)}."""
    with Anthropic({client_arguments(asking)}) as client:
        message = client.messages.create(
            model={asking.model!r},
            {_anthropic_messages(asking)},
            max_tokens={asking.max_tokens},
            extra_body={fields!r},  # remove the temperature for models that do not accept one
{headers_argument(asking)}        )
    return "".join(block.text for block in message.content if block.type == "text")
''',
    )


def _anthropic_messages(asking: Asking) -> str:
    """Return the arguments with the messages; Anthropic's API takes system messages separately from the turns."""
    if all(turn.role != "system" for turn in asking.prompt.turns):
        return f"messages={_chat_messages(asking)}"
    asked = _called(asking, "messages")
    system = f'"\\n\\n".join(turn["content"] for turn in {asked} if turn["role"] == "system")'
    return f"""system={system},
            messages=[turn for turn in {asked} if turn["role"] != "system"]"""


def _transformers(asking: Asking) -> tuple[str, str]:
    imports = (
        "import sys\n\nimport torch\nfrom transformers import AutoModelForCausalLM, AutoTokenizer, GenerationConfig"
    )
    if asking.kind == "embedded":
        imports += "\n\nfrom instructzero.models.packed import embedded_folder"
        loaded = _whole(asking, f"str(embedded_folder() / {asking.model!r})", "")
    elif asking.base:
        imports = imports.replace("torch\n", "torch\nfrom peft import PeftModel\n")
        loaded = _merged(asking)
    else:
        loaded = _whole(asking, *_named(asking.model, asking.revision))
    if asking.chat and not asking.prompt.is_simple:
        imports += "\n\nfrom instructzero.models.turns import Turns\nfrom instructzero.types import Message"
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


{_chat_template(asking)}{_answer(asking)}
    """Return the answer of the model."""
{_rendered(asking)}    encoded = tokenizer(text, add_special_tokens={not asking.chat}, return_tensors="pt")
    ids = encoded["input_ids"].to(DEVICE)
    mask = encoded["attention_mask"].to(DEVICE)
    with torch.inference_mode():
        row = model.generate(input_ids=ids, attention_mask=mask)[0]
    return tokenizer.decode(row[ids.shape[1] :], skip_special_tokens=True, clean_up_tokenization_spaces=False)
''',
    )


def _chat_template(asking: Asking) -> str:
    """Return the function that writes several messages in the model's chat template."""
    if asking.prompt.is_simple or not asking.chat:
        return ""
    return '''def chat(turns):
    """Return the turns in the model's chat template."""
    return tokenizer.apply_chat_template(
        [{"role": turn.role, "content": turn.content} for turn in turns],
        tokenize=False,
        add_generation_prompt=True,
        enable_thinking=False,
    )


'''


def _rendered(asking: Asking) -> str:
    """Return the lines that set ``text`` to what the model reads."""
    if asking.prompt.is_simple or not asking.chat:
        template = """    text = tokenizer.apply_chat_template(
        [{"role": "user", "content": text}], tokenize=False, add_generation_prompt=True, enable_thinking=False
    )
"""
        return f"    text = {_called(asking, 'prompt')}\n{template if asking.chat else ''}"
    asked = f"[Message(**turn) for turn in {_called(asking, 'messages')}]"
    return f"    text = chat(Turns.of(chat).fitted({asked}))  # some templates have no system role\n"


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


{_answer(asking)}
    """Return the answer of the function."""
    found = function({_called(asking, "prompt")})
    return asyncio.run(finish(found)) if inspect.isawaitable(found) else found
''',
    )


def _nothing(asking: Asking) -> tuple[str, str]:
    return (
        "import sys",
        f'''{_answer(asking)}
    """Return the prompt only: replace this with a call of your model."""
    return {_called(asking, "prompt")}
''',
    )


_MODELS = {
    "openai": _openai,
    "anthropic": _anthropic,
    "hf": _transformers,
    "embedded": _transformers,
    "python": _function,
}
