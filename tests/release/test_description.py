"""The README as the package index shows it: it renders, and nothing in it is relative or points nowhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from release.description import links, long_description

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
SOURCE = "https://git.example.org/us/instructzero"
TARGET = re.compile(r"""(?:href|src)="([^"]*)\"""")


def rendered(text: str) -> str:
    markdown = pytest.importorskip("readme_renderer.markdown")
    html = markdown.render(text)
    assert html is not None
    return str(html)


@pytest.mark.parametrize("source", [None, SOURCE])
def test_readme_renders_without_relative_addresses(source: str | None) -> None:
    html = rendered(long_description(README, source))
    assert ">instructzero<" in html
    assert "<table>" in html
    targets = TARGET.findall(html)
    assert targets
    assert [target for target in targets if not target.startswith(("https://", "#"))] == []
    assert any(target.startswith(SOURCE) for target in targets) is (source is not None)


def test_every_relative_target_of_the_readme_is_a_file_of_the_repository() -> None:
    absolute = rendered(long_description(README, SOURCE))
    ours = [target for target in TARGET.findall(absolute) if target.startswith(SOURCE)]
    paths = [re.sub(r"/(?:raw|blob)/HEAD/", "/", target.removeprefix(SOURCE)).partition("#")[0] for target in ours]
    assert [path for path in paths if not (ROOT / path.lstrip("/")).exists()] == []


def test_pictures_are_left_out_without_an_address_and_code_is_kept() -> None:
    text = "![A](a.png)\n\n[b](b.md#c) [d](https://d.example/) [e](#e)\n\n```\n[x](y)\n```\n"
    assert long_description(text, None) == "\n\nb [d](https://d.example/) [e](#e)\n\n```\n[x](y)\n```\n"
    assert long_description(text, SOURCE) == (
        f"![A]({SOURCE}/raw/HEAD/a.png)\n\n[b]({SOURCE}/blob/HEAD/b.md#c) [d](https://d.example/) [e](#e)\n\n"
        "```\n[x](y)\n```\n"
    )


def test_links_name_the_repository_only_if_it_is_known() -> None:
    assert list(links(None)) == ["Paper"]
    assert links(SOURCE + "/")["Issues"] == f"{SOURCE}/issues"
