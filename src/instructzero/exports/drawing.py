"""The style of all figures, which are drawn with matplotlib and saved as PNG, SVG and PDF.

Nothing here changes matplotlib's global state. The six colours are adapted from the palette of Okabe and Ito, which
colour-blind readers can distinguish.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from instructzero.errors import ConfigurationError, ignoring_warnings
from instructzero.exports.targets import check_links, check_target
from instructzero.files import make_folder, write_atomically

if TYPE_CHECKING:
    from matplotlib.figure import Figure

INK, FAINT, GAP = "#1a1a1a", "#8a8a8a", "#fefefe"
PALETTE = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#b07d00", "#56b4e9")
_STYLE: dict[Any, Any] = {
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 9,
    "axes.edgecolor": FAINT,
    "axes.labelcolor": INK,
    "axes.linewidth": 0.8,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.grid": False,
    "text.color": INK,
    "text.parse_math": False,
    "xtick.color": INK,
    "ytick.color": INK,
    "grid.color": FAINT,
    "grid.alpha": 0.25,
    "grid.linewidth": 0.6,
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "savefig.facecolor": "white",
    "svg.fonttype": "none",
    "svg.hashsalt": "instructzero",
    "pdf.fonttype": 42,
}
_METADATA: dict[str, dict[str, None]] = {
    "png": {"Software": None},
    "svg": {"Date": None, "Creator": None},
    "pdf": {"CreationDate": None},
}
"""Metadata to leave out by file format, because they would differ every time a figure is saved."""


def require_matplotlib() -> None:
    """Raise `ConfigurationError` if matplotlib is not installed."""
    if importlib.util.find_spec("matplotlib") is None:
        raise ConfigurationError(
            "expected matplotlib for the figures, got none; install it with: pip install 'instructzero[bench]'"
        )


def new_figure(width: float, height: float) -> Figure:
    """Return an empty figure; ``width`` and ``height`` are in inches."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained")


@contextmanager
def house_style() -> Iterator[None]:
    """Use the style within the block, for drawing and saving.

    Raises
    ------
    ConfigurationError
        If matplotlib is not installed.
    """
    require_matplotlib()
    from matplotlib import rc_context

    # An instruction may be in any language. The style belongs to the whole process, too.
    with ignoring_warnings("Glyph .* missing"), rc_context(_STYLE):
        yield


def save(figure: Figure, path: Path) -> list[Path]:
    """Save a figure to ``path`` with the suffixes .png, .svg and .pdf; equal figures give equal bytes.

    Returns the paths of the three files.
    """
    check_links(path.parent)
    make_folder(path.parent)
    paths = []
    with house_style():
        for ending, metadata in _METADATA.items():
            paths.append(path.with_name(f"{path.name}.{ending}"))
            check_target(paths[-1], replaced=True)
            content = BytesIO()
            figure.savefig(content, format=ending, dpi=200, metadata=metadata)
            write_atomically(paths[-1], content.getvalue())
    return paths
