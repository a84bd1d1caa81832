"""What stands beneath the pictures of a walk, from request to tiles."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from fake_decoder import FakeDecoder, draw
from walking import Walking, write_checkpoint

from vae_tui.imaging.grid import decode_png, make_grid
from vae_tui.runs.layout import Run
from vae_tui.walk.beneath import differ, fit_to
from vae_tui.walk.messages import Decode, DecoderDied, DrawSpread, Failed, OpenCheckpoint, Reconstruct
from vae_tui.walk.views.view import Pixels, Tiles, ViewName

Beside = Callable[[int], Walking]


@pytest.fixture
def beside(followed: Run, tmp_path: Path) -> Beside:
    """Walks with another model of so many latents, at rest."""

    def beside(latent_dim: int) -> Walking:
        other = write_checkpoint(tmp_path / "other-3.safetensors", latent_dim=latent_dim)
        walking = Walking(followed.latest().path, None, beside=other)
        walking.session.start()
        walking.session.view.fit((120, 160))
        walking.deliver()
        return walking

    return beside


def tiles(walking: Walking) -> Tiles:
    walking.deliver()
    found = walking.walk.views.current.tiles
    assert found is not None
    return found


def beneath(walking: Walking) -> Pixels:
    found = tiles(walking).beneath
    assert found is not None
    return found


@pytest.mark.parametrize("view", ["image", "strip", "table", "map"])
def test_a_model_of_as_many_latents_is_seen_at_the_same_places(beside: Beside, view: ViewName) -> None:
    walking = beside(5)
    walking.session.view.show(view)
    walking.session.place.set_value(0.7)
    shown = tiles(walking)
    np.testing.assert_array_equal(shown.images, draw(shown.points))
    np.testing.assert_array_equal(beneath(walking), draw(shown.points))
    assert shown.stacks.shape == (len(shown.points), 2, 16, 16, 1)
    assert walking.walk.beneath_caption == "other-3.safetensors at the same place"
    assert [type(request) for request in walking.other.sent[:2]] == [OpenCheckpoint, Decode]


def test_a_model_of_another_number_of_latents_reconstructs_the_pictures_and_at_a_code_its_image(beside: Beside) -> None:
    walking = beside(2)
    assert walking.walk.beneath_caption == "other-3.safetensors's reconstruction"
    assert (beneath(walking) == 100).all()
    walking.session.motion.add_source("ring")
    assert (beneath(walking) == 200).all()
    request = walking.other.sent[-1]
    assert isinstance(request, Reconstruct)
    assert request.source == "ring"
    np.testing.assert_array_equal(request.images, draw(walking.z[None]))
    walking.session.place.step(0.1)
    assert (beneath(walking) == 100).all()
    assert not any(isinstance(request, Decode) for request in walking.other.sent)


@pytest.fixture
def continuous(monkeypatch: pytest.MonkeyPatch) -> None:
    """Models whose posteriors have a width."""
    monkeypatch.setattr(FakeDecoder, "codebook", None)


@pytest.mark.usefixtures("continuous")
def test_a_key_goes_through_all_there_is_and_back_to_nothing(beside: Beside) -> None:
    walking = beside(5)
    walking.session.motion.add_here()
    walking.session.place.set_value(1.5)
    kinds = []
    for _ in range(5):
        kinds.append(walking.walk.beneath.kind)
        walking.session.view.next_beneath()
        walking.deliver()
    assert kinds == ["same place", "reconstruction", "change", "spread", "nothing"]
    assert walking.walk.beneath.kind == "same place"


@pytest.mark.usefixtures("continuous")
def test_without_another_model_and_without_an_anchor_there_is_the_spread_of_the_posterior(
    start: Callable[[], Walking],
) -> None:
    walking = start()
    walking.deliver()
    walking.session.view.next_beneath()
    assert walking.notice == "beneath each picture: standard deviation over the posterior"
    np.testing.assert_array_equal(beneath(walking), draw(walking.z[None]) // 4)
    assert len(walking.sent(DrawSpread)) == 1
    walking.session.view.next_beneath()
    assert walking.notice == "nothing stands beneath the pictures"
    assert tiles(walking).beneath is None


def test_the_change_is_from_the_first_anchor_and_follows_it_into_other_weights(walking: Walking) -> None:
    session = walking.session
    session.motion.add_here()
    anchor = walking.z
    session.view.next_beneath()
    session.view.show("strip")
    session.place.set_value(2.0)
    shown = tiles(walking)
    expected = np.abs(draw(shown.points).astype(int) - draw(anchor[None]).astype(int))
    np.testing.assert_array_equal(beneath(walking), expected)
    session.view.show("image")
    np.testing.assert_array_equal(beneath(walking)[0], differ(draw(walking.z[None]), draw(anchor[None])[0])[0])


@pytest.mark.parametrize("view", ["neighbors", "scatter"])
def test_views_of_other_things_have_nothing_beneath(beside: Beside, view: ViewName) -> None:
    walking = beside(5)
    walking.session.view.show(view)
    walking.deliver()
    assert walking.walk.beneath_caption == ""
    found = walking.walk.views.current.tiles
    assert found is None or found.beneath is None


def test_a_table_has_half_as_many_rows_for_each_is_two_pictures_high(beside: Beside) -> None:
    walking = beside(5)
    walking.session.view.show("table")
    walking.session.view.fit((80, 160))
    high = len(tiles(walking).images)
    while walking.walk.beneath.kind != "nothing":
        walking.session.view.next_beneath()
    assert len(tiles(walking).images) > high


def test_what_the_other_model_cannot_do_is_read_and_the_walk_goes_on(beside: Beside) -> None:
    walking = beside(2)
    walking.other.reply = lambda request: Failed("other takes images of 8x8x1")  # type: ignore[method-assign]
    walking.session.place.step(0.5)
    assert tiles(walking).beneath is None
    assert walking.notice == "other takes images of 8x8x1"


@pytest.mark.usefixtures("continuous")
def test_what_cannot_be_is_not_chosen_again(beside: Beside) -> None:
    walking = beside(2)
    walking.other.reply = lambda request: Failed("other takes images of 8x8x1")  # type: ignore[method-assign]
    walking.session.place.step(0.5)
    walking.deliver()
    kinds = []
    for _ in range(4):
        walking.session.view.next_beneath()
        walking.deliver()
        kinds.append(walking.walk.beneath.kind)
    assert kinds == ["spread", "nothing", "spread", "nothing"]


def test_another_decoder_is_started_where_the_other_model_s_died(beside: Beside) -> None:
    walking = beside(5)
    walking.session.receive_from_other(0, DecoderDied("killed"))
    assert walking.notice == "the decoder of other-3.safetensors died: killed; the next key starts another"
    walking.session.place.step(0.5)
    np.testing.assert_array_equal(beneath(walking), draw(walking.z[None]))
    walking.session.close()
    assert walking.other.is_closed


def test_both_are_exported_each_picture_above_its_other(beside: Beside, tmp_path: Path) -> None:
    walking = beside(2)
    walking.session.view.show("strip")
    shown = tiles(walking)
    walking.session.storage.export(str(tmp_path / "both.png"), 4)
    picture = decode_png((tmp_path / "both.png").read_bytes())
    blank, rows = np.zeros_like(shown.images[:1]), []
    for first in (0, 4, 8):
        for images in (shown.images, beneath(walking)):
            rows += [*images[first : first + 4], *blank[: first // 8]]
    expected = make_grid(np.stack(rows), 4)
    scale = len(picture) // len(expected)
    np.testing.assert_array_equal(picture[::scale, ::scale], expected)


@pytest.mark.parametrize(("channels", "wanted"), [(1, 1), (1, 3), (3, 1), (3, 3)])
def test_pictures_of_another_size_are_fitted_to_those_above(channels: int, wanted: int) -> None:
    pictures = np.full((2, 8, 4, channels), 90, np.uint8)
    fitted = fit_to(pictures, np.zeros((2, 16, 16, wanted), np.uint8))
    assert fitted.shape == (2, 16, 16, wanted)
    assert (fitted == 90).all()
