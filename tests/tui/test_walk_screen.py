from __future__ import annotations

import asyncio
import os
import tomllib
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from textual.pilot import Pilot
from walking import write_at_step

from vae_tui.imaging.grid import decode_png
from vae_tui.latent.grids import decode_points
from vae_tui.model import build
from vae_tui.model.checkpoint import encode_checkpoint
from vae_tui.recipe import parse
from vae_tui.runs.feed import RunFeed
from vae_tui.runs.layout import Run
from vae_tui.tui.app import VaeTuiApp
from vae_tui.tui.screens.training import TrainingScreen
from vae_tui.tui.screens.walk import WalkScreen
from vae_tui.tui.widgets.canvas import Canvas
from vae_tui.tui.widgets.view_pane import ViewPane
from vae_tui.walk.decoder import DecoderProcess
from vae_tui.walk.recorded import read_walk
from vae_tui.walk.session import WalkSession
from vae_tui.walk.views.view import Pixels

pytestmark = pytest.mark.slow

Open = Callable[..., AbstractAsyncContextManager["Walking"]]


class Walking:
    """The walk as a user at a terminal has it, with a real decoder behind it."""

    def __init__(self, app: VaeTuiApp, pilot: Pilot[Any]) -> None:
        self.app, self.pilot = app, pilot

    @property
    def screen(self) -> WalkScreen:
        return next(screen for screen in self.app.screen_stack if isinstance(screen, WalkScreen))

    @property
    def z(self) -> np.ndarray:
        return self.session.walk.z

    @property
    def session(self) -> WalkSession:
        return self.screen.session

    @property
    def images(self) -> Pixels:
        """The pictures of the view."""
        tiles = self.session.walk.views.current.tiles
        return np.empty((0, 8, 8, 1), np.uint8) if tiles is None else tiles.images

    @property
    def canvas(self) -> Canvas:
        return self.screen.query_one(ViewPane).query_one(Canvas)

    @property
    def text(self) -> str:
        strips = self.app.screen._compositor.render_strips()
        return "\n".join("".join(segment.text for segment in strip) for strip in strips)

    async def press(self, *keys: str) -> None:
        await self.pilot.press(*keys)
        await self.pilot.pause()

    async def type(self, text: str) -> None:
        """Type into a prompt and take it."""
        names = {
            " ": "space",
            ":": "colon",
            ".": "full_stop",
            "/": "slash",
            "-": "minus",
            "+": "plus",
            "_": "underscore",
        }
        await self.press(*(names.get(character, character) for character in text), "enter")

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait for something to come true; what never does fails."""
        for _ in range(600):
            if condition():
                return
            await asyncio.sleep(0.05)
        raise AssertionError(self.text)

    async def sees(self, text: str) -> None:
        await self.until(lambda: text in self.text)

    async def opened(self) -> None:
        await self.until(lambda: self.session.walk.image is not None)


@pytest.fixture
def open_walk(walked_run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Open:
    monkeypatch.chdir(tmp_path)

    @asynccontextmanager
    async def open_walk(size: tuple[int, int] = (120, 40), *, beside: Path | None = None) -> AsyncIterator[Walking]:
        app = VaeTuiApp(WalkScreen(walked_run.latest().path, beside=beside))
        async with app.run_test(size=size) as pilot:
            await pilot.pause()
            yield Walking(app, pilot)

    return open_walk


async def test_the_screen_answers_before_the_decoder_is_there(open_walk: Open) -> None:
    async with open_walk() as walk:
        assert walk.session.walk.image is None
        await walk.press("right", "right", "down", "L")
        # The dimensions stand in the order of the rates that the checkpoint tells: 1, 3, 4, 0, 2.
        np.testing.assert_allclose(walk.z, [0, 0.2, 0, 1, 0], atol=1e-6)
        await walk.opened()
        np.testing.assert_allclose(walk.z, [0, 0.2, 0, 1, 0], atol=1e-6)
        assert "4 of 5 active" in walk.text


async def test_places_are_reached_by_every_key(open_walk: Open) -> None:
    async with open_walk() as walk:
        await walk.opened()
        await walk.press("r")
        await walk.until(lambda: bool(walk.z.any()))
        drawn = walk.z
        assert "seed 0" in walk.text
        await walk.press("r")
        await walk.until(lambda: not np.array_equal(walk.z, drawn))
        assert "seed 1" in walk.text
        await walk.press("u")
        np.testing.assert_array_equal(walk.z, drawn)
        await walk.press("U", "o")
        assert walk.z[1] == 0
        await walk.press("enter")
        await walk.type("-2.5")
        assert walk.z[1] == -2.5
        await walk.press("enter")
        await walk.type("much")
        await walk.sees("is no number")
        assert walk.z[1] == -2.5
        await walk.press("backspace", "backspace", "backspace", "backspace")
        await walk.type("1")
        assert walk.z[1] == 1
        before = walk.z
        await walk.press("p")
        await walk.until(lambda: not np.array_equal(walk.z, before))
        await walk.press("O")
        assert not walk.z.any()
        await walk.press("R")
        await walk.type("3.5")
        await walk.sees("is no whole number")
        await walk.press("escape", "R")
        await walk.type("42")
        await walk.sees("seed 42")


async def test_sliders_traversals_and_maps_reach_as_far_as_a_learned_prior(open_walk: Open) -> None:
    async with open_walk() as walk:
        await walk.opened()

        def mark() -> int:
            """Where the chosen slider's mark stands."""
            return next(line.index("◆") for line in walk.text.splitlines() if "▸z1" in line)

        middle = mark()
        await walk.press("L", "L", "L")
        end = mark()
        draws = np.zeros((100, 5), np.float32)
        draws[:, 1] = 6.0
        walk.session.walk.dimensions.reach(5, (draws, np.zeros_like(draws)))
        await walk.press("2")
        assert "z1 from -6.0 to +6.0" in walk.text
        assert mark() - middle == pytest.approx((end - middle) / 2, abs=1)
        await walk.press("4")
        assert "z1 → -6.0 … +6.0   z3 ↑ -3.0 … +3.0" in walk.text
        await walk.press("1", "enter")
        assert "draws of the prior lie between −6 and 6" in walk.text


