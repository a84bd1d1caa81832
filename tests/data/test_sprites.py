from __future__ import annotations

import threading

import numpy as np
import pytest
import torch

from vae_tui.data import in_slices
from vae_tui.data.sprites import COUNT, FACTOR_SIZES, draw_sprites
from vae_tui.data.streamed import StreamedPixels
from vae_tui.errors import DataError, RecipeError
from vae_tui.recipe import parse

SIDES = pytest.mark.parametrize("side", [32, 64])
POSES = torch.cartesian_prod(*(torch.arange(size) for size in FACTOR_SIZES[:3]))


def at(x: int, y: int, poses: torch.Tensor = POSES) -> torch.Tensor:
    return torch.cat([poses, torch.tensor([x, y]).expand(len(poses), 2)], 1)


def masses(factors: torch.Tensor, side: int) -> torch.Tensor:
    """How many pixels at 64 x 64 are white, in all."""
    return draw_sprites(factors, side).sum((1, 2, 3)) / 255 * (64 / side) ** 2


def centres(factors: torch.Tensor, side: int) -> torch.Tensor:
    """The centres of mass (B, 2), x and y, as shares of the side."""
    pixels = draw_sprites(factors, side)[:, 0].double()
    places = (torch.arange(side) + 0.5).double() / side
    total = pixels.sum((1, 2))
    return torch.stack([(pixels.sum(1) @ places) / total, (pixels.sum(2) @ places) / total], 1)


