"""Pictures of the walk screen, for the eye of whoever changes it: pytest --snapshot-update, then look at them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from vae_tui.exchange import Message
from vae_tui.imaging.terminal import Mode
from vae_tui.runs.layout import Run
from vae_tui.tui.screens import walk
from vae_tui.tui.walk_app import WalkApp

NARROW, WIDE = (80, 24), (120, 40)
CLASSES = ["circle", "ring", "spot"]


def draw(points: NDArray[Any]) -> NDArray[np.uint8]:
    """Rings (N, 16, 16, 1) that the latents (N, 5) move and widen; whole numbers alone, so the same anywhere."""
    across, down, size = (np.rint(points[:, dimension] * 8).astype(int)[:, None, None] for dimension in (1, 3, 4))
    rows, columns = np.mgrid[:16, :16] * 16 - 120
    distance = (columns - across) ** 2 + (rows - down) ** 2
    off = np.abs(distance - (64 + size) ** 2)
    return np.clip(255 - off // 14, 0, 255).astype(np.uint8)[..., None]


class DrawingDecoder:
    """Stands in for the decoder's process, and answers at once."""

    def __init__(self, hear: Callable[[Message], object], *, data_root: Path | None = None) -> None:
        self._hear = hear
        generator = np.random.default_rng(0)
        self._labels = np.arange(90) % 3
        self._codes = (generator.integers(-90, 90, (90, 5)) / 100).astype(np.float32)
        self._codes[:, 1] += self._labels - 1.0
        self._codes[:, 3] += self._labels % 2

    def ask(
        self, kind: str, facts: Mapping[str, Any] | None = None, arrays: Mapping[str, NDArray[Any]] | None = None
    ) -> None:
        given, points = dict(facts or {}), (arrays or {}).get("points")
        kind, more, answered = getattr(self, f"_{kind}")(given, points)
        self._hear(Message(kind, given | more, answered))

    def close(self) -> None:
        pass

    def _open(self, given: Any, points: Any) -> Any:
        more = {
            "step": 1_200,
            "network": "mlp 256-400-5",
            "latent_dim": 5,
            "rates": [0.21, 1.52, 0.001, 0.93, 0.4],
            "rates_are_measured": True,
            "class_names": CLASSES,
        }
        return "opened", more, {}

    def _draw(self, given: Any, points: Any) -> Any:
        epsilon = np.array([0.5, -1.25, 0.75, 1.0, -0.25], np.float32)
        return "drawn", {}, {"epsilon": epsilon, "middle": np.zeros(5, np.float32), "noise": epsilon}

    def _decode(self, given: Any, points: Any) -> Any:
        return "decoded", {}, {"images": draw(points)}

    def _encode(self, given: Any, points: Any) -> Any:
        return "encoded", {"class_names": CLASSES}, {"means": self._codes, "labels": self._labels}

    def _project(self, given: Any, points: Any) -> Any:
        directions = np.zeros((2, 5), np.float32)
        directions[0, 1] = directions[1, 3] = 1
        answered = {
            "coordinates": self._codes[:, [1, 3]],
            "indexes": np.arange(90),
            "origin": np.zeros(5, np.float32),
            "directions": directions,
        }
        return "projected", {"axes": ["PC 1 (61% of the variance)", "PC 2 (22% of the variance)"]}, answered

    def _neighbours(self, given: Any, points: Any) -> Any:
        means = self._codes[: given["count"]]
        captions = [f"train:{7 * row} {CLASSES[row % 3]} 0.{11 + row}" for row in range(len(means))]
        images = draw(np.concatenate([points, means]))
        return "neighboured", {"captions": captions}, {"images": images, "means": means, "points": points}


@pytest.fixture
def snap(snap_compare: Any, walked_run: Run, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(walk, "Decoder", DrawingDecoder)
    monkeypatch.chdir(walked_run.path)

    def snap(size: tuple[int, int], *keys: str, sees: str, images: Mode = "half") -> bool:
        async def settle(pilot: Any) -> None:
            for key in ("", *keys):
                if key:
                    await pilot.press(key)
                await rest(pilot)
            assert sees in read(pilot)

        async def rest(pilot: Any) -> None:
            """Wait until nothing more changes, however busy the machine is."""
            before, same = "", 0
            while same < 3:
                await pilot.pause(0.05)
                now = read(pilot)
                same = same + 1 if now == before and pilot.app.screen.is_mounted else 0
                before = now

        def read(pilot: Any) -> str:
            strips = pilot.app.screen._compositor.render_strips()
            return "\n".join("".join(segment.text for segment in strip) for strip in strips)

        app = WalkApp(walked_run.latest().path, images=images)
        return bool(snap_compare(app, terminal_size=size, run_before=settle))

    return snap


def test_image(snap: Any) -> None:
    assert snap(NARROW, "L", "right", "down", "H", "A", sees="A here 1")


def test_strip(snap: Any) -> None:
    assert snap(NARROW, "2", "L", sees="z1 from -3.0")


def test_table(snap: Any) -> None:
    assert snap(WIDE, "3", "down", "H", sees="-1.00")


def test_map(snap: Any) -> None:
    assert snap(NARROW, "4", "up", "right", "plus", sees="z1 → -2.4")


def test_scatter(snap: Any) -> None:
    assert snap(WIDE, "5", "right", "up", sees="cursor at")


def test_scatter_without_colours(snap: Any) -> None:
    assert snap(NARROW, "5", "right", "up", sees="0=circle", images="ascii")


def test_neighbours(snap: Any) -> None:
    assert snap(WIDE, "6", sees="train:0")


def test_neighbours_in_ascii(snap: Any) -> None:
    assert snap(NARROW, "6", sees="train:0", images="ascii")


def test_prompt(snap: Any) -> None:
    assert snap(NARROW, "a", "c", "down", sees="mean:circle")


def test_help(snap: Any) -> None:
    assert snap(NARROW, "question_mark", sees="choose a latent dimension")
