"""Every command of docs/experiments.md, run on small models: page and tests cannot drift apart."""

from __future__ import annotations

import os
import re
import shlex
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

import vae_tui
from vae_tui.cli.main import app
from vae_tui.imaging.gif import decode_gif
from vae_tui.imaging.grid import decode_png
from vae_tui.recipe import load_recipe, parse

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "experiments.md").read_text()
COMMANDS = [line for block in re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL) for line in block.splitlines()]
TRAININGS = {shlex.split(line)[-1]: line for line in COMMANDS if line.startswith("vae-tui train ")}
PICTURES = [line for line in COMMANDS if not line.startswith("vae-tui train ")]
SMALL = {"epochs": 1, "max_seconds": 5.0, "batch_size": 100, "threads": 1, "keep": 1}


def photos() -> Path:
    data = Path(os.environ.get("VAE_TUI_TEST_DATA", ROOT.parent / "shared" / "data"))
    folder = data / "cars128" / "images"
    if not folder.is_dir():
        pytest.skip(f"no photos in {folder}; VAE_TUI_TEST_DATA names the folder that holds cars128")
    return folder


def train_small(name: str, folder: Path) -> None:
    """What the page's training of run `name` would train, on the embedded digits or 30 photos and much smaller."""
    words = shlex.split(TRAININGS[name])
    overrides = [value for flag, value in pairwise(words) if flag == "--set"]
    tables = load_recipe(words[2], overrides).recipe.resolved()
    tables["train"] = {**SMALL, "seed": 0}
    if tables["data"]["name"] == "folder":
        few = folder / "photos"
        few.mkdir()
        for photo in sorted(photos().iterdir())[:30]:
            (few / photo.name).symlink_to(photo)
        tables["data"]["root"] = str(few)
        tables["model"]["channels"] = [4, 4, 4, 4]
    else:
        tables["data"] = {"name": "digits", "image_size": 8}
        tables["model"]["hidden"] = [16]
    recipe, _ = parse(tables)
    for _ in vae_tui.train(recipe, name=name, runs_dir=folder):
        pass


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Folders of runs by the name of the run in them; filled as tests ask."""
    return {name: tmp_path_factory.mktemp("experiments") for name in TRAININGS}


def test_the_page_has_the_classics() -> None:
    assert len(TRAININGS) >= 9
    assert len(PICTURES) >= 18
    assert {shlex.split(line)[2] for line in PICTURES} == set(TRAININGS)
    outs = [shlex.split(line)[-1] for line in PICTURES]
    assert len(set(outs)) == len(outs)


@pytest.mark.slow
@pytest.mark.parametrize("line", PICTURES, ids=[shlex.split(line)[-1] for line in PICTURES])
def test_an_experiment_draws_its_picture(
    line: str, trained: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program, *arguments = shlex.split(line)
    assert program == "vae-tui"
    folder = trained[arguments[1]]
    if not (folder / arguments[1]).is_dir():
        train_small(arguments[1], folder)
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(app, [*arguments, "--runs-dir", str(folder)], catch_exceptions=False)
    assert result.exit_code == 0, result.stderr
    out = Path(arguments[arguments.index("--out") + 1])
    decode = decode_gif if out.suffix == ".gif" else decode_png
    assert np.ptp(decode(out.read_bytes())) > 20