async def test_every_view_shows_itself_and_moves_with_the_place(open_walk: Open) -> None:
    async with open_walk() as walk:
        await walk.opened()
        await walk.press("2")
        await walk.until(lambda: len(walk.images) == 11)
        assert walk.canvas.mark == 5
        await walk.press("L", "L")
        assert walk.canvas.mark == 8
        await walk.press("3")
        await walk.sees("every active dimension")
        await walk.press("4")
        await walk.sees("z1 → -3.0 … +3.0   z3 ↑")
        await walk.press("left", "up")
        assert walk.z[1] == pytest.approx(2 - 0.15)
        assert walk.z[3] == pytest.approx(0.15)
        await walk.press("plus")
        await walk.until(lambda: "-3.0 … +3.0" not in walk.text)
        await walk.press("5")
        await walk.sees("PC 1")
        await walk.sees("bottom")
        before = walk.z
        await walk.press("right", "up")
        assert not np.array_equal(walk.z, before)
        await walk.press("tab")
        await walk.sees("t-SNE")
        await walk.press("6")
        await walk.sees("nearest training images")
        await walk.sees("train:")


async def test_among_the_codes_classes_are_lit_up_and_images_gone_to_and_seen(open_walk: Open) -> None:
    async with open_walk() as walk:
        await walk.opened()
        await walk.press("5")
        await walk.sees("near test")
        codes, nearest = walk.session.walk.scene.codes, walk.session.walk.views.scatter.nearest
        assert codes is not None
        await walk.press("C")
        await walk.type("sneaker")
        await walk.sees("there is no class 'sneaker'")
        await walk.press("ctrl+u")
        await walk.type("mid")
        await walk.sees("class middle: ")
        await walk.press("C")
        await walk.sees("all classes")
        await walk.press("N")
        await walk.sees(f"class {codes.names[0]}: ")
        await walk.press("slash")
        await walk.sees("its next test image after the one you are at")
        await walk.type("class:top")
        first = int(np.flatnonzero(codes.labels == codes.names.index("top"))[0])
        await walk.sees(f"near test {first} (top)")
        np.testing.assert_allclose(walk.z, codes.means[first], atol=1e-5)
        await walk.press("slash", "enter")
        following = int(np.flatnonzero(codes.labels == codes.names.index("top"))[1])
        await walk.sees(f"here: test {following} (top)")
        await walk.until(lambda: nearest.shown is not None and nearest.shown.index == following)
        assert nearest.shown is not None
        assert nearest.shown.pixels.shape == (8, 8, 1)
        await walk.sees(f"─ test {following} ─")
        await walk.press("c")
        await walk.type("test:7")
        await walk.sees("near test 7 (")
        await walk.pilot.hover("#scatter", offset=(30, 10))
        pointed = nearest.index(codes, walk.z)
        await walk.sees(f"near test {pointed} (")
        await walk.press("1")
        assert not walk.screen.query_one("#nearest", Canvas).display


