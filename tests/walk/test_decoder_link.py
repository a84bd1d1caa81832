"""A session whose decoder starts, dies, comes late or is followed by a newer checkpoint."""

from __future__ import annotations

import os
import queue
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from fake_decoder import draw
from walking import Walking, write_checkpoint

from vae_tui.errors import CheckpointError
from vae_tui.runs.layout import Run
from vae_tui.walk.decoder import DecoderProcess
from vae_tui.walk.messages import (
    CheckpointOpened,
    Decode,
    DecoderDied,
    DrawPrior,
    EncodeTestImages,
    Failed,
    FindSource,
    MeasurePlace,
    OpenCheckpoint,
    Progressed,
    Project,
    Reply,
    ShowTestImage,
    Snapped,
)
from vae_tui.walk.session import WalkSession

Start = Callable[[], Walking]


def test_everything_but_pictures_is_there_before_the_checkpoint_is_open(start: Start) -> None:
    walking = start()
    walking.session.place.step(1.0)
    walking.session.place.draw_next()
    walking.session.motion.add_source("ring")
    assert walking.z[1] == 1
    assert [type(request) for request in walking.sent()] == [OpenCheckpoint]
    walking.deliver()
    # What was wanted before is sent once it is open; then what is to be seen.
    kinds = [type(request) for request in walking.sent()]
    assert kinds[:2] == [DrawPrior, FindSource]
    assert len(walking.walk.anchors) == 1
    np.testing.assert_array_equal(walking.walk.image, draw(walking.z[None])[0])


def test_progress_is_told_until_the_reply_is_there(start: Start) -> None:
    walking = start()
    ((number, _),) = walking.inbox
    link = walking.walk.link
    walking.session.receive(0, Progressed("importing torch", 0, None))
    assert link.progress_of(OpenCheckpoint) == "importing torch"
    walking.deliver()
    assert link.progress_of(OpenCheckpoint) == ""
    walking.session.receive(number, Progressed("too late", 0, None))
    walking.session.view.show("scatter")
    ((number, _),) = walking.inbox
    walking.session.receive(number, Progressed("encoding", 30, 120))
    assert link.progress_of(EncodeTestImages, Project) == "encoding 25%"


def test_replies_that_nobody_waits_for_any_more_are_dropped(walking: Walking) -> None:
    walking.session.place.step(1.0)
    ((number, reply),) = walking.inbox
    walking.deliver()
    image = walking.walk.image
    walking.session.receive(number, reply)
    walking.session.receive(number + 100, reply)
    assert walking.walk.image is image


def test_of_pictures_that_come_late_the_newer_stays(walking: Walking) -> None:
    walking.session.place.step(1.0)
    walking.session.place.step(1.0)
    older, newer = walking.inbox
    walking.inbox = [newer, older]
    walking.deliver()
    np.testing.assert_array_equal(walking.walk.image, draw(walking.z[None])[0])


def test_a_decoder_that_dies_is_told_and_the_next_key_starts_another(walking: Walking) -> None:
    walking.session.place.step(1.0)
    walking.inbox = [(0, DecoderDied("killed"))]
    walking.deliver()
    assert walking.notice == "the decoder died: killed; the next key starts another"
    assert walking.decoders[0].is_closed
    assert len(walking.decoders) == 1
    walking.session.place.step(1.0)
    assert len(walking.decoders) == 2
    walking.deliver()
    np.testing.assert_array_equal(walking.walk.image, draw(walking.z[None])[0])
    assert walking.z[1] == 2


def test_a_session_that_is_closed_starts_no_decoder_any_more(walking: Walking) -> None:
    walking.session.close()
    walking.session.place.step(1.0)
    walking.session.look_for_newer()
    assert [decoder.is_closed for decoder in walking.decoders] == [True]


def test_a_newer_checkpoint_is_opened_in_place(walking: Walking, followed: Run) -> None:
    session = walking.session
    session.look_for_newer()
    assert walking.sent() == []
    session.view.show("scatter")
    walking.deliver()
    session.place.step(1.0)
    walking.deliver()
    walking.sent()
    newer = write_checkpoint(followed.path / "step-000000200.safetensors")
    session.look_for_newer()
    session.look_for_newer()
    assert walking.sent() == [OpenCheckpoint(newer.absolute())]
    assert walking.walk.link.progress_of(OpenCheckpoint) == f"opening {newer.name}"
    walking.deliver()
    assert walking.walk.opened is not None
    assert (walking.walk.opened.step, walking.walk.checkpoint) == (200, newer.absolute())
    assert walking.z[1] == 1
    # All that was computed with the older one is computed anew.
    kinds = [type(request) for request in walking.sent() if not isinstance(request, MeasurePlace)]
    assert kinds == [Decode, EncodeTestImages, Project, ShowTestImage]


