r"""The tables of a bench as LaTeX: one file a table to ``\input`` in a paper, and ``tables.tex`` that compiles alone.

The tables need the packages array, booktabs, longtable, textcomp and graphicx. Every text stays text: characters with
a meaning in LaTeX are escaped, and those that pdfLaTeX has no glyph for are written by number. XeLaTeX and LuaLaTeX
print them, if the font has them; pdfLaTeX prints the number, such as U+4E2D.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from instructzero.bench.parts import Captioned
from instructzero.bench.tables import Table

_NAMED = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "#": r"\#", "$": r"\$", "%": r"\%", "&": r"\&", "_": r"\_",
    "^": r"\textasciicircum{}", "~": r"\textasciitilde{}", "<": r"\textless{}", ">": r"\textgreater{}",
    "|": r"\textbar{}", "'": r"\textquotesingle{}", "`": r"\textasciigrave{}", '"': r"\char34{}", "[": "{[}",
    "]": "{]}", "*": "{*}", "-": "{-}", ",": "{,}", "–": r"\textendash{}", "—": r"\textemdash{}",
    "‘": r"\textquoteleft{}", "’": r"\textquoteright{}", "“": r"\textquotedblleft{}", "”": r"\textquotedblright{}",
    "…": r"\textellipsis{}", "±": r"\textpm{}", "×": r"\texttimes{}", "÷": r"\textdiv{}", "−": r"\textminus{}",
    "·": r"\textperiodcentered{}", "°": r"\textdegree{}", "€": r"\texteuro{}", "•": r"\textbullet{}",
}  # fmt: skip
"""Characters that are escaped or have a command. Hyphens and commas in a row would become others."""

_LETTERS = frozenset(
    "ÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏÑÒÓÔÕÖØÙÚÛÜÝßàáâãäåæçèéêëìíîïñòóôõöøùúûüýÿĂăĆćČčĎďĚěĞğĹĺĽľŁłŃńŇňŐőŒœŔŕŘřŚśŠšŤťŮůŰűŸŹźŻżŽž"
)
"""Letters that pdfLaTeX knows in every encoding of fonts."""

_HEAD = r"""% Needs \usepackage{array,booktabs,graphicx,longtable,textcomp}, and \usepackage[T1]{fontenc} with pdfLaTeX.
% Other scripts than the Latin one are printed by XeLaTeX and LuaLaTeX with a font that has them.
\ifdefined\instructzerochar\else
  \ifdefined\Umathchar\protected\def\instructzerochar#1{\char\string"#1\relax}%
  \else\protected\def\instructzerochar#1{\texttt{U+#1}}\fi
\fi
"""
_STANDALONE = r"""% All tables of this bench, to look at: pdflatex tables.tex. In a paper, \input one of the files.
\documentclass{article}
\usepackage[a4paper,landscape,margin=2cm]{geometry}
\usepackage{iftex}
\ifPDFTeX\usepackage[T1]{fontenc}\IfFileExists{lmodern.sty}{\usepackage{lmodern}}{}\fi
\usepackage{array,booktabs,graphicx,longtable,textcomp}
\begin{document}
%s
\end{document}
"""
_NUMBER = re.compile(r"$|[+-]?[$]?\d|<|never$|unknown$|no price set$")
_LONG = 40  # characters from which a column is broken into lines
_MANY = 40  # rows from which a table is broken into pages


def escape(text: str) -> str:
    r"""Return a text as LaTeX that prints it, on one line.

    >>> escape("50 % of {x} \\ 中")
    '50 \\% of \\{x\\} \\textbackslash{} \\instructzerochar{4E2D}'
    """
    return "".join(map(_escaped, " ".join(text.split())))


def _escaped(character: str) -> str:
    if character in _NAMED:
        return _NAMED[character]
    if " " <= character <= "~" or character in _LETTERS:
        return character
    number = f"{ord(character):04X}"
    # What is not printed, such as a control character or a mark of the direction, is shown by its number everywhere.
    return rf"\instructzerochar{{{number}}}" if character.isprintable() else rf"\texttt{{U+{number}}}"


def latex(captioned: Captioned, label: str) -> str:
    """Return a table as LaTeX, with its caption and the label ``tab:LABEL``."""
    table = captioned.table
    caption = rf"\caption{{{escape(captioned.caption)}}}\label{{tab:{label}}}"
    long = [max(len(text) for text in (name, *column)) > _LONG for name, column in _columns(table)]
    head = _line([(rf"\textbf{{{escape(name)}}}", False) for name in table.header])
    body = "\n".join(
        _line([(escape(text), (row, place) in table.best) for place, text in enumerate(texts)])
        for row, texts in enumerate(table.rows)
    )
    form = "".join(map(_column, long, [column for _, column in _columns(table)], [sum(long)] * len(long)))
    write = _in_pages if any(long) or len(table.rows) > _MANY else _floating
    return _HEAD + write(form, caption, head, body)


def _columns(table: Table) -> Iterable[tuple[str, tuple[str, ...]]]:
    return ((name, tuple(row[place] for row in table.rows)) for place, name in enumerate(table.header))


def _column(is_long: bool, texts: Sequence[str], count: int) -> str:
    """Return the form of a column: in lines if it is one of ``count`` long ones, else right for numbers."""
    if is_long:
        return rf">{{\raggedright\arraybackslash}}p{{{0.6 / count:.2f}\linewidth}}"
    return "r" if all(_NUMBER.match(text) for text in texts) else "l"


def _line(texts: Sequence[tuple[str, bool]]) -> str:
    """Return a row; the best values are bold."""
    return " & ".join(rf"\textbf{{{text}}}" if is_best else text for text, is_best in texts) + r" \\"


def _floating(form: str, caption: str, head: str, body: str) -> str:
    """Return a table that floats, made smaller if it is wider than the line."""
    return "\n".join([
        r"\begin{table}[tbp]", r"\centering", caption,
        r"\resizebox{\ifdim\width>\linewidth\linewidth\else\width\fi}{!}{%",
        rf"\begin{{tabular}}{{{form}}}", r"\toprule", head, r"\midrule", body, r"\bottomrule",
        r"\end{tabular}}", r"\end{table}", "",
    ])  # fmt: skip


def _in_pages(form: str, caption: str, head: str, body: str) -> str:
    """Return a table that may be broken between pages, in small type."""
    return "\n".join([
        r"\begingroup\small", rf"\begin{{longtable}}{{{form}}}", caption + r"\\",
        r"\toprule", head, r"\midrule", r"\endfirsthead", r"\toprule", head, r"\midrule", r"\endhead", body,
        r"\bottomrule", r"\end{longtable}", r"\endgroup", "",
    ])  # fmt: skip


def file_name(name: str) -> str:
    r"""Return the name of the file of a table, without its suffix; every LaTeX reads it in ``\input``."""
    return re.sub(r"[^A-Za-z0-9=+]+", "-", name).strip("-") or "table"


def standalone(names: Sequence[str]) -> str:
    """Return the document of all tables, each in a section of its own."""
    parts = (rf"\section*{{{escape(name)}}}" "\n" rf"\input{{{name}.tex}}" "\n" r"\clearpage" for name in names)
    return _STANDALONE.replace("%s", "\n".join(parts))
