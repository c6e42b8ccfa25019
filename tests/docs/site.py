"""The documentation site, built for a test, and its search in a browser."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from documentation import commands
from documentation.settings import flag_of
from instructzero.config import Settings

ROOT = Path(__file__).parents[2]

_SEARCH = """async (query) => {
  const input = document.querySelector(".md-search__input");
  const list = document.querySelector(".md-search-result__list");
  const found = new Promise((resolve, reject) => {
    setTimeout(() => reject(new Error(`no result for ${query}`)), 20000);
    new MutationObserver((_, observer) => {
      if (list.children.length) { observer.disconnect(); resolve(); }
    }).observe(list, { childList: true });
  });
  input.value = query;
  input.dispatchEvent(new KeyboardEvent("keyup", { bubbles: true }));
  await found;
  const links = (page) => [...page.querySelectorAll("a.md-search-result__link")];
  return [...list.children].map((page) => links(page).map((link) => link.href.replace(/[?].*#/, "#")));
}"""


def build(folder: Path) -> subprocess.CompletedProcess[str]:
    """Build the site into a folder, with warnings as errors, and return the process that did it."""
    return subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)],
        cwd=ROOT,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )


def places_of_flags() -> dict[str, set[str]]:
    """Return the flags of all commands, each with its places on the site as file name and anchor."""
    places = {flag_of(name): {f"settings.html#{flag_of(name)[2:]}"} for name in Settings.model_fields}
    for command in commands.commands():
        for found in commands.flags(command):
            for flag in (*found.opts, *found.secondary_opts):
                if flag.startswith("-"):
                    anchor = f"commands.html#{command}-{found.name.replace('_', '-')}"
                    places.setdefault(flag, set()).add(anchor)
    return places


def search(page: Any, query: str) -> list[set[str]]:
    """Type a query on an open page, and return the places on each page that is found, the best page first."""
    found: list[list[str]] = page.evaluate(_SEARCH, query)
    return [{link.rpartition("/")[2] for link in links} for links in found]
