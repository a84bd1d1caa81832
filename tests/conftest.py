from __future__ import annotations

import base64
import os
import re
import subprocess
import sys
import zlib
from collections.abc import Callable, Generator, Sequence
from pathlib import Path

import numpy as np
import pytest

from vae_tui import events as ev
from vae_tui.imaging.grid import Pixels
from vae_tui.recipe import LoadedRecipe, parse
from vae_tui.runs.job import TrainingJob
from vae_tui.runs.layout import Run
from vae_tui.training.preparation import create_run
from vae_tui.training.train_run import train_run

# Every test process has the cores to itself no more than its siblings do.
os.environ.setdefault("OMP_NUM_THREADS", "1")

MakeRun = Callable[..., Run]
Cli = Callable[..., subprocess.CompletedProcess[str]]


def train_events(
    run: Run,
    *,
    resume: bool = False,
    overrides: Sequence[str] = (),
    device: str = "cpu",
    devices: int = 1,
    data_root: Path | None = None,
    interrupted: Callable[[], bool] = lambda: False,
) -> Generator[ev.Event, None, None]:
    """Train a run in this process, to its end or as far as its events are asked for."""
    job = TrainingJob(
        resume=run.name if resume else None,
        overrides=tuple(overrides),
        device=device,
        devices=devices,
        data_root=data_root,
    )
    return train_run(run, job, interrupted=interrupted)


@pytest.fixture(autouse=True)
def cache_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache folder of the test's own, for the processes it starts too; nobody's own is ever touched, nor are settings."""
    home = tmp_path_factory.mktemp("cache")
    monkeypatch.setenv("XDG_CACHE_HOME", str(home))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home / "config"))
    return home


@pytest.fixture
def cli(tmp_path: Path) -> Cli:
    """`vae-tui`, run as a process in a folder of the test's own, without a terminal."""

    def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "vae_tui", *map(str, arguments)],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
        )

    return run


@pytest.fixture
def images_path(tmp_path: Path) -> Path:
    """120 grey images of 8 x 6: bright blobs at random places, so that there is something to learn."""
    generator = np.random.default_rng(0)
    rows, columns = np.mgrid[:8, :6]
    centres = generator.uniform((1, 1), (7, 5), (120, 2))
    distance = (rows - centres[:, :1, None]) ** 2 + (columns - centres[:, 1:, None]) ** 2
    path = tmp_path / "blobs.npy"
    np.save(path, (255 * np.exp(-distance / 3)).astype(np.uint8))
    return path


@pytest.fixture
def recipe(images_path: Path) -> Path:
    """A recipe for the blobs that trains in a moment."""
    path = images_path.with_name("blobs.toml")
    path.write_text(
        f'[data]\nname = "npz"\nroot = "{images_path}"\n[model]\nhidden = [16]\nlatent_dim = 3\n'
        "[train]\nepochs = 3\nbatch_size = 20\n[sample]\ncount = 4\n"
    )
    return path


@pytest.fixture
def make_run(tmp_path: Path, images_path: Path) -> MakeRun:
    """A new run on the blobs with a small network; overrides as for --set."""

    def make(*overrides: str, name: str = "run") -> Run:
        tables = {
            "data": {"name": "npz", "root": str(images_path)},
            "model": {"hidden": [16], "latent_dim": 3},
            "train": {"epochs": 3, "batch_size": 20, "threads": 1},
            "sample": {"count": 6},
        }
        recipe, _ = parse(tables, overrides)
        return create_run(LoadedRecipe(recipe, "blobs"), tmp_path / "checkpoints", name)

    return make


@pytest.fixture
def walked_run(tmp_path: Path) -> Run:
    """A run with a checkpoint to walk in: five latents, one of them dead, images of 8 x 8 in three classes."""
    from vae_tui.model import build
    from vae_tui.model.checkpoint import encode_checkpoint

    generator = np.random.default_rng(0)
    labels = np.arange(120) % 3
    images = generator.integers(0, 90, (120, 8, 8), dtype=np.uint8)
    for index, label in enumerate(labels):
        images[index, 2 * label : 2 * label + 3] += 160
    np.savez(tmp_path / "bars.npz", images=images, labels=np.array(["top", "middle", "bottom"])[labels])
    tables = {
        "data": {"name": "npz", "root": str(tmp_path / "bars.npz"), "test": 0.3},
        "model": {"hidden": [16], "latent_dim": 5},
    }
    recipe, _ = parse(tables)
    run = create_run(LoadedRecipe(recipe, "bars"), tmp_path / "checkpoints", "walked")
    facts = {
        "step": 7,
        "class_names": ["bottom", "middle", "top"],
        "rate_per_dimension": [0.2, 1.5, 0.001, 0.9, 0.4],
    }
    (run.path / "step-000000007.safetensors").write_bytes(
        encode_checkpoint(build(recipe, (1, 8, 8), seed=3), None, facts)
    )
    return run


