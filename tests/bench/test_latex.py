r"""The tables as LaTeX: every text stays text, and all files compile where there is a TeX."""

import re
import shutil
import subprocess

import pytest

from instructzero.bench.latex import escape, file_name, latex
from instructzero.bench.page import write_report
from instructzero.bench.parts import Captioned
from instructzero.bench.tables import Table
from tests.bench.synthetic import cell

HOSTILE = (
    "\\input{/etc/passwd} \\write18{id} $x_1^2$ 50% & #1 ~ {a} [b] * -- --- `` '' \" ,, ?` <script>alert(1)</script> "
    "\\end{tabular} \\\\ [x] ^^41 é ß — “q” 中文 Ж α 😀 א"
)
MEANINGS = {
    r"\textbackslash{}": "\\", r"\textasciicircum{}": "^", r"\textasciitilde{}": "~", r"\textless{}": "<",
    r"\textgreater{}": ">", r"\textbar{}": "|", r"\textquotesingle{}": "'", r"\textasciigrave{}": "`",
    r"\char34{}": '"', r"\textendash{}": "–", r"\textemdash{}": "—", r"\textquotedblleft{}": "“",
    r"\textquotedblright{}": "”", r"\textpm{}": "±", r"\textellipsis{}": "…",
}  # fmt: skip
"""What the commands print, by the documentation of LaTeX."""


def printed(text):
    """Return what LaTeX prints for a text; fails for anything that is no known command or plain character."""
    found, rest = "", text
    while rest:
        if number := re.match(r"\\instructzerochar\{([0-9A-F]{4,6})\}", rest):
            found, rest = found + chr(int(number[1], 16)), rest[number.end() :]
        elif command := next((name for name in MEANINGS if rest.startswith(name)), None):
            found, rest = found + MEANINGS[command], rest[len(command) :]
        elif group := re.match(r"\{([\[\]*,-])\}", rest) or re.match(r"\\([#$%&_{}])", rest):
            found, rest = found + group[1], rest[group.end() :]
        else:
            assert rest[0] not in "\\{}$&#^_~%", rest[:20]
            found, rest = found + rest[0], rest[1:]
    return found


@pytest.fixture(scope="module")
def out(tmp_path_factory):
    """The report of a bench with hostile names and instructions."""
    out = tmp_path_factory.mktemp("bench")
    found = [
        cell(method, task, {100: 0.3 + place / 10 + seed / 20}, models=HOSTILE[:60], instruction=HOSTILE * 2, seed=seed)
        for place, method in enumerate(["instructzero", "uniform", HOSTILE[20:60]])
        for task in (HOSTILE[-30:], "[b]")
        for seed in (0, 1)
    ]
    write_report(found, out)
    return out


def test_escape_prints_every_text_as_it_is():
    assert printed(escape(HOSTILE)) == HOSTILE


def test_escape_shows_what_is_not_printed_by_its_number():
    assert escape("a\x07b\u202ec\n\ud800") == r"a\texttt{U+0007}b\texttt{U+202E}c \texttt{U+D800}"


def test_latex_has_caption_label_best_in_bold_and_one_line_a_row():
    table = Table(("task", "a_b"), (("x", "0.500"), ("y", "0.250")), frozenset({(0, 1)}))
    text = latex(Captioned("scores", "All 100 %.", table), "scores")
    assert r"\caption{All 100 \%.}\label{tab:scores}" in text
    assert "x & \\textbf{0.500} \\\\\ny & 0.250 \\\\\n\\bottomrule" in text
    assert r"\begin{tabular}{lr}" in text


def test_file_name_can_be_read_by_every_latex():
    assert file_name("a/中 b.c~%-100-scores") == "a-b-c-100-scores"
    assert file_name("中") == "table"


def test_every_file_is_parsed_and_has_the_texts_of_its_table(out):
    """The parser fails for groups and environments that are not balanced."""
    walker = pytest.importorskip("pylatexenc.latexwalker")
    files = [path for path in (out / "tables").glob("*.tex") if path.name != "tables.tex"]
    assert {"setup", "instructions"} < {path.stem for path in files}
    for path in files:
        text = path.read_text(encoding="utf-8")
        nodes, _, _ = walker.LatexWalker(text, tolerant_parsing=False).get_latex_nodes()
        found = [node.environmentname for node in nodes if node.isNodeType(walker.LatexEnvironmentNode)]
        assert found in (["table"], ["table*"], ["longtable"])
        assert r"\input{" not in text
        assert r"\write" not in text


def test_instructions_are_read_back_from_the_file(out):
    text = (out / "tables/instructions.tex").read_text(encoding="utf-8")
    rows = [line.removesuffix(r" \\").split(" & ") for line in text.splitlines() if "0.550" in line]
    assert {printed(row[-1]) for row in rows} == {" ".join((HOSTILE * 2).split())}


def test_document_of_all_tables_compiles(out):
    if (command := shutil.which("pdflatex")) is None:
        pytest.skip("compiling needs pdflatex")
    done = subprocess.run(
        [command, "-interaction=nonstopmode", "-no-shell-escape", "tables.tex"],
        cwd=out / "tables", capture_output=True, text=True, errors="replace", check=False,
    )  # fmt: skip
    assert [line for line in done.stdout.splitlines() if line.startswith("!")] == []
    assert done.returncode == 0
    assert (out / "tables/tables.pdf").stat().st_size


def test_text_of_several_lines_keeps_them():
    text = latex(Captioned("prompts", "Prompts.", Table(("role", "text"), (("writer", "Say:\n\n{x}"),))), "prompts")
    assert r"writer & Say:\newline \strut\newline \{x\} \\" in text


@pytest.mark.parametrize(("rows", "length", "form"), [(3, 20, "table"), (3, 60, "table*"), (40, 60, "longtable")])
def test_tables_compile_in_an_article_of_two_columns(tmp_path, rows, length, form):
    if (command := shutil.which("pdflatex")) is None:
        pytest.skip("compiling needs pdflatex")
    table = Table(("task", "text"), tuple((f"task {number}", "word " * (length // 5)) for number in range(rows)))
    text = latex(Captioned("texts", "Some texts.", table), "texts")
    assert rf"\begin{{{form}}}" in text
    (tmp_path / "texts.tex").write_text(text, encoding="utf-8")
    (tmp_path / "article.tex").write_text(
        r"\documentclass[twocolumn]{article}\usepackage{array,booktabs,graphicx,longtable,textcomp}"
        r"\begin{document}Before, see \ref{tab:texts}.\input{texts}[After]\end{document}"
    )
    done = subprocess.run(
        [command, "-interaction=nonstopmode", "-no-shell-escape", "-draftmode", "article.tex"],
        cwd=tmp_path, capture_output=True, text=True, errors="replace", check=False,
    )  # fmt: skip
    assert [line for line in done.stdout.splitlines() if line.startswith(("!", "Overfull"))] == []
    assert done.returncode == 0
