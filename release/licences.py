"""The licences of what an installation consists of.

    python -m release.licences               # a table of the package's dependencies, as docs/dependencies.md has it
    cyclonedx-py environment .venv           # a complete bill of materials of an environment, with `make sbom`

The package itself ships no code of others: its licence is in LICENSE.
"""

from __future__ import annotations

import re
from importlib.metadata import Distribution, PackageNotFoundError, distribution, metadata

ACCEPTED = re.compile(r"apache|bsd|mit|psf|python software foundation|mpl-2\.0|isc|hpnd|zlib|0bsd|unlicense|cc0", re.I)
"""Licences under which a dependency can be used in a program of any licence."""


def direct(package: str = "instructzero") -> list[str]:
    """Return the names of the packages that ``package`` requires without an extra."""
    required = distribution(package).requires or []
    return [re.split(r"[\s<>=!~;\[(]", line)[0] for line in required if "extra ==" not in line]


def required(package: str = "instructzero") -> list[str]:
    """Return the names of all installed packages that ``package`` needs, directly or not, in alphabetical order."""
    found: set[str] = set()
    waiting = [package]
    while waiting:
        for name in direct(waiting.pop()):
            normal = re.sub(r"[-_.]+", "-", name).lower()
            if normal not in found and _is_installed(name):
                found.add(normal)
                waiting.append(name)
    return sorted(found)


def licence(package: str) -> str:
    """Return the licence that a package declares: its expression, or that of its classifiers, or its first line."""
    found = metadata(package)
    if expression := found.get("License-Expression"):
        return str(expression)
    classified = [
        line.rpartition(" :: ")[2] for line in found.get_all("Classifier") or [] if line.startswith("License")
    ]
    named = [line for line in classified if line != "OSI Approved"]
    return ", ".join(named) or (found.get("License") or "unknown").strip().splitlines()[0]


def _is_installed(name: str) -> bool:
    try:
        return isinstance(distribution(name), Distribution)
    except PackageNotFoundError:
        return False


def main() -> None:
    """Print the table."""
    print("| Package | Version | Licence |\n|---|---|---|")
    for name in required():
        print(f"| {name} | {distribution(name).version} | {licence(name)} |")


if __name__ == "__main__":
    main()
