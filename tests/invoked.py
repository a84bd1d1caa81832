"""Commands called in this process, and the arrays that they write."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from typer.testing import CliRunner, Result

from vae_tui.cli.main import app


def invoke(*arguments: str | Path) -> Result:
    """What `vae-tui` with those arguments printed; what it raises is raised."""
    result = CliRunner().invoke(app, [*map(str, arguments)])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0, result.stderr
    return result


def read_npz(path: str) -> dict[str, np.ndarray]:
    """The arrays in a file."""
    with np.load(path) as arrays:
        return dict(arrays)