def test_what_the_older_checkpoint_still_replies_is_not_shown(walking: Walking, followed: Run) -> None:
    session = walking.session
    session.view.show("scatter")
    codes = walking.inbox.pop()
    write_checkpoint(followed.path / "step-000000200.safetensors")
    session.look_for_newer()
    walking.deliver()
    before = walking.walk.scene.codes
    session.receive(codes[0], codes[1])
    assert walking.walk.scene.codes is before


def test_a_newer_checkpoint_that_was_pruned_before_it_was_open_changes_nothing(walking: Walking, followed: Run) -> None:
    write_checkpoint(followed.path / "step-000000200.safetensors")
    walking.session.look_for_newer()
    walking.inbox = [(number, Failed("no such file")) for number, _ in walking.inbox]
    walking.deliver()
    assert walking.notice == walking.walk.failure == ""
    walking.session.place.step(1.0)
    walking.deliver()
    np.testing.assert_array_equal(walking.walk.image, draw(walking.z[None])[0])


def test_a_first_checkpoint_that_was_pruned_gives_way_to_a_newer_one_or_ends_the_walk(
    start: Start, followed: Run
) -> None:
    walking = start()
    newer = write_checkpoint(followed.path / "step-000000200.safetensors")
    walking.inbox = [(number, Failed("no such file")) for number, _ in walking.inbox]
    walking.session.receive(*walking.inbox.pop())
    assert walking.walk.failure == ""
    assert walking.sent()[-1] == OpenCheckpoint(newer.absolute())
    walking.inbox = [(number, Failed("no such file")) for number, _ in walking.inbox]
    walking.deliver()
    assert walking.walk.failure == "no such file"


def test_a_space_of_another_size_ends_what_does_not_fit_it(walking: Walking) -> None:
    session = walking.session
    session.place.step(1.0)
    session.motion.add_here()
    session.motion.add_here()
    session.storage.toggle_recording()
    session.motion.toggle_play()
    walking.deliver()
    session.place.snap()
    walking.walk.enter(CheckpointOpened(walking.walk.checkpoint, 2, 9, "mlp", (), (0.5, 0.7), True))
    assert (len(walking.walk.anchors), walking.walk.motion.playing, walking.walk.recording.active) == (0, False, False)
    np.testing.assert_array_equal(walking.z, np.array([0, 1], np.float32))
    assert walking.walk.dimensions.order == [1, 0]
    # What is replied to what was sent before has five latents.
    assert isinstance(walking.inbox[0][1], Snapped)
    session.receive(*walking.inbox[0])
    assert len(walking.z) == 2


def test_a_file_that_holds_no_vae_is_refused(tmp_path: Path) -> None:
    path = write_checkpoint(tmp_path / "state.safetensors")
    path.write_bytes(path.read_bytes().replace(b"latent_dim", b"latent_sum"))
    with pytest.raises(CheckpointError, match="holds no VAE"):
        WalkSession(path, lambda: pytest.fail("no decoder is needed"))


@pytest.mark.slow
def test_with_a_real_process_places_are_decoded_and_its_death_is_survived(walked_run: Run) -> None:
    inbox: queue.Queue[tuple[int, Reply]] = queue.Queue()
    processes: list[DecoderProcess] = []

    def start() -> DecoderProcess:
        processes.append(DecoderProcess(lambda number, reply: inbox.put((number, reply))))
        return processes[-1]

    def receive_until(condition: Callable[[], object]) -> None:
        while not condition():
            session.receive(*inbox.get(timeout=120))

    session = WalkSession(walked_run.latest().path, start)
    walk = session.walk
    session.start()
    session.place.step(1.0)
    receive_until(lambda: walk.image is not None)
    assert walk.opened is not None
    assert (walk.opened.step, walk.opened.class_names) == (7, ("bottom", "middle", "top"))
    session.view.show("strip")
    receive_until(lambda: walk.views.current.tiles)
    session.motion.add_source("class:top")
    receive_until(lambda: len(walk.anchors))
    session.view.show("neighbors")
    receive_until(lambda: walk.views.current.tiles)
    session.view.show("scatter")
    receive_until(lambda: walk.views.scatter.dots(walk.scene))
    os.kill(processes[0].pid, 9)
    receive_until(lambda: walk.opened is None)
    assert walk.notice is not None
    assert "the decoder died: it ended with exit status -9" in walk.notice.text
    before = walk.image
    session.place.step(1.0)
    receive_until(lambda: walk.image is not before)
    session.close()
    assert len(processes) == 2
