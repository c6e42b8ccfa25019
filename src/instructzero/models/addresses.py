"""The addresses of well-known services and servers, and what is wrong with an address that does not work.

They serve messages only: a request is sent to no address from this list, but to the one that the user names.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import parse_qsl, unquote, urlsplit

from instructzero.config.endpoints import holds_key_like, is_plain_parameter
from instructzero.models.proxies import proxy_for
from instructzero.terminal import excerpt

OFFICIAL = {"openai": "https://api.openai.com/v1", "anthropic": "https://api.anthropic.com"}
"""The addresses of the official services, by kind of backend."""

USUAL_KEYS = {"openai": "OPENAI_API_KEY", "anthropic": "ANTHROPIC_API_KEY"}
"""The environment variables of the keys, by kind of backend."""

_LONGEST_SHOWN = 80
_PASTED = re.compile(r"/(?:chat/completions|completions|messages|responses|embeddings|(?<=/v1/)models)/*$")
_OPENAI_NAMES = re.compile(r"(?:gpt|chatgpt)-|o\d(?:-|$)")
_TAG = re.compile(r"latest$|[\d.]+[bm]\b|[\w.]+-q\d", re.IGNORECASE)  # of a model on Ollama
_PLAIN_HTTP = re.compile(r"wrong[_ ]version[_ ]number|record[_ ]layer[_ ]failure", re.IGNORECASE)
_REFUSED = re.compile(r"connection refused|connect call failed|connection attempts failed", re.IGNORECASE)
_PROXY = re.compile(r"\bproxy\b|40[37] (?:forbidden|proxy)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class KnownService:
    """A service or a server with OpenAI's API: its name, its address, and the usual variable of its key, "" for none.

    A server on this machine has its usual port.
    """

    name: str
    address: str
    key: str = ""

    @property
    def is_local(self) -> bool:
        """True for a server that users run themselves."""
        return urlsplit(self.address).hostname == "localhost"


SERVICES = {
    "ollama": KnownService("Ollama", "http://localhost:11434/v1"),
    "lmstudio": KnownService("LM Studio", "http://localhost:1234/v1"),
    "llamacpp": KnownService("llama.cpp", "http://localhost:8080/v1"),
    "vllm": KnownService("vLLM", "http://localhost:8000/v1"),
    "sglang": KnownService("SGLang", "http://localhost:30000/v1"),
    "azure": KnownService("Azure", "https://RESOURCE.openai.azure.com/openai/v1", "AZURE_OPENAI_API_KEY"),
    "deepseek": KnownService("DeepSeek", "https://api.deepseek.com/v1", "DEEPSEEK_API_KEY"),
    "fireworks": KnownService("Fireworks", "https://api.fireworks.ai/inference/v1", "FIREWORKS_API_KEY"),
    "gemini": KnownService("Gemini", "https://generativelanguage.googleapis.com/v1beta/openai", "GEMINI_API_KEY"),
    "groq": KnownService("Groq", "https://api.groq.com/openai/v1", "GROQ_API_KEY"),
    "mistral": KnownService("Mistral", "https://api.mistral.ai/v1", "MISTRAL_API_KEY"),
    "moonshot": KnownService("Moonshot", "https://api.moonshot.ai/v1", "MOONSHOT_API_KEY"),
    "openrouter": KnownService("OpenRouter", "https://openrouter.ai/api/v1", "OPENROUTER_API_KEY"),
    "together": KnownService("Together", "https://api.together.xyz/v1", "TOGETHER_API_KEY"),
    "xai": KnownService("xAI", "https://api.x.ai/v1", "XAI_API_KEY"),
}
"""The services by the name that users and other tools write before a model's name."""

_ALIASES = {"lm_studio": "lmstudio", "lm-studio": "lmstudio", "llama.cpp": "llamacpp", "google": "gemini"}
_OWNERS = {"vllm": "vLLM", "sglang": "SGLang", "llamacpp": "llama.cpp", "library": "Ollama"} | {
    "organization_owner": "LM Studio"
}
"""The owners of models in the lists of servers."""


def specification_hint(spec: str) -> str:
    """Return the specification that a user meant by one which is none, as a clause; "" if it cannot be told.

    >>> specification_hint("ollama:llama3")
    'openai:llama3 at http://localhost:11434/v1 (--base-url; for other roles --judge-url, --writer-url)'
    >>> specification_hint("gpt-4o-mini")
    'openai:gpt-4o-mini'
    """
    kind, colon, name = spec.partition(":")
    service = _service(kind)
    if service is not None and colon and name:
        key = f" and --key-env {service.key}" if service.key else ""
        return f"openai:{name} at {service.address} (--base-url{key}; for other roles --judge-url, --writer-url)"
    if _OPENAI_NAMES.match(spec):
        return f"openai:{spec}"
    if spec.startswith("claude-"):
        return f"anthropic:{spec}"
    if colon and not _TAG.match(name):
        return ""
    return f"openai:{spec} with --base-url {SERVICES['ollama'].address} for a model on Ollama" if spec.strip() else ""


