"""Files that matplotlib draws, which is optional and imported here alone, once something is drawn."""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from vae_tui import __version__
from vae_tui.errors import VaeTuiError
from vae_tui.text import printable

if TYPE_CHECKING:
    from matplotlib.figure import Figure

INK, FAINT_INK, LEVELS, GRID = "#333333", "#8a8a8a", "#c9c9c9", "#e6e6e6"
_SETTINGS: Any = {
    "font.size": 9,
    "axes.titlesize": 10,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.edgecolor": FAINT_INK,
    "axes.labelcolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": GRID,
    "grid.linewidth": 0.7,
    "xtick.color": INK,
    "ytick.color": INK,
    "text.color": INK,
    "svg.hashsalt": "vae-tui",
    "svg.fonttype": "none",
    "pdf.fonttype": 42,
}


def check_matplotlib() -> None:
    """Raise VaeTuiError where matplotlib is not installed."""
    try:
        import matplotlib.figure  # noqa: F401, PLC0415 - it is optional, and takes a second
    except ImportError as error:
        raise VaeTuiError(
            "figures are drawn by the package matplotlib, which is not installed: pip install 'vae-tui[figures]'"
        ) from error


def draw_file(
    draw: Callable[[Figure], None],
    suffix: str,
    size: tuple[float, float],
    *,
    about: Mapping[str, str] | None = None,
) -> bytes:
    """The content of a .png, .svg or .pdf file, of what `draw` puts into a figure of so many inches, the same every time.

    What there is to say `about` it stands in the description of an .svg, and as the subject of a .pdf. Raises VaeTuiError where matplotlib is not installed.
    """
    check_matplotlib()
    import matplotlib  # noqa: PLC0415
    from matplotlib.figure import Figure  # noqa: PLC0415

    content = io.BytesIO()
    with matplotlib.rc_context(_SETTINGS), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing")  # names in any script
        figure = Figure(figsize=size, layout="constrained")
        draw(figure)
        described = {"Creator" if suffix != ".png" else "Software": f"vae-tui {__version__}"}
        if about:
            field = {".svg": "Description", ".pdf": "Subject"}.get(suffix, "Comment")
            described[field] = printable("\n".join(f"{key}: {value}" for key, value in about.items()), lines=True)
        dateless = {".svg": {"Date": None}, ".pdf": {"CreationDate": None}}.get(suffix, {})
        figure.savefig(content, format=suffix[1:], dpi=200, metadata={**described, **dateless})
    return content.getvalue()
