from __future__ import annotations

import numpy as np

from vae_tui.walk.position import Position


def test_every_step_can_be_undone_and_done_again() -> None:
    position = Position(2)
    for value in range(1, 2001):
        position.set(0, value)
    for _ in range(2000):
        assert position.undo()
    assert not position.undo()
    assert position.z[0] == 0
    for _ in range(2000):
        assert position.redo()
    assert not position.redo()
    assert position.z[0] == 2000


def test_a_new_step_ends_what_could_be_done_again() -> None:
    position = Position(2)
    position.set(0, 1)
    position.undo()
    position.set(1, 1)
    assert not position.redo()


def test_standing_still_is_no_step() -> None:
    position = Position(2)
    assert not position.set(0, 0)
    assert position.undo_count == 0


def test_an_animation_is_undone_as_one_step() -> None:
    position = Position(1)
    position.go(np.array([1], np.float32))
    for value in (2, 3, 4):
        position.drift(np.array([value], np.float32))
    position.undo()
    assert position.z[0] == 0


def test_undoing_a_draw_brings_its_seed_back() -> None:
    position = Position(1)
    position.go(np.array([1], np.float32), seed=7)
    position.set(0, 2)
    assert position.place.seed is None
    position.undo()
    assert position.place.seed == 7


def test_another_space_keeps_the_dimensions_that_both_have() -> None:
    position = Position(3)
    position.go(np.array([1, 2, 3], np.float32))
    position.resize(2)
    np.testing.assert_array_equal(position.z, [1, 2])
    position.undo()
    assert position.z.shape == (2,)


def test_a_key_that_is_stuck_fills_no_memory_with_places_to_go_back_to() -> None:
    position = Position(2)
    for step in range(1, 10_500):
        position.go(np.full(2, step, np.float32))
    assert position.undo_count == 10_000
    while position.undo():
        pass
    assert position.z[0] == 499
    assert position.redo_count == 10_000