@pytest.mark.slow
@SIDES
def test_there_is_an_image_for_every_combination_and_its_factors_say_which(load, side) -> None:
    sets = load(name="sprites", image_size=side)
    parts = (sets.train, sets.validation, sets.test)
    assert sum(map(len, parts)) == COUNT == 737_280
    assert sets.factor_names == ("shape", "scale", "rotation", "x", "y")
    assert sets.class_names == ("square", "ellipse", "heart")
    every = torch.cat([part.factors for part in parts])
    assert len(np.unique(np.ravel_multi_index(tuple(every.T.numpy()), FACTOR_SIZES))) == COUNT
    for part in parts:
        assert part.pixels.shape == (len(part), 1, side, side)
        assert torch.equal(part.labels, part.factors[:, 0])
        some = torch.arange(0, len(part), len(part) // 50)
        assert torch.equal(part.pixels[some], draw_sprites(part.factors[some], side))


def test_few_are_held_out_unless_more_are_wanted(load) -> None:
    sets = load(name="sprites")
    assert (len(sets.validation), len(sets.test)) == (7299, 7373)
    assert sets.train.pixels.shape[1:] == (1, 64, 64)
    sets = load(name="sprites", validation=0.0, test=0.5)
    assert sets.validation is None
    assert len(sets.test) == COUNT // 2


@SIDES
def test_nothing_is_cut_off_at_the_border(side) -> None:
    for x, y in ((0, 0), (0, 31), (31, 0), (31, 31)):
        border = draw_sprites(at(x, y), side)
        border[:, :, 1:-1, 1:-1] = 0
        assert not border.any()
        torch.testing.assert_close(masses(at(x, y), side), masses(at(16, 15), side), rtol=0.02, atol=0)


@SIDES
def test_places_go_right_and_down_by_even_steps(side) -> None:
    for x, y in ((0, 0), (31, 31), (7, 20)):
        expected = torch.tensor([16.5 + x, 16.5 + y]).double() / 64
        found = centres(at(x, y), side)
        torch.testing.assert_close(found, expected.expand_as(found), rtol=0, atol=0.003)


@SIDES
def test_shapes_have_the_areas_of_geometry_in_every_size_and_turn(side) -> None:
    found = masses(at(3, 8), side).reshape(FACTOR_SIZES[:3])
    radius = 14 * torch.linspace(0.5, 1, 6)
    square = 2 * radius**2
    ellipse = torch.pi * radius * radius / 2
    # Its lower corner is this many of its square's sides from the centre of mass.
    across = 0.5**0.5 + (torch.pi / 4) * (0.5 + 2 / (3 * torch.pi)) / 2**0.5 / (1 + torch.pi / 4)
    heart = (radius / across) ** 2 * (1 + torch.pi / 4)
    expected = torch.stack([square, ellipse, heart])[:, :, None].expand(FACTOR_SIZES[:3])
    torch.testing.assert_close(found, expected, rtol=0.02, atol=0)


def test_turns_go_counterclockwise_and_do_not_end_where_they_began() -> None:
    quarter = draw_sprites(torch.tensor([[2, 5, turn, 15, 15] for turn in (0, 10, 20, 30)]), 64)[:, 0, :63, :63]
    for turns in range(4):
        turned = torch.rot90(quarter[0], turns)
        assert (turned.int() - quarter[turns].int()).abs().max() <= 1
    hearts = draw_sprites(at(15, 15)[2 * 240 + 200 :], 64)
    assert len(hearts) == 40
    assert len(hearts.unique(dim=0)) == 40


def test_a_heart_stands_on_its_tip_and_an_ellipse_lies() -> None:
    heart, ellipse = draw_sprites(torch.tensor([[2, 5, 0, 16, 16], [1, 5, 0, 16, 16]]), 64)[:, 0] > 127
    rows = heart.any(1).nonzero().flatten()
    assert heart[rows[-1]].sum() <= 2
    assert heart[rows[0]].sum() >= 6
    assert abs(int(ellipse.any(0).sum()) - 2 * int(ellipse.any(1).sum())) <= 1


def test_edges_are_soft_and_the_rest_is_black_and_white() -> None:
    pixels = draw_sprites(at(16, 16), 64)
    grey = ((pixels > 0) & (pixels < 255)).sum((1, 2, 3))
    assert (grey > 8).all()
    assert (grey < 130).all()
    assert pixels.amax((1, 2, 3)).eq(255).all()


def test_the_smaller_image_is_the_larger_one_with_four_pixels_made_one() -> None:
    factors = torch.stack([torch.randint(size, (300,)) for size in FACTOR_SIZES], 1)
    larger = draw_sprites(factors, 64).float().unflatten(3, (32, 2)).unflatten(2, (32, 2)).mean((3, 5))
    assert (draw_sprites(factors, 32) - larger).abs().max() <= 1


def test_slices_and_indexes_and_picks_agree(load) -> None:
    images = load(name="sprites", image_size=32).train
    assert isinstance(images.pixels, StreamedPixels)
    assert len(images.pixels) == len(images)
    order = torch.randperm(len(images))[:2500]
    picked = images.pick(order)
    assert torch.equal(picked.pixels[:], images.pixels[order])
    assert torch.equal(picked.factors, images.factors[order])
    assert torch.equal(picked.labels, images.labels[order])
    assert torch.equal(images.pixels[5], images.pixels[5:6][0])
    assert torch.equal(torch.cat(list(in_slices(picked.pixels, 999))), picked.pixels[:])
    assert picked.checksum == load(name="sprites", image_size=32).train.pick(order).checksum
    assert picked.mean_image.shape == (1, 32, 32)


def test_several_threads_draw_at_once(load) -> None:
    pixels = load(name="sprites", image_size=32).test.pixels
    outs = [torch.empty(500, 1, 32, 32, dtype=torch.uint8) for _ in range(4)]
    indexes = [torch.randint(len(pixels), (500,)) for _ in outs]
    threads = [threading.Thread(target=pixels.read_into, args=pair) for pair in zip(outs, indexes, strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for out, chosen in zip(outs, indexes, strict=True):
        assert torch.equal(out, pixels[chosen])


def test_the_same_pixels_on_every_machine() -> None:
    # Written down once: another number here means that the data set has changed, and _DRAWING is to be raised.
    factors = at(9, 22)
    assert [int(draw_sprites(factors, side).sum(dtype=torch.int64)) for side in (32, 64)] == [10_008_622, 40_036_796]


def test_black_and_white_is_drawn_anew_for_training_and_once_for_the_rest(load) -> None:
    grey, drawn = (load(name="sprites", image_size=32, binarize=how) for how in ("none", "dynamic"))
    assert torch.equal(drawn.train.pixels[:100], grey.train.pixels[:100])
    assert set(drawn.test.pixels.unique().tolist()) == {0, 255}
    assert torch.equal(drawn.test.factors, grey.test.factors)


def test_drawings_that_do_not_fit_in_memory_are_refused(load, monkeypatch) -> None:
    monkeypatch.setattr("vae_tui.data.load.memory_limit", lambda _: 1 << 20)
    with pytest.raises(DataError, match=r"sprites: validation images drawn in black and white take .* lower data\.val"):
        load(name="sprites", image_size=32, binarize="dynamic")


@pytest.mark.parametrize("size", [28, 65, [64, 32], [64, 64]])
def test_other_sizes_are_refused(size) -> None:
    with pytest.raises(RecipeError, match=r'image_size: expected 32 or 64 with name = "sprites", got \[?\d\d'):
        parse({"data": {"name": "sprites", "image_size": size}})


def test_static_drawing_is_refused() -> None:
    with pytest.raises(RecipeError, match='binarize: "static" keeps what it drew'):
        parse({"data": {"name": "sprites", "binarize": "static"}})


def test_factors_that_are_none_are_refused() -> None:
    for wrong in ([[3, 0, 0, 0, 0]], [[0, 0, -1, 0, 0]], [[0, 0, 0]], [0, 0, 0, 0, 0]):
        with pytest.raises(DataError, match=r"sprites: expected factors \(B, 5\), shape below 3, scale below 6"):
            draw_sprites(torch.tensor(wrong), 64)
    assert draw_sprites(torch.empty(0, 5, dtype=torch.int64), 64).shape == (0, 1, 64, 64)


def test_other_sets_have_no_factors(load) -> None:
    sets = load(name="digits")
    assert sets.train.factors is None
    assert sets.factor_names == ()
