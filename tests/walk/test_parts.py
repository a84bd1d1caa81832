from __future__ import annotations

import numpy as np
import pytest

from vae_tui.walk.anchors import Anchor, Anchors
from vae_tui.walk.dimensions import Dimensions
from vae_tui.walk.draws import PriorDraws
from vae_tui.walk.messages import PriorDrawn
from vae_tui.walk.recording import MOST_FRAMES, Recording


@pytest.fixture
def dimensions() -> Dimensions:
    return Dimensions(3, [0.1, 2.0, 0.005])


def anchor(*values: float, spread: float = -np.inf) -> Anchor:
    return Anchor("an anchor", np.array(values, np.float32), np.full(len(values), spread, np.float32))


def test_dimensions_stand_in_the_order_of_their_rate(dimensions: Dimensions) -> None:
    assert dimensions.order == [1, 0, 2]
    assert dimensions.chosen == 1
    dimensions.choose(1)
    assert dimensions.chosen == 0
    dimensions.choose(10)
    assert dimensions.chosen == 2


def test_a_dimension_that_was_chosen_stays_when_rates_change(dimensions: Dimensions) -> None:
    dimensions.choose(1)
    dimensions.rank(3, [0.1, 0.2, 0.3])
    assert (dimensions.order, dimensions.chosen) == ([2, 1, 0], 0)


def test_without_rates_the_first_is_chosen_until_they_are_known() -> None:
    dimensions = Dimensions(3)
    assert (dimensions.order, dimensions.chosen) == ([0, 1, 2], 0)
    dimensions.rank(3, [0.1, 0.2, 0.3])
    assert dimensions.chosen == 2


def test_dimensions_reach_as_far_as_the_prior_draws(dimensions: Dimensions) -> None:
    assert dimensions.axes.spans.tolist() == [3, 3, 3]
    noises = np.random.default_rng(0).standard_normal((1000, 3)).astype(np.float32)
    dimensions.reach(3, (np.array([[0, 8, 0]], np.float32) * np.sign(noises), 0.1 * noises))
    assert dimensions.axes.spans.tolist() == [3, 8.5, 3]
    dimensions.rank(2, [0.1, 0.1])
    dimensions.reach(2, None)
    assert dimensions.axes.spans.tolist() == [3, 3]


def test_a_draw_is_its_middle_and_as_much_of_its_noise_as_it_is_warm() -> None:
    draws = PriorDraws()
    assert draws.point is draws.epsilon is None
    draws.drawn = PriorDrawn(np.array([9, 9], np.float32), np.array([4, 4], np.float32), np.array([1, -2], np.float32))
    draws.change_temperature(-0.5)
    assert draws.point is not None
    np.testing.assert_allclose(draws.point, [4.5, 3])
    for by, expected in ((-9, 0.0), (9, 2.0)):
        draws.change_temperature(by)
        assert draws.temperature == expected


def test_one_epsilon_moves_every_anchor_by_its_own_spread() -> None:
    anchors, epsilon = Anchors(), np.array([1, 2, 3], np.float32)
    anchors.add(anchor(0, 0, 0, spread=0))
    anchors.add(anchor(1, 1, 1))
    np.testing.assert_allclose(anchors.stops(epsilon), [[0, 0, 0], [1, 1, 1]])
    anchors.toggle_at()
    np.testing.assert_allclose(anchors.stops(epsilon), [[1, 2, 3], [1, 1, 1]])
    np.testing.assert_allclose(anchors.stops(None), [[0, 0, 0], [1, 1, 1]])


def test_one_anchor_comes_after_the_other_and_then_the_first_again() -> None:
    anchors = Anchors()
    for value in range(3):
        anchors.add(anchor(value))
    assert [anchors.next_index() for _ in range(4)] == [0, 1, 2, 0]
    anchors.begin_round()
    assert anchors.next_index() == 0
    anchors.remove_last()
    assert list(anchors.captions) == ["A an anchor", "B an anchor"]


def test_a_recording_takes_frames_only_while_it_goes_on() -> None:
    recording, z = Recording(), np.zeros(1, np.float32)
    recording.add(z)
    assert recording.frames == []
    recording.begin(z)
    recording.add(z + 1)
    recording.end()
    recording.add(z + 2)
    assert [float(frame[0]) for frame in recording.frames] == [0, 1]
    recording.begin(z + 5)
    assert [float(frame[0]) for frame in recording.frames] == [5]


def test_a_recording_that_is_forgotten_ends_by_itself() -> None:
    recording = Recording()
    recording.begin(np.zeros(2, np.float32))
    for _ in range(MOST_FRAMES + 10):
        recording.add(np.ones(2, np.float32))
    assert not recording.active
    assert len(recording.frames) == MOST_FRAMES
