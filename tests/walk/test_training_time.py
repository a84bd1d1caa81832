"""The same place in earlier and later weights of a run, on a decoder that stands in for the process."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from walking import Walking, write_checkpoint

from vae_tui.runs.layout import Run, weights_name
from vae_tui.tui.walk_lines import title_line
from vae_tui.walk.messages import Decode, OpenCheckpoint, Progressed

Start = Callable[[], Walking]
STEPS = (0, 20, 40, 60, 80)


@pytest.fixture
def thinned(followed: Run) -> Run:
    """Five snapshots before the checkpoint of step 100."""
    followed.snapshots_path.mkdir()
    for step in STEPS:
        write_checkpoint(followed.snapshots_path / weights_name(step))
    return followed


@pytest.fixture
def walking(thinned: Run, walking: Walking) -> Walking:
    return walking


def step(walking: Walking) -> int | None:
    """The step of the weights that are walked in."""
    return walking.walk.opened.step if walking.walk.opened else None


def test_place_dimension_view_and_temperature_stay_while_the_weights_change(walking: Walking) -> None:
    session, walk = walking.session, walking.walk
    session.place.set_value(1.25)
    session.place.choose(2)
    session.place.change_temperature(-0.3)
    session.view.show("strip")
    walking.deliver()
    before = walk.z.copy()
    for wanted in (80, 60):
        session.time.go_earlier()
        walking.deliver()
        assert step(walking) == wanted
    session.time.go_later()
    walking.deliver()
    assert step(walking) == 80
    np.testing.assert_array_equal(walk.z, before)
    assert (walk.dimensions.chosen, walk.draws.temperature, walk.views.current.name) == (4, 0.7, "strip")
    assert walk.position.undo_count == 1
    assert walk.image is not None
    assert "step 80 (5 of 6) · epoch 0.8 · -ELBO 149.20" in title_line(session, 100)


def test_at_both_ends_it_says_so(walking: Walking) -> None:
    time = walking.session.time
    time.go_later()
    assert walking.notice == "these are the newest weights there are: [ goes back to earlier ones"
    time.go_to_first()
    walking.deliver()
    assert (step(walking), walking.notice) == (0, "")
    for go in (time.go_earlier, time.go_to_first):
        go()
        assert walking.notice == "these are the first weights there are: ] goes on to later ones"
    time.go_to_last()
    walking.deliver()
    assert step(walking) == 100
    time.go_to_last()
    assert "the newest weights" in walking.notice


def test_a_key_that_is_held_down_lets_nothing_queue_and_ends_where_it_is_let_go(walking: Walking) -> None:
    for _ in range(4):
        walking.session.time.go_earlier()
    assert [request.checkpoint.name for request in walking.sent(OpenCheckpoint)] == [weights_name(80)]
    walking.deliver()
    # Those that were opened on the way were seen, the others never loaded.
    sent = [type(request) for request in walking.sent() if isinstance(request, Decode | OpenCheckpoint)]
    assert sent == [Decode, OpenCheckpoint, Decode]
    assert step(walking) == 20
    walking.session.time.go_later()
    walking.session.time.go_earlier()
    walking.session.time.go_earlier()
    walking.deliver()
    assert step(walking) == 0


def test_keys_before_the_decoder_is_there_are_taken_once_it_is(thinned: Run, start: Start) -> None:
    walking = start()
    walking.session.time.go_earlier()
    walking.session.time.go_earlier()
    walking.session.receive(0, Progressed("importing torch", 0, None))
    walking.deliver()
    assert step(walking) == 60
    assert len(walking.decoders) == 1


def test_rows_stay_where_they_are_while_their_rates_change(walking: Walking, monkeypatch: pytest.MonkeyPatch) -> None:
    order = walking.walk.dimensions.order
    monkeypatch.setattr("fake_decoder.RATES", (2.0, 0.0, 0.5, 0.1, 0.0))
    walking.session.time.go_earlier()
    walking.deliver()
    assert walking.walk.dimensions.order == order
    assert walking.walk.dimensions.rates[0] == 2.0


def test_newer_checkpoints_wait_while_one_looks_back_and_are_followed_again_from_the_end(
    thinned: Run, walking: Walking
) -> None:
    time = walking.session.time
    time.go_earlier()
    walking.deliver()
    write_checkpoint(thinned.path / weights_name(120))
    walking.session.look_for_newer()
    walking.deliver()
    assert step(walking) == 80
    time.go_later()
    time.go_later()
    walking.deliver()
    assert step(walking) == 120
    write_checkpoint(thinned.path / weights_name(140))
    walking.session.look_for_newer()
    walking.deliver()
    assert step(walking) == 140
    assert "(" not in title_line(walking.session, 100)


def test_weights_that_cannot_be_opened_are_named_and_passed_by(
    walking: Walking, monkeypatch: pytest.MonkeyPatch
) -> None:
    from vae_tui.walk.messages import Failed

    decoder = walking.decoders[-1]
    reply = decoder.reply

    def refuse(request: object) -> object:
        damaged = isinstance(request, OpenCheckpoint) and request.checkpoint.name == weights_name(80)
        return Failed("it is damaged") if damaged else reply(request)  # type: ignore[arg-type]

    monkeypatch.setattr(decoder, "reply", refuse)
    walking.session.time.go_earlier()
    walking.deliver()
    assert (step(walking), walking.notice) == (100, "it is damaged")
    walking.session.time.go_earlier()
    walking.deliver()
    assert step(walking) == 60


def test_a_run_with_one_set_of_weights_says_how_to_have_more(start: Start, tmp_path: Path) -> None:
    walking = start()
    walking.deliver()
    walking.session.time.go_earlier()
    assert "[train] snapshots keeps earlier ones" in walking.notice
    assert walking.walk.time.chosen is None


def test_a_snapshot_is_walked_in_with_the_bookmarks_of_its_run(thinned: Run) -> None:
    walking = Walking(thinned.snapshots()[1].path, None)
    walking.session.start()
    walking.deliver()
    walking.session.storage.save_bookmark(2)
    assert (thinned.path / "bookmarks.toml").is_file()
    assert title_line(walking.session, 80).startswith("walked · step 20 ")
    walking.session.time.go_to_last()
    walking.deliver()
    assert step(walking) == 100
