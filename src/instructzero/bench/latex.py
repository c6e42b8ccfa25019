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
_LONG, _MEDIUM = 40, 24  # characters: a table with a text above the first has every column above the second in lines
_MANY, _MUCH = 30, 2000  # rows and characters from which a table is broken into pages
_COLUMN = 55  # characters in the row of a table that a column of a two-column article has room for
_MOST_EMS = 24  # of the columns beside long ones, which still leave these enough of a line


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
    widths = [max(map(_width, (name, *column))) for name, column in _columns(table)]
    has_long = max(widths) > _LONG
    long = [has_long and width > _MEDIUM for width in widths]
    head = _line([(rf"\textbf{{{escape(name)}}}", False) for name in table.header])
    body = "\n".join(
        _line([(_lines(text) if long[place] else escape(text), (row, place) in table.best) for place, text in cells])
        for row, cells in enumerate(map(list, map(enumerate, table.rows)))
    )
    broken = rf">{{\raggedright\arraybackslash}}p{{{_long_width(widths, long)}}}"
    form = "".join(broken if is_long else "lr"[table.is_numeric(place)] for place, is_long in enumerate(long))
    is_tall = len(table.rows) > _MANY or sum(len(text) for row in table.rows for text in row) > _MUCH
    if is_tall:
        return _HEAD + _in_pages(form, caption, head, body)
    return _HEAD + _floating("table*" if sum(widths) > _COLUMN else "table", form, caption, head, body)


def _columns(table: Table) -> Iterable[tuple[str, tuple[str, ...]]]:
    return ((name, tuple(row[place] for row in table.rows)) for place, name in enumerate(table.header))


def _width(text: str) -> int:
    """Return the width of a text in characters as pdfLaTeX prints it; one of several lines is long."""
    printed = re.sub(r"\\instructzerochar\{|\\texttt\{", "", escape(text))
    return max(len(text), len(re.sub(r"\\[a-z]+\{\}", "x", printed)), _LONG + 1 if "\n" in text else 0)


def _long_width(widths: Sequence[int], long: Sequence[bool]) -> str:
    """Return the width of each long column: they share what the others leave, half an em for a character."""
    ems = sum(width // 2 + 1 for width, is_long in zip(widths, long, strict=True) if not is_long)
    count = max(sum(long), 1)
    if ems > _MOST_EMS:
        return rf"{0.4 / count:.2f}\linewidth"
    return rf"\dimexpr(\linewidth-{ems}em-{2 * len(widths)}\tabcolsep)/{count}\relax"


def _lines(text: str) -> str:
    """Return a text as LaTeX that prints it line by line."""
    return r"\newline ".join(escape(line) or r"\strut" for line in text.strip().splitlines())


def _line(texts: Sequence[tuple[str, bool]]) -> str:
    """Return a row; the best values are bold."""
    return " & ".join(rf"\textbf{{{text}}}" if is_best else text for text, is_best in texts) + r" \\"


def _floating(name: str, form: str, caption: str, head: str, body: str) -> str:
    """Return a table that floats, made smaller if it is wider than the line; a ``table*`` spans all columns."""
    return "\n".join([
        rf"\begin{{{name}}}[tbp]", r"\centering\small" if "p{" in form else r"\centering", caption + r"\par\smallskip",
        r"\resizebox{\ifdim\width>\linewidth\linewidth\else\width\fi}{!}{%",
        rf"\begin{{tabular}}{{{form}}}", r"\toprule", head, r"\midrule", body, r"\bottomrule",
        r"\end{tabular}}", rf"\end{{{name}}}", "",
    ])  # fmt: skip


def _in_pages(form: str, caption: str, head: str, body: str) -> str:
    """Return a table that may be broken between pages, in small type; an article of two columns interrupts them."""
    return "\n".join([
        r"\expandafter\ifx\csname if@twocolumn\endcsname\iftrue\onecolumn",
        r"\def\instructzeroback{\twocolumn\relax}\else\def\instructzeroback{}\fi",
        r"\begingroup\small", rf"\begin{{longtable}}{{{form}}}", caption + r"\\",
        r"\toprule", head, r"\midrule", r"\endfirsthead", r"\toprule", head, r"\midrule", r"\endhead", body,
        r"\bottomrule", r"\end{longtable}", r"\endgroup\instructzeroback", "",
    ])  # fmt: skip


def file_name(name: str) -> str:
    r"""Return the name of the file of a table, without its suffix; every LaTeX reads it in ``\input``."""
    return re.sub(r"[^A-Za-z0-9=+]+", "-", name).strip("-") or "table"


def standalone(names: Sequence[str]) -> str:
    """Return the document of all tables, each in a section of its own."""
    parts = (rf"\section*{{{escape(name)}}}" "\n" rf"\input{{{name}.tex}}" "\n" r"\clearpage" for name in names)
    return _STANDALONE.replace("%s", "\n".join(parts))
