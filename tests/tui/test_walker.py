from __future__ import annotations

import numpy as np
import pytest

from vae_tui.tui.walker import Anchor, Walker


@pytest.fixture
def walker() -> Walker:
    walker = Walker(3)
    walker.enter(3, [0.1, 2.0, 0.005])
    walker.chosen = walker.order[0]
    return walker


def anchor(*values: float, spread: float = -np.inf) -> Anchor:
    return Anchor("an anchor", np.float32(values), np.full(len(values), spread, np.float32))


def test_dimensions_stand_in_the_order_of_their_rate(walker: Walker) -> None:
    assert walker.order == [1, 0, 2]
    walker.choose(1)
    assert walker.chosen == 0
    walker.choose(10)
    assert walker.chosen == 2


def test_steps_there_and_back_are_no_way_at_all(walker: Walker) -> None:
    for _ in range(7):
        walker.step(0.1)
    assert walker.z[1] == np.float32(0.7)
    for _ in range(7):
        walker.step(-0.1)
    assert not walker.z.any()


def test_a_drawn_place_moves_with_the_temperature_and_one_made_by_hand_does_not(walker: Walker) -> None:
    walker.drawn = np.float32([0, 0, 0]), np.float32([1, -2, 3])
    walker.draw()
    walker.warm(-0.5)
    np.testing.assert_allclose(walker.z, [0.5, -1, 1.5])
    walker.drawn = np.float32([4, 4, 4]), np.float32([1, -2, 3])
    walker.draw()
    np.testing.assert_allclose(walker.z, [4.5, 3, 5.5])
    walker.step(0.1)
    before = walker.z
    walker.warm(0.3)
    np.testing.assert_array_equal(walker.z, before)
    assert walker.temperature == 0.8


def test_sliders_reach_as_far_as_the_prior_draws(walker: Walker) -> None:
    assert walker.spans.tolist() == [3, 3, 3]
    noises = np.random.default_rng(0).standard_normal((1000, 3)).astype(np.float32)
    walker.learn_prior((np.float32([[0, 8, 0]]) * np.sign(noises), 0.1 * noises))
    assert walker.spans.tolist() == [3, 8.5, 3]
    walker.chosen, walker.kind, walker.speed = 1, "dimension", 2.0
    walker.play()
    walker.advance(4.2)
    assert walker.z[1] == pytest.approx(8.4)
    walker.enter(2, [0.1, 0.1])
    assert walker.spans.tolist() == [3, 3]


def test_one_epsilon_moves_every_anchor_by_its_own_spread(walker: Walker) -> None:
    walker.anchors = [anchor(0, 0, 0, spread=0), anchor(1, 1, 1)]
    walker.epsilon = np.float32([1, 2, 3])
    walker.at = "draw"
    np.testing.assert_allclose(walker.stops(), [[1, 2, 3], [1, 1, 1]])


def test_speed_goes_through_slow_to_backwards(walker: Walker) -> None:
    seen = []
    for _ in range(20):
        walker.hurry(-1)
        seen.append(walker.speed)
    assert 0 not in seen
    assert seen[-1] == -4
    assert sorted(seen, reverse=True) == seen


def test_playing_needs_two_anchors_and_says_so(walker: Walker) -> None:
    assert "two anchors" in (walker.play() or "")
    assert not walker.playing


def test_playing_through_anchors_goes_from_the_first_to_the_next(walker: Walker) -> None:
    walker.anchors, walker.method, walker.speed = [anchor(0, 0, 1), anchor(0, 0, 3)], "lerp", 1.0
    assert walker.play() is None
    walker.advance(0.5)
    np.testing.assert_allclose(walker.z, [0, 0, 2])
    walker.advance(1.0)
    np.testing.assert_allclose(walker.z, [0, 0, 2])


def test_the_path_is_what_was_recorded_or_else_the_way_there_and_back(walker: Walker) -> None:
    assert walker.path() is None
    walker.anchors, walker.method = [anchor(0, 0, 0), anchor(1, 0, 0)], "lerp"
    way = walker.path()
    assert way is not None
    np.testing.assert_allclose(way[[0, 10, 20, 30], 0], [0, 0.5, 1, 0.5])
    walker.recorded = [np.float32([9, 9, 9])]
    np.testing.assert_array_equal(walker.path(), [[9, 9, 9]])


def test_a_space_of_another_size_ends_what_does_not_fit_it(walker: Walker) -> None:
    walker.anchors = [anchor(0, 0, 0), anchor(1, 0, 0)]
    walker.play()
    walker.enter(2, [0.5, 0.7])
    assert (walker.anchors, walker.playing, len(walker.z), walker.chosen) == ([], False, 2, 1)
