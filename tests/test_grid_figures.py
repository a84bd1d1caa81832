"""Grids of images as figures for papers, of the model of digits that ships."""

from __future__ import annotations

import base64
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from conftest import Cli

from vae_tui.imaging.grid import decode_png


def needs_matplotlib() -> None:
    pytest.importorskip("matplotlib", reason="the optional package matplotlib is not installed")


def pixels_in(drawn: str) -> np.ndarray:
    """The picture that an .svg has within it."""
    (encoded,) = re.findall(r"data:image/png;base64,([A-Za-z0-9+/=\s]+)", drawn)
    return decode_png(base64.b64decode(encoded))


def test_a_traversal_has_its_pixels_and_its_labels_as_text(cli: Cli, tmp_path: Path) -> None:
    needs_matplotlib()
    arguments = ("traverse", "--around", "class:4", "--dimensions", "0,3", "--columns", "5")
    assert cli(*arguments, "--out", "ways.svg").stdout == "ways.svg\n"
    drawn = (tmp_path / "ways.svg").read_text()
    texts = re.findall(r">([^<>]+)</text>", drawn)
    assert len(texts) == 2 + 5
    assert [text.split()[0] for text in texts if text.startswith("z")] == ["z0", "z3"]
    assert texts[0] != texts[1]
    assert "-3.0" in texts or "−3.0" in texts
    cli(*arguments, "--out", "ways.png", "--no-labels")
    np.testing.assert_array_equal(pixels_in(drawn)[..., :1], decode_png((tmp_path / "ways.png").read_bytes())[..., :1])
    assert "Comment: traverse test:1" in drawn, "what it is of stands in the file"
    cli(*arguments, "--out", "again.svg")
    assert (tmp_path / "again.svg").read_text() == drawn, "the same bytes every time"
    cli(*arguments, "--out", "bare.svg", "--no-labels")
    assert "</text>" not in (tmp_path / "bare.svg").read_text()


@pytest.mark.parametrize("command", ["sample", "reconstruct", "interpolate", "manifold", "inpaint"])
def test_what_stands_still_is_a_page_too(cli: Cli, tmp_path: Path, command: str) -> None:
    needs_matplotlib()
    done = cli(command, "--out", "picture.pdf")
    assert (done.returncode, done.stdout) == (0, "picture.pdf\n"), done.stderr
    assert (tmp_path / "picture.pdf").read_bytes().startswith(b"%PDF")


def test_of_many_labels_as_many_are_written_as_there_is_room_for(cli: Cli, tmp_path: Path) -> None:
    needs_matplotlib()
    cli("manifold", "--columns", "60", "--out", "map.svg")
    texts = re.findall(r">([^<>]+)</text>", (tmp_path / "map.svg").read_text())
    assert 10 < len(texts) < 80
    width = float(re.findall(r'<svg [^>]*width="([\d.]+)pt"', (tmp_path / "map.svg").read_text())[0])
    assert width <= 6.5 * 72 + 1, "it is no wider than a page"


def test_without_matplotlib_that_is_said_before_anything_is_computed(tmp_path: Path) -> None:
    program = "import sys; sys.modules['matplotlib'] = None; from vae_tui.cli import main; sys.exit(main())"
    command = [sys.executable, "-c", program, "sample", "--out", "grid.pdf"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith("figures are drawn by the package matplotlib, which is not installed: pip install")
    assert not list(tmp_path.iterdir())
