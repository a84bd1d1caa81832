"""How near pictures drawn in cells come to their pixels: ours, textual-image and chafa, in the same cells.

    apt-get install chafa; pip install -e '.[bench]'
    python benchmarks/picture_sharpness.py --data-root ../shared/data [--count 40]

For each set and size, PSNR in dB of what an ideal terminal shows (every block exactly on its part of the cell, in 16 million
colours) from the picture in its own size: of the mean squared error over all pictures and values. The bytes that each
program writes are read back as a terminal would. chafa gets the symbols that are named; it has no octants before 1.16.
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

from vae_tui.data import load_image_sets
from vae_tui.imaging.grid import Pixels
from vae_tui.imaging.half_blocks import render_half_blocks
from vae_tui.imaging.mosaics import CHARACTERS, LINES, render_mosaic_row, to_mosaic
from vae_tui.imaging.tiles import resize
from vae_tui.recipe import parse

SIZES = {"mnist": [(7, 14)], "fashion-mnist": [(7, 14)], "cars": [(14, 28), (24, 48)]}
"""Rows and columns of cells."""
OURS = ("half", "quadrant", "sextant", "octant")
CHAFA = {
    "half": "vhalf,space,solid",
    "quadrant": "quad,vhalf,hhalf,space,solid",
    "sextant": "sextant,quad,vhalf,hhalf,space,solid",
}
FINE = 12
_SGR = re.compile(r"\x1b\[([\d;]*)m|\x1b\[[?\d;]*[A-Za-z]|\x1b[()][A-Z0-9]|(\r?\n)|(.)", re.DOTALL)


def coverage() -> dict[str, np.ndarray]:
    """Where each character has ink, (12, 2)."""
    found = {}
    sextants = CHARACTERS["sextant"][:32] + CHARACTERS["sextant"][-32:]
    for characters, rows in ((CHARACTERS["octant"], 4), (sextants, 3), (CHARACTERS["quadrant"], 2)):
        for bits, character in enumerate(characters):
            squares = np.array([bits >> place & 1 for place in range(2 * rows)], bool).reshape(rows, 2)
            found[character] = squares.repeat(FINE // rows, axis=0)
    return found


def read_back(text: str, rows: int, columns: int) -> Pixels:
    """What a terminal shows of bytes, (12 rows, 2 columns, 3)."""
    shapes = coverage()
    shown = np.zeros((rows, columns, FINE, 2, 3), np.uint8)
    colors, inverse, row, column = [np.full(3, 255, np.uint8), np.zeros(3, np.uint8)], False, 0, 0
    for match in _SGR.finditer(text):
        if match[1] is not None:
            numbers = [int(number or 0) for number in match[1].split(";")]
            while numbers:
                number = numbers.pop(0)
                if number == 0:
                    colors, inverse = [np.full(3, 255, np.uint8), np.zeros(3, np.uint8)], False
                elif number == 7:
                    inverse = True
                elif number in (38, 48):
                    assert numbers.pop(0) == 2, "16 million colours"
                    colors[number == 48] = np.array([numbers.pop(0) for _ in range(3)], np.uint8)
        elif match[2] is not None:
            row, column = row + 1, 0
        elif match[3] is not None and row < rows and column < columns:
            ink, ground = reversed(colors) if inverse else colors
            shown[row, column] = np.where(shapes[match[3]][..., None], ink, ground)
            column += 1
    return shown.swapaxes(1, 2).reshape(rows * FINE, columns * 2, 3)


def draw_ours(image: Pixels, kind: str, rows: int, columns: int) -> str:
    if kind == "half":
        lines = render_half_blocks(resize(image, 2 * rows, columns))
    else:
        cells = to_mosaic(resize(image, 4 * LINES[kind] * rows, 2 * columns), kind)
        lines = [render_mosaic_row(row, kind) for row in cells]
    return "\n".join("".join(segment.style.render(segment.text) for segment in line) for line in lines)


def draw_chafa(image: Pixels, kind: str, rows: int, columns: int) -> str:
    with tempfile.NamedTemporaryFile(suffix=".png") as file:
        Image.fromarray(image.squeeze()).save(file.name)
        command = ["chafa", f"--size={columns}x{rows}", "--stretch", "--colors=full", "--format=symbols"]
        command += [
            f"--symbols={CHAFA[kind]}",
            "--dither=none",
            "--font-ratio=0.5",
            "--animate=off",
            "--work=9",
            file.name,
        ]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def draw_textual_image(image: Pixels, rows: int, columns: int) -> str:
    from io import StringIO

    from rich.console import Console
    from textual_image.renderable.halfcell import Image as Halfcell

    console = Console(file=StringIO(), force_terminal=True, color_system="truecolor", width=columns, height=rows)
    console.print(Halfcell(Image.fromarray(image.squeeze()).convert("RGB"), width=columns, height=rows), end="")
    return console.file.getvalue()


def psnr(images: list[Pixels], drawn: list[Pixels]) -> float:
    errors = []
    for image, shown in zip(images, drawn, strict=True):
        height, width = np.lcm(image.shape[0], shown.shape[0]), np.lcm(image.shape[1], shown.shape[1])
        large = [each.repeat(height // each.shape[0], 0).repeat(width // each.shape[1], 1) for each in (image, shown)]
        errors.append(np.square(large[0].astype(float) - large[1]).mean())
    return float(10 * np.log10(255**2 / np.mean(errors)))


def load(name: str, data_root: Path, count: int) -> list[Pixels]:
    data = (
        {"name": name} if name != "cars" else {"name": "folder", "root": str(data_root / "cars128"), "image_size": 128}
    )
    sets = load_image_sets(parse({"data": data})[0].data, seed=0, data_root=data_root, progress=lambda *_: None)
    return list(np.asarray(sets.test.pixels[:count]).transpose(0, 2, 3, 1))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data-root", type=Path, required=True)
    parser.add_argument("--count", type=int, default=40)
    parser.add_argument("--sets", nargs="+", choices=SIZES, default=list(SIZES))
    given = parser.parse_args()
    if not shutil.which("chafa"):
        sys.exit("chafa is not here: apt-get install chafa")
    print(f"{'':24}{'ours':>8}{'chafa':>8}{'textual-image':>15}")
    for name in given.sets:
        images = load(name, given.data_root, given.count)
        for rows, columns in SIZES[name]:
            for kind in OURS:
                ours = psnr(images, [read_back(draw_ours(each, kind, rows, columns), rows, columns) for each in images])
                found = [f"{ours:.1f}", "-", "-"]
                if kind in CHAFA:
                    theirs = [read_back(draw_chafa(each, kind, rows, columns), rows, columns) for each in images]
                    found[1] = f"{psnr(images, theirs):.1f}"
                if kind == "half":
                    theirs = [read_back(draw_textual_image(each, rows, columns), rows, columns) for each in images]
                    found[2] = f"{psnr(images, theirs):.1f}"
                print(f"{name + f' {columns}x{rows} ' + kind:24}{found[0]:>8}{found[1]:>8}{found[2]:>15}", flush=True)


if __name__ == "__main__":
    main()
