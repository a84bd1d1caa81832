"""Pictures of the walk screen, for the eye of whoever changes it: pytest --snapshot-update, then look at them."""

from __future__ import annotations

from typing import Any

import pytest
from fake_decoder import FakeDecoder
from walking import write_at_step

from vae_tui.imaging.terminal import Mode
from vae_tui.runs.layout import Run, weights_name
from vae_tui.tui.app import VaeTuiApp
from vae_tui.tui.screens import walk
from vae_tui.tui.screens.walk import WalkScreen

pytestmark = pytest.mark.slow

NARROW, WIDE = (80, 24), (120, 40)


@pytest.fixture
def snap(snap_compare: Any, walked_run: Run, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(walk, "DecoderProcess", FakeDecoder)
    monkeypatch.chdir(walked_run.path)
    first = walked_run.latest().path
    write_at_step(first, 1200)
    first.unlink()

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

        app = VaeTuiApp(WalkScreen(walked_run.latest().path), images=images)
        return bool(snap_compare(app, terminal_size=size, run_before=settle))

    return snap


def test_image(snap: Any) -> None:
    assert snap(NARROW, "L", "right", "down", "H", "A", sees="A here 1")


def test_strip(snap: Any) -> None:
    assert snap(NARROW, "2", "L", sees="z1 from -3.0")


def test_table(snap: Any) -> None:
    assert snap(WIDE, "3", "down", "H", sees="-1.00")


def test_directions(snap: Any) -> None:
    keys = (*"pca", "colon", "1", "space", *"class", "colon", *"circle", "minus", *"ring", "enter")
    assert snap(WIDE, "3", "D", *keys, "l", sees="circle-r")


def test_map(snap: Any) -> None:
    assert snap(NARROW, "4", "up", "right", "plus", sees="z1 → -2.4")


def test_scatter(snap: Any) -> None:
    assert snap(WIDE, "5", "right", "up", sees="cursor at")


def test_scatter_without_colours(snap: Any) -> None:
    assert snap(NARROW, "5", "right", "up", sees="0=circle", images="ascii")


def test_a_class_among_the_codes(snap: Any) -> None:
    assert snap(WIDE, "5", "N", "N", sees="class ring: 30 of 90 codes")


def test_neighbours(snap: Any) -> None:
    assert snap(WIDE, "6", sees="train:0")


def test_neighbours_in_ascii(snap: Any) -> None:
    assert snap(NARROW, "6", sees="train:0", images="ascii")


def test_earlier_weights(snap: Any, walked_run: Run) -> None:
    walked_run.snapshots_path.mkdir()
    for step in (0, 600):
        (walked_run.snapshots_path / weights_name(step)).touch()
    assert snap(WIDE, "3", "L", "left_square_bracket", sees="step 600 (2 of 3)")


def test_prompt(snap: Any) -> None:
    assert snap(NARROW, "a", "c", "down", sees="mean:circle")


def test_help(snap: Any) -> None:
    assert snap(NARROW, "question_mark", sees="choose a dimension")


def test_a_picture_in_which_something_is_painted_and_hidden(snap: Any) -> None:
    assert snap(NARROW, "E", "space", "right", "down", "tab", "left", sees="hidden; enter fills it")


def test_eight_pictures_that_agree_with_what_is_left_in_sight(snap: Any) -> None:
    assert snap(WIDE, "E", "tab", "space", "enter", "right", sees="2 of 8 that agree")