async def test_anchors_are_picked_by_typing_and_walked_between(open_walk: Open) -> None:
    async with open_walk() as walk:
        await walk.opened()
        await walk.press("a")
        await walk.type("class:top")
        await walk.sees("A test")
        await walk.press("space")
        await walk.sees("two anchors are needed")
        await walk.press("a", "m", "i", "d")
        await walk.sees("mean:middle")
        await walk.press("down", "down", "enter")
        await walk.sees("B mean of middle")
        await walk.press("a")
        await walk.type("class:sneaker")
        await walk.sees("there is no class")
        await walk.press("c")
        await walk.type("top - middle + A")
        await walk.sees("here: top - middle + A")
        at_rest = walk.z
        await walk.press("space")
        await walk.until(lambda: not np.array_equal(walk.z, at_rest))
        await walk.press("space")
        stopped = walk.z
        await asyncio.sleep(0.3)
        np.testing.assert_array_equal(walk.z, stopped)
        await walk.press("n", "n")
        await walk.sees("random walk")


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_at_an_image_s_code_the_frame_and_the_sliders_say_what_is_known(
    open_walk: Open, size: tuple[int, int]
) -> None:
    async with open_walk(size) as walk:
        await walk.opened()
        await walk.sees("log p(z) -4.59 nats")
        assert "±" not in walk.text
        await walk.press("5")
        await walk.until(lambda: walk.session.walk.scene.codes is not None)
        await walk.press("1", "a")
        await walk.type("test:0")
        await walk.sees("q(z) ")
        await walk.sees("±")
        assert walk.text.count("±") == 5
        await walk.press("l")
        await walk.until(lambda: "±" not in walk.text)


async def test_directions_are_typed_and_have_sliders_of_their_own(open_walk: Open) -> None:
    async with open_walk() as walk:
        await walk.opened()
        await walk.press("L", "D")
        await walk.sees("what changes the picture most here")
        await walk.type("jacobian:1 class:top-middle")
        await walk.sees("added: jacobian:1 gain")
        assert "▸jac:1" in walk.text
        before, vector = walk.z, walk.session.walk.dimensions.axes.vector(5)
        await walk.press("enter")
        await walk.type("2")
        np.testing.assert_allclose(walk.z @ vector, 2, atol=1e-5)
        np.testing.assert_allclose(walk.z - before, ((walk.z - before) @ vector) * vector, atol=1e-5)
        await walk.press("d")
        await walk.type("jacobian:1 class:top-middle")
        await walk.press("4")
        await walk.sees("jacobian:1 → ")
        await walk.press("5")
        await walk.sees("class:top-middle ↑")
        await walk.press("X")
        await walk.sees("removed jacobian:1")
        await walk.press("3")
        await walk.sees("directions and active dimensions, a row each")
        await walk.press("X")
        await walk.sees("every active dimension, a row each")
        await walk.press("D")
        await walk.type("class:top-hat")
        await walk.sees("class:top-hat: expected two classes")
        await walk.press("escape")


async def test_another_model_is_seen_beneath_at_the_same_place_and_at_the_same_image(
    open_walk: Open, tmp_path: Path
) -> None:
    vae = build(parse({"model": {"latent_dim": 5, "hidden": [6]}})[0], (1, 8, 8), seed=9)
    other = tmp_path / "other.safetensors"
    other.write_bytes(encode_checkpoint(vae, None, {"step": 1}))
    async with open_walk(beside=other) as walk:
        await walk.opened()
        await walk.sees("beneath: other.safetensors at the same place")
        await walk.press("L")
        await walk.until(
            lambda: (tiles := walk.session.walk.views.current.tiles) is not None and bool(tiles.points.any())
        )
        tiles = walk.session.walk.views.current.tiles
        assert tiles is not None
        assert tiles.beneath is not None
        np.testing.assert_array_equal(tiles.beneath, decode_points(vae.eval(), walk.z[None]))
        await walk.press("B")
        await walk.sees("beneath: other.safetensors's reconstruction")
        await walk.press("B")
        await walk.sees("beneath: standard deviation over the posterior")
        await walk.press("B")
        await walk.sees("nothing stands beneath")


async def test_the_image_is_dragged_with_the_mouse(open_walk: Open) -> None:
    async with open_walk() as walk:
        await walk.opened()
        pane = walk.screen.query_one(ViewPane)
        width, height = pane.content_size
        await walk.pilot.mouse_down(pane, offset=(10, 10))
        await walk.pilot.hover(pane, offset=(20, 10))
        await walk.pilot.hover(pane, offset=(20, 6))
        await walk.pilot.mouse_up(pane, offset=(20, 6))
        # The map's axes are those with the highest rates, 1 and 3.
        np.testing.assert_allclose(walk.z, [0, 60 / width, 0, 24 / height, 0], atol=1e-5)
        await walk.pilot.hover(pane, offset=(40, 20))
        np.testing.assert_allclose(walk.z, [0, 60 / width, 0, 24 / height, 0], atol=1e-5)
        await walk.press("u")
        assert not walk.z.any()