def _service(kind: str) -> KnownService | None:
    return SERVICES.get(_ALIASES.get(kind.lower(), kind.lower()))


def service_name(url: str, owners: frozenset[str] = frozenset()) -> str:
    """Return the name of the service at an address, as far as its host, its models' owners or its port tell; else "".

    >>> service_name("https://mine.openai.azure.com/openai/v1"), service_name("http://localhost:11434/v1")
    ('Azure', 'Ollama')
    """
    parts = urlsplit(url)
    host = f".{parts.hostname or ''}"
    if host.endswith((".azure.com", ".azure-api.net")):
        return "Azure"
    official = {"api.openai.com": "OpenAI", "api.anthropic.com": "Anthropic"}
    hosts = {urlsplit(known.address).hostname: known.name for known in SERVICES.values() if not known.is_local}
    by_host = [name for known, name in (official | hosts).items() if host.endswith(f".{known}")]
    by_owner = [name for owner, name in _OWNERS.items() if owner in owners]
    ports = {urlsplit(known.address).port: known.name for known in SERVICES.values() if known.is_local}
    by_port = [ports[parts.port]] if parts.port in (1234, 11434) else []
    return next(iter(by_host + by_owner + by_port), "")


def without_pasted_path(url: str) -> str:
    """Return an address without the path of one of its requests, which users paste with it.

    >>> without_pasted_path("https://host/v1/chat/completions?api-version=1")
    'https://host/v1?api-version=1'
    """
    parts = urlsplit(url)
    return parts._replace(path=_PASTED.sub("", parts.path)).geturl()


def secrets_in(url: str) -> Iterator[str]:
    """Yield the password of an address, alone and with its user, and the values of its query that may be keys.

    >>> list(secrets_in("https://me:s%40cret@host/v1?token=abc&api-version=1"))
    ['s%40cret', 'me:s%40cret', 's@cret', 'me:s@cret', 'abc']
    """
    parts = urlsplit(url)
    if parts.username is not None:
        pairs = dict.fromkeys(
            [(parts.username, parts.password), (unquote(parts.username), unquote(parts.password or ""))]
        )
        for user, password in pairs:
            yield from (password, f"{user}:{password}") if password else (user,)
    for name, value in parse_qsl(parts.query):
        if not is_plain_parameter(name, value):
            yield value
    if parts.fragment:
        yield parts.fragment.rpartition("=")[2]


def shown_address(text: str) -> str:
    """Return a text that is no address as a message may show it: without what may be a password or a key.

    >>> shown_address("me:secret@host:8000/v1?token=abc"), shown_address("localhost:8000")
    ('host:8000/v1', 'localhost:8000')
    """
    bare = re.split(r"[?#]", text.rpartition("@")[2])[0]
    has_text_as_port = re.search(r":(?!//|\d+(?:/|$))", bare)
    return "another" if has_text_as_port or holds_key_like(bare) else excerpt(bare, _LONGEST_SHOWN)


def usual_path(url: str) -> str:
    """Return the address of a well-known service on the same host; "" if it is not known, or is this one.

    >>> usual_path("https://openrouter.ai")
    'https://openrouter.ai/api/v1'
    """
    host = urlsplit(url).hostname
    known = next((each.address for each in SERVICES.values() if urlsplit(each.address).hostname == host), "")
    return "" if known == url.rstrip("/") or not known.startswith("https:") else known


def connection_advice(url: str, reason: str) -> str:
    """Return what to do about a connection that cannot be opened, as a clause.

    >>> connection_advice("https://127.0.0.1:8000/v1", "WRONG_VERSION_NUMBER")
    'it speaks http there: write http://127.0.0.1:8000/v1'
    """
    if _PLAIN_HTTP.search(reason):
        return f"it speaks http there: write http{url.removeprefix('https')}"
    proxy = proxy_for(url)
    refused = _REFUSED.search(reason)
    if proxy and (refused or _PROXY.search(reason)):
        host = urlsplit(url).hostname
        return f"the request goes through the proxy {proxy} of the environment: fix it, or add {host} to NO_PROXY"
    if refused:
        return "nothing listens there: start the server, or fix the address and its port"
    return "check the address and the network"
