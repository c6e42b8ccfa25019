"""The endpoint of each role: the black box, the judge, and a writer behind an API; and all that settings name."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from instructzero.calls.store import BLACK_BOX, JUDGE, WRITER
from instructzero.config import Settings
from instructzero.errors import InstructZeroError
from instructzero.models.adapters import HUB_ID, base_of
from instructzero.models.addresses import OFFICIAL, SERVICES, USUAL_KEYS
from instructzero.models.gguf import GGUF_SUFFIX
from instructzero.models.headers import holds_key, parts_of, variable_in
from instructzero.models.registry import find_backend, is_asked, parse_model, usual_address
from instructzero.models.service import public_url
from instructzero.optimizers.registry import is_code
from instructzero.tasks import get_metric
from instructzero.tasks.custom import FunctionMetric, unloaded_function
from instructzero.tasks.files.formats import read_document
from instructzero.tasks.loading import is_dataset, is_task_file
from instructzero.terminal import printable

_PREFIXES = {BLACK_BOX: "", JUDGE: "judge_", WRITER: "writer_"}
_MODELS = {BLACK_BOX: "blackbox", JUDGE: "judge", WRITER: "writer"}


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where and how the model of a role is asked.

    Parameters
    ----------
    spec
        The specification of the model.
    url
        The address that the settings name; None is the one that the backend takes by default.
    setting
        The setting of the address, for messages.
    key_env
        The environment variable of the key; None is the backend's usual one.
    headers
        Headers of every request, as lines.
    extra_body
        Further fields of every request.
    timeout
        Seconds for one try.
    input_price, output_price
        Dollars per million tokens in the settings; None if they are not set.
    cached_price, reasoning_price
        The same for prompts from a cache and for thoughts; None is the price of the others.
    shared
        The address is that of the black box, because the settings name none for this role.
    """

    spec: str
    url: str | None
    setting: str
    key_env: str | None
    headers: tuple[str, ...]
    extra_body: Mapping[str, Any]
    timeout: float
    input_price: float | None
    output_price: float | None
    cached_price: float | None = None
    reasoning_price: float | None = None
    shared: bool = False

    @property
    def address(self) -> str | None:
        """The address from the settings or from the environment, None for the official one."""
        return self.url or usual_address(self.spec)

    def in_words(self) -> str:
        """Return the model and its address, without a secret."""
        place = f" at {public_url(self.address)}" if self.address else ""
        return f"{self.spec}{place}{', the address of the black box' if self.shared and self.url else ''}"


def endpoint_of(settings: Settings, role: str) -> Endpoint:
    """Return the endpoint of ``role``: "black box", "judge" or "writer".

    A judge or a writer without an address of its own is asked at the black box's, with the same key and headers, if
    both are of one kind of backend, because the user named this service. It is not asked elsewhere.

    >>> chosen = Settings(task="antonyms", blackbox="openai:m", judge="openai:j", base_url="http://host:8000/v1")
    >>> endpoint_of(chosen, JUDGE).in_words()
    'openai:j at http://host:8000/v1, the address of the black box'
    """
    own = _settings(settings, role, "key_env", "header", "extra_body", "timeout")
    prices = _settings(settings, role, "input_price", "output_price")
    spec = getattr(settings, _MODELS[role])
    url = settings.base_url if role == BLACK_BOX else getattr(settings, f"{_PREFIXES[role]}url")
    shared = role != BLACK_BOX and url is None and _kind(spec) == _kind(settings.blackbox)
    if shared:
        url = settings.base_url
        own["header"] = own["header"] or _shared_headers(settings.header, _kind(spec), own_key=own["key_env"])
        own["key_env"] = own["key_env"] or settings.key_env
    if spec == settings.blackbox and url == settings.base_url:  # the same model at the same address
        own_prices = {name: price for name, price in prices.items() if price is not None}
        prices = _settings(settings, BLACK_BOX, *prices, "cached_price", "reasoning_price") | own_prices
    return Endpoint(
        spec,
        url,
        setting="base_url" if shared or role == BLACK_BOX else f"{_PREFIXES[role]}url",
        key_env=own["key_env"],
        headers=own["header"],
        extra_body=own["extra_body"] or {},
        timeout=own["timeout"] or settings.timeout,
        shared=shared,
        **prices,
    )


def _shared_headers(lines: tuple[str, ...], kind: str, *, own_key: str | None) -> tuple[str, ...]:
    """Return the headers of the black box for a role at its address; a key of the role's own replaces that in them."""
    return tuple(line for line in lines if own_key is None or not holds_key(line, kind))


def writer_in_words(settings: Settings) -> str:
    """Return the name and the address of a writer behind an API; "" for any other writer."""
    return endpoint_of(settings, WRITER).in_words() if is_asked(settings.writer) else ""


def _settings(settings: Settings, role: str, *names: str) -> dict[str, Any]:
    """Return the settings of a role by the names that those of the black box have."""
    return {name: getattr(settings, f"{_PREFIXES[role]}{name}") for name in names}


def _kind(spec: str) -> str:
    return spec.partition(":")[0]


