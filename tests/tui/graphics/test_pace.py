"""How many frames are sent to a line that is near, far or slow."""

from __future__ import annotations

from vae_tui.tui.graphics.pace import Pace


def test_a_line_that_never_acknowledges_is_never_held_back() -> None:
    pace = Pace()
    assert not pace.wanted
    assert not pace.holds(0.0)


def test_a_far_line_takes_frames_one_behind_the_other() -> None:
    pace = Pace()
    pace.learn(0.3)
    for frame in range(3):
        assert not pace.holds(frame * 0.1)
        pace.send(frame * 0.1, 500)
    pace.acknowledge(0.305)
    assert not pace.holds(0.31)


def test_a_slow_line_has_one_frame_under_way_once_it_is_known() -> None:
    pace = Pace()
    pace.learn(0.3)
    pace.send(0.0, 900)
    pace.acknowledge(1.2)
    assert not pace.holds(1.2)
    pace.send(1.2, 900)
    assert pace.holds(1.2)
    assert pace.holds(2.0)
    pace.acknowledge(2.4)
    assert not pace.holds(2.4)


def test_a_line_that_was_slow_once_is_found_to_be_quick() -> None:
    pace = Pace()
    pace.learn(0.3)
    pace.send(0.0, 900)
    pace.acknowledge(1.2)
    pace.send(1.2, 900)
    pace.acknowledge(1.501)
    pace.send(1.6, 900)
    assert not pace.holds(1.6)


def test_what_was_lost_is_given_up_later_the_larger_it_was() -> None:
    pace = Pace()
    pace.learn(0.3)
    pace.send(0.0, 4000)
    assert pace.holds(10.0)
    assert not pace.holds(14.0)
    pace.send(14.0, 40)
    assert not pace.holds(18.0)