@pytest.fixture
def followed(tmp_path: Path) -> Run:
    """A run with one checkpoint that has no weights, for decoders that need none."""
    from walking import write_checkpoint

    run = Run.create(tmp_path / "checkpoints", "walked", "", exact=True)
    write_checkpoint(run.path / "step-000000100.safetensors")
    return run


def _decode_sixel(sequence: str) -> Pixels:
    """What a terminal draws, (H, W, 4): the fourth channel is 255 where something is drawn."""
    parts = re.fullmatch(r'\x1bP0;1;0q"1;1;(\d+);(\d+)(.*)\x1b\\', sequence)
    assert parts is not None
    width, height, data = int(parts[1]), int(parts[2]), parts[3]
    drawn = np.zeros((-(-height // 6) * 6, width, 4), np.uint8)
    palette: dict[int, tuple[int, ...]] = {}
    register = x = y = 0
    for token in re.finditer(r"#(\d+)(?:;2;(\d+);(\d+);(\d+))?|!(\d+)(.)|([$-])|([?-~])", data):
        number, red, green, blue, times, repeated, control, single = token.groups()
        if number is not None:
            register = int(number)
            if red is not None:
                percents = (int(red), int(green), int(blue))
                assert max(percents) <= 100
                palette[register] = (*(round(percent * 2.55) for percent in percents), 255)
        elif control is not None:
            x, y = 0, y + 6 * (control == "-")
        else:
            bits = ord(repeated or single) - 63
            count = int(times or 1)
            for row in range(6):
                if bits >> row & 1:
                    drawn[y + row, x : x + count] = palette[register]
            x += count
            assert x <= width
    assert "".join(token[0] for token in re.finditer(r"[#!$?-~0-9;-]+", data)) == data
    assert max(palette) < 256
    assert not drawn[height:].any(), "drawn below the last row"
    return drawn[:height]


def _split_kitty(sent: str) -> list[tuple[dict[str, str], str]]:
    """The keys and the payload of each command; nothing else may be in between."""
    found = re.findall(r"\x1b_G([^;\x1b]*)(?:;([^\x1b]*))?\x1b\\", sent)
    assert "".join(f"\x1b_G{keys}{';' if data else ''}{data}\x1b\\" for keys, data in found) == sent
    return [(dict(pair.split("=") for pair in keys.split(",")), data) for keys, data in found]


def _decode_kitty(sent: str) -> tuple[dict[str, str], Pixels]:
    """The keys of the first command, and the pixels (H, W, 3) of all."""
    chunks = _split_kitty(sent)
    assert all(len(data) <= 4096 and (len(data) % 4 == 0 or keys["m"] == "0") for keys, data in chunks)
    assert [keys["m"] for keys, _ in chunks] == ["1"] * (len(chunks) - 1) + ["0"]
    assert all(set(keys) <= {"m", "q"} for keys, _ in chunks[1:])
    keys = chunks[0][0]
    assert (keys["f"], keys["o"]) == ("24", "z")
    content = zlib.decompress(base64.b64decode("".join(data for _, data in chunks)))
    return keys, np.frombuffer(content, np.uint8).reshape(int(keys["v"]), int(keys["s"]), 3)


@pytest.fixture
def decode_sixel() -> Callable[[str], Pixels]:
    """What a sixel sequence draws."""
    return _decode_sixel


@pytest.fixture
def split_kitty() -> Callable[[str], list[tuple[dict[str, str], str]]]:
    """The commands of kitty's graphics protocol in what was sent."""
    return _split_kitty


@pytest.fixture
def decode_kitty() -> Callable[[str], tuple[dict[str, str], Pixels]]:
    """The picture that was transmitted."""
    return _decode_kitty