@dataclass(frozen=True, slots=True)
class Named:
    """What a run with these settings uses of this machine, for a user to whom somebody else gave them.

    Parameters
    ----------
    code
        The Python code that it runs.
    hosts
        The addresses that it sends data to, and the hub if it downloads from there.
    variables
        The environment variables whose values it sends there.
    files
        The files and folders of the user's that it reads or writes.
    """

    code: tuple[str, ...]
    hosts: tuple[str, ...]
    variables: tuple[str, ...]
    files: tuple[str, ...]

    @classmethod
    def by(cls, settings: Settings) -> Named:
        """Return what settings name.

        >>> Named.by(Settings(task="sum", blackbox="openai:m", metric="mine:score")).lines()
        ['run the code mine:score', 'send data to https://api.openai.com/v1', 'send the values of OPENAI_API_KEY']
        """
        endpoints = [endpoint_of(settings, role) for role in _roles(settings)]
        loaded = list(_loaded([endpoint.spec for endpoint in endpoints]))
        return cls(
            tuple(dict.fromkeys(_code(settings, [endpoint.spec for endpoint in endpoints]))),
            tuple(dict.fromkeys(_hosts(settings, endpoints, loaded))),
            tuple(dict.fromkeys(_variables(endpoints))),
            tuple(dict.fromkeys(_files(settings, loaded))),
        )

    def lines(self) -> list[str]:
        """Return a line for each thing, in full: a list that is cut would hide what its writer put at its end."""
        kinds = {
            "run the code": self.code,
            "send data to": self.hosts,
            "send the values of": self.variables,
            "use the files": self.files,
        }
        return [f"{does} {_in_full(thing)}" for does, things in kinds.items() for thing in things]


_LONGEST, _LONGEST_HOST = 300, 259  # the host with its port; no name of a host has more than 253 characters
_URL = re.compile(r"(\w+://)([^/?#\\]*)(.*)")
_HUB = "https://huggingface.co"
_SERVED = {kind: SERVICES[kind].address.removesuffix("/v1") for kind in ("vllm", "sglang")}


def _in_full(thing: str) -> str:
    """Return a text on one line; one that is too long without its middle, and an address with the ends of its host."""
    line = printable(" ".join(thing.split()))
    if url := _URL.fullmatch(line):
        return f"{url[1]}{_without_middle(url[2], _LONGEST_HOST)}{_without_middle(url[3], _LONGEST)}"
    return _without_middle(line, _LONGEST)


def _without_middle(text: str, longest: int) -> str:
    end = longest // 2
    return text if len(text) <= longest else f"{text[:end]}…{text[-end:]}"


def _roles(settings: Settings) -> list[str]:
    return [role for role, name in _MODELS.items() if getattr(settings, name)]


def _code(settings: Settings, specs: Sequence[str]) -> Iterator[str]:
    if is_code(settings.method):
        yield settings.method
    yield from (spec for spec in specs if spec.startswith("python:"))
    metric = settings.metric
    if metric is None and is_task_file(settings.task):
        with suppress(InstructZeroError):
            metric = read_document(settings.task).metric
    if metric is not None:
        yield from _code_of_metric(metric)


def _code_of_metric(metric: str) -> Iterator[str]:
    try:
        parts = get_metric(metric, unloaded_function).parts
    except InstructZeroError:  # a part of it may be loaded before the faulty one
        yield metric
    else:
        yield from (name for name, part in parts.items() if isinstance(part, FunctionMetric))


def _loaded(specs: Sequence[str]) -> Iterator[str]:
    """Yield the folders, files and hub ids from which models are loaded, and those of the base models of adapters."""
    for spec in specs:
        with suppress(InstructZeroError):  # a model that cannot be named is refused when the run is resumed
            model = parse_model(spec)
            backend = find_backend(model.kind)
            if backend is not None and backend.names_folders:
                yield model.name
                yield from filter(None, [base_of(model.name)])


def _is_on_disk(name: str) -> bool:
    is_id = HUB_ID.fullmatch(name) is not None and not name.endswith(GGUF_SUFFIX)
    return not is_id or os.path.exists(Path(name).expanduser())


def _hosts(settings: Settings, endpoints: Sequence[Endpoint], loaded: Sequence[str]) -> Iterator[str]:
    for endpoint in endpoints:
        kind = _kind(endpoint.spec)
        if address := endpoint.address or OFFICIAL.get(kind) or _SERVED.get(kind):
            yield public_url(address)
    is_downloaded = any(source is not None and is_dataset(source) for source in (settings.task, settings.test_data))
    if is_downloaded or not all(map(_is_on_disk, loaded)):
        yield _HUB


def _variables(endpoints: Sequence[Endpoint]) -> Iterator[str]:
    for endpoint in endpoints:
        kind = _kind(endpoint.spec)
        if variable := endpoint.key_env or _KEYS.get(kind):
            yield variable
        yield from filter(None, (variable_in(parts_of(line)[1])[1] for line in endpoint.headers))


def _files(settings: Settings, loaded: Sequence[str]) -> Iterator[str]:
    sources = [settings.task if is_task_file(settings.task) else None, settings.test_data]
    yield from (str(name) for name in (*sources, settings.data_dir, settings.store) if name is not None)
    yield from filter(_is_on_disk, loaded)


_KEYS = {**USUAL_KEYS, "vllm": "VLLM_API_KEY", "sglang": "SGLANG_API_KEY"}
