"""YAML texts of strangers, read within bounds: plain values only, and as much time and memory as a text may take.

YAML has dates, sexagesimal numbers, binary data, references that multiply, and no limit for the depth or the digits.
None of that is a setting, and some of it hangs or crashes what comes later. A date stays the text that it is.
"""

from __future__ import annotations

import re
from typing import Any

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode

LONGEST = 20_000_000
"""The maximum number of characters of a text."""

_DEEPEST = 50  # lists and mappings in one another
_MOST_VALUES = 100_000  # with every reference counted as what it stands for
_MOST_DIGITS = 40
_SHOWN = 80  # characters of a text in a message
_INT, _FLOAT = (f"tag:yaml.org,2002:{name}" for name in ("int", "float"))
_TEXTS = ("tag:yaml.org,2002:timestamp", "tag:yaml.org,2002:value")  # a date, and the sign "="
_NUMBER = re.compile(r"[-+]?(?:0x[0-9a-fA-F]+|0b[01]+|[0-9]+)")
_SIXTIES = re.compile(r"[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?")


class YamlFault(ValueError):
    """A text is no YAML within the bounds.

    Parameters
    ----------
    reason
        What came, as a clause.
    mark
        Where, if that is known; ``line`` is then such as ``" at line 3"``, or else "".
    """

    def __init__(self, reason: str, mark: yaml.Mark | None = None) -> None:
        self.reason = reason
        self.line = "" if mark is None else f" at line {mark.line + 1}"
        super().__init__(f"{reason}{self.line}")


def read_yaml(text: str) -> Any:
    """Return the value of a YAML text: null, booleans, numbers, texts, lists and mappings.

    Raises
    ------
    YamlFault
        If the text is no YAML, repeats a key, refers to itself, has a tag of another type, or is larger than a file of
        settings is: too many characters or values, too deep, or an integer of too many digits.

    >>> read_yaml("{seed: 7, start: 2026-03-09, names: &all [a, b], again: *all}")
    {'seed': 7, 'start': '2026-03-09', 'names': ['a', 'b'], 'again': ['a', 'b']}
    """
    if len(text) > LONGEST:
        raise YamlFault(f"more than {LONGEST:,} characters")
    try:
        return yaml.load(text, Loader=_Loader)
    except YamlFault:
        raise
    except yaml.MarkedYAMLError as error:
        raise YamlFault((error.problem or "no YAML")[:_SHOWN], error.problem_mark) from None
    except yaml.reader.ReaderError:
        raise YamlFault("a character that YAML does not allow") from None
    except (yaml.YAMLError, ValueError, ArithmeticError, LookupError, TypeError, AttributeError, RecursionError):
        # of the escape "\UFFFFFFFF", of "!!bool maybe": PyYAML does not explain all that it cannot read
        raise YamlFault("a value that cannot be read") from None


class _Loader(yaml.SafeLoader):
    """The safe loader with bounds, and without values that settings cannot have."""

    def __init__(self, stream: str) -> None:
        super().__init__(stream)
        self._depth = self._values = 0
        self._sizes: dict[int, int] = {}  # of the nodes that are complete, with what they refer to

    def compose_node(self, parent: Node | None, index: int) -> Node | None:
        """Compose a node, and count it."""
        mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]
        if self._depth == _DEEPEST:
            raise YamlFault(f"more than {_DEEPEST} lists and mappings in one another", mark)
        is_reference = self.check_event(yaml.AliasEvent)
        self._depth, before = self._depth + 1, self._values
        node = super().compose_node(parent, index)
        self._depth -= 1
        if is_reference and id(node) not in self._sizes:
            raise YamlFault("a value that refers to itself", mark)
        self._values += self._sizes[id(node)] if is_reference else 1
        if self._values > _MOST_VALUES:
            raise YamlFault(f"more than {_MOST_VALUES:,} values", mark)
        if not is_reference:
            self._sizes[id(node)] = self._values - before
        return node

    def compose_mapping_node(self, anchor: Any) -> MappingNode:
        """Compose a mapping, and refuse a key that it has twice."""
        node: MappingNode = super().compose_mapping_node(anchor)
        seen = set()
        for key, _ in node.value:
            if isinstance(key, ScalarNode):
                if key.value in seen:
                    raise YamlFault(f"the key {key.value[:_SHOWN]!r} twice", key.start_mark)
                seen.add(key.value)
        return node

    def plain_number(self, node: ScalarNode) -> Any:
        """Return a number in decimal, hexadecimal or binary digits; 1:30 stays a text."""
        written = str(self.construct_scalar(node))
        if _SIXTIES.fullmatch(written):
            return written
        if node.tag == _FLOAT:
            return self.construct_yaml_float(node)
        if len(written) > _MOST_DIGITS and _NUMBER.fullmatch(written.replace("_", "")):
            raise YamlFault(f"a number of more than {_MOST_DIGITS} digits", node.start_mark)
        return self.construct_yaml_int(node)

    def refused(self, node: Node) -> Any:
        """Refuse a tag."""
        raise YamlFault(f"the tag {str(node.tag)[:_SHOWN]!r}, which no setting has", node.start_mark)


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag not in _TEXTS]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.yaml_constructors = {
    **{f"tag:yaml.org,2002:{name}": yaml.SafeLoader.yaml_constructors[f"tag:yaml.org,2002:{name}"]
       for name in ("null", "bool", "str", "seq", "map")},
    _INT: _Loader.plain_number,
    _FLOAT: _Loader.plain_number,
    None: _Loader.refused,
}  # fmt: skip