async def test_bookmarks_stay_with_the_run(open_walk: Open, walked_run: Run) -> None:
    async with open_walk() as walk:
        await walk.press("L", "m", "4")
        await walk.sees("saved as 4")
        await walk.press("O", "b", "4")
        assert walk.z[1] == 1
        await walk.press("b", "9")
        await walk.sees("bookmark 9 is empty")
        assert walk.session.walk.views.current.name == "image"
    assert list(tomllib.loads((walked_run.path / "bookmarks.toml").read_text())["bookmarks"]) == ["4"]


async def test_what_was_walked_is_exported_and_replays_to_the_same_bytes(open_walk: Open, tmp_path: Path) -> None:
    async with open_walk() as walk:
        await walk.opened()
        await walk.press("x")
        await walk.type("")
        await walk.sees("wrote walk-1.png")
        seen = decode_png((tmp_path / "walk-1.png").read_bytes())
        image = walk.session.walk.image
        assert image is not None
        # Large enough to look at.
        np.testing.assert_array_equal(seen, image.repeat(8, axis=0).repeat(8, axis=1))
        await walk.press("v", "L", "right", "down", "H", "v")
        await walk.sees("recorded 4 frames")
        for name in ("mine.gif", "mine.toml"):
            await walk.press("x", "ctrl+u")
            await walk.type(name)
            await walk.until((tmp_path / name).exists)
        await walk.press("x", "ctrl+u")
        await walk.type("mine.gif")
        await walk.sees("is there already")
    with Image.open(tmp_path / "mine.gif") as gif:
        assert getattr(gif, "n_frames", 1) == 4
        assert b"/step-" in gif.info["comment"]
    with Image.open(tmp_path / "walk-1.png") as picture:
        assert "/step-" in picture.info["Checkpoint"]
    assert len(read_walk(tmp_path / "mine.toml").points) == 4
    from typer.testing import CliRunner

    from vae_tui.cli.main import app

    assert CliRunner().invoke(app, ["sample", "--path", "mine.toml", "--out", "again.gif"]).exit_code == 0
    assert (tmp_path / "again.gif").read_bytes() == (tmp_path / "mine.gif").read_bytes()


async def test_a_decoder_that_dies_is_told_and_replaced(open_walk: Open) -> None:
    async with open_walk() as walk:
        await walk.opened()
        decoder, before = walk.session.walk.link._decoder, walk.session.walk.image
        assert isinstance(decoder, DecoderProcess)
        os.kill(decoder.pid, 9)
        await walk.sees("the decoder died")
        await walk.press("L")
        await walk.until(lambda: walk.session.walk.image is not before)
        assert walk.z[1] == 1


@pytest.mark.parametrize("size", [(80, 24), (200, 60), (40, 12)])
async def test_every_view_fits_every_screen(open_walk: Open, size: tuple[int, int]) -> None:
    async with open_walk(size=size) as walk:
        await walk.opened()
        for key in "123456":
            await walk.press(key)
            await asyncio.sleep(0.1)
            assert {len(line) for line in walk.text.split("\n")} == {size[0]}


async def test_from_training_it_follows_the_newest_checkpoint_in_place(walked_run: Run) -> None:
    app = VaeTuiApp(TrainingScreen(RunFeed(walked_run)))
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.pause()
        await pilot.press("w")
        await pilot.pause()
        walk = Walking(app, pilot)
        await walk.opened()
        await walk.press("L")
        write_at_step(walked_run.latest().path, 9)
        await walk.sees("step 9")
        assert walk.z[1] == 1
        await walk.press("q")
        assert isinstance(app.screen, TrainingScreen)


async def test_a_key_that_closes_prompts_does_not_leave_the_walk(open_walk: Open) -> None:
    async with open_walk() as walk:
        await walk.opened()
        await walk.press("escape", "w")
        assert isinstance(walk.app.screen, WalkScreen)
        await walk.sees("q leaves the walk")


async def test_without_a_checkpoint_there_is_nothing_to_walk_in_yet(walked_run: Run) -> None:
    walked_run.latest().path.unlink()
    app = VaeTuiApp(TrainingScreen(RunFeed(walked_run)))
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.pause()
        await pilot.press("w")
        await pilot.pause()
        assert isinstance(app.screen, TrainingScreen)
        assert "no checkpoint to walk in" in Walking(app, pilot).text
