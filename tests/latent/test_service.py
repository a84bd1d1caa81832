from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import MakeRun, train_events

from vae_tui.decoder import Decoder
from vae_tui.exchange import Message, read_message, write_message
from vae_tui.latent.grids import decode_points
from vae_tui.latent.service import Lane, Service
from vae_tui.model.checkpoint import load_checkpoint
from vae_tui.runs.layout import Run

Ask = Callable[..., Message]


class Line:
    """The service at the other end of two pipes, as a screen has it."""

    def __init__(self) -> None:
        ours, theirs = os.pipe(), os.pipe()
        self.requests, self.answers = os.fdopen(ours[1], "wb"), os.fdopen(theirs[0], "rb")
        self._ends = os.fdopen(ours[0], "rb"), os.fdopen(theirs[1], "wb")
        self._thread = threading.Thread(target=Service(self._ends[1], None).serve, args=(self._ends[0],))
        self._thread.start()
        self.progressed: list[Message] = []

    def ask(self, kind: str, points: Any = None, **facts: Any) -> Message:
        """The answer to a request."""
        arrays = {} if points is None else {"points": np.asarray(points, np.float32)}
        write_message(self.requests, Message(kind, {"purpose": kind, **facts}, arrays))
        while True:
            answer = read_message(self.answers)
            assert answer is not None
            if answer.kind != "progressed":
                assert answer.facts["purpose"] == kind
                return answer
            self.progressed.append(answer)

    def close(self) -> None:
        self.requests.close()
        self._thread.join()
        for stream in (self.answers, *self._ends):
            stream.close()


@pytest.fixture
def line() -> Iterator[Line]:
    line = Line()
    yield line
    line.close()


@pytest.fixture
def opened(line: Line, walked_run: Run) -> Line:
    assert line.ask("open", checkpoint=str(walked_run.latest().path)).kind == "opened"
    return line


def test_opening_tells_what_there_is_to_walk_in(line: Line, walked_run: Run) -> None:
    facts = line.ask("open", checkpoint=str(walked_run.latest().path)).facts
    assert facts["latent_dim"] == 5
    assert facts["step"] == 7
    assert facts["rates"] == [0.2, 1.5, 0.001, 0.9, 0.4]
    assert facts["rates_are_measured"]


def test_a_point_decodes_to_what_the_model_makes_of_it(opened: Line, walked_run: Run) -> None:
    points = np.random.default_rng(0).normal(size=(3, 5)).astype(np.float32)
    answer = opened.ask("decode", points, view="strip")
    assert answer.facts["view"] == "strip"
    np.testing.assert_array_equal(answer.arrays["points"], points)
    np.testing.assert_array_equal(
        answer.arrays["images"], decode_points(load_checkpoint(walked_run.latest().path), points)
    )


def test_a_seed_draws_where_sample_draws_its_first_image(opened: Line, walked_run: Run) -> None:
    drawn = opened.ask("draw", seed=9).arrays
    sampled = load_checkpoint(walked_run.latest().path).sample(1, seed=9)
    image = opened.ask("decode", drawn["epsilon"][None]).arrays["images"]
    np.testing.assert_array_equal(image[0, ..., 0], (sampled[0, 0] * 255).round().byte().numpy())
    np.testing.assert_array_equal(drawn["middle"] + drawn["noise"], drawn["epsilon"])


def test_a_learned_prior_is_drawn_from_and_gives_places_to_walk_between(line: Line, make_run: MakeRun) -> None:
    run = make_run("prior.name=vamp", "prior.components=4", "train.epochs=1")
    list(train_events(run))
    opened = line.ask("open", checkpoint=str(run.latest().path)).arrays
    assert opened["middles"].shape == opened["noises"].shape == (200, 3)
    assert len(np.unique(opened["middles"].round(4), axis=0)) == 4, "where the pseudo-images are"
    drawn = line.ask("draw", seed=9).arrays
    sampled = load_checkpoint(run.latest().path).sample(1, seed=9)
    image = line.ask("decode", (drawn["middle"] + drawn["noise"])[None]).arrays["images"]
    np.testing.assert_array_equal(image[0, ..., 0], (sampled[0, 0] * 255).round().byte().numpy())


def test_snapping_goes_to_the_mean_of_what_is_seen(opened: Line) -> None:
    snapped = opened.ask("snap", np.ones((1, 5)))
    assert snapped.kind == "snapped"
    assert snapped.arrays["points"].shape == (1, 5)


def test_images_and_class_means_are_found_and_added_up(opened: Line) -> None:
    found = opened.ask("find", text="class:top")
    assert "top" in found.facts["caption"]
    assert np.isfinite(found.arrays["log_variance"]).all()
    top, middle = (opened.ask("find", text=f"mean:{name}").arrays["mean"] for name in ("top", "middle"))
    total = opened.ask("calculate", np.ones((1, 5)), text="top - middle + 0.5 * A", names=["A"])
    np.testing.assert_allclose(total.arrays["points"][0], top - middle + 0.5, atol=1e-6)


@pytest.mark.parametrize("text", ["", "top -", "- ", "top + nothing", "+ + top"])
def test_a_sum_that_is_none_is_answered_with_why(opened: Line, text: str) -> None:
    assert opened.ask("calculate", np.ones((1, 5)), text=text, names=["A"]).kind == "failed"


def test_codes_come_with_classes_and_planes_with_the_way_back(opened: Line) -> None:
    codes = opened.ask("encode")
    assert codes.arrays["means"].shape == (36, 5)
    assert sorted(set(codes.arrays["labels"].tolist())) == [0, 1, 2]
    plane = opened.ask("project", method="pca")
    coordinates = (codes.arrays["means"] - plane.arrays["origin"]) @ plane.arrays["directions"].T
    np.testing.assert_allclose(coordinates, plane.arrays["coordinates"], atol=1e-5)
    assert any(message.facts["stage"] for message in opened.progressed)


def test_neighbours_are_training_images_with_their_classes(opened: Line) -> None:
    near = opened.ask("neighbours", np.zeros((1, 5)), count=4)
    assert near.arrays["images"].shape == (5, 8, 8, 1)
    assert near.arrays["means"].shape == (4, 5)
    assert all(caption.split()[1] in ("top", "middle", "bottom") for caption in near.facts["captions"])


def test_a_recording_is_written_as_a_gif(opened: Line, tmp_path: Path) -> None:
    points = np.linspace(-1, 1, 15, dtype=np.float32).reshape(3, 5)
    out = tmp_path / "walk.gif"
    assert opened.ask("record", points, out=str(out), frames_per_second=10).kind == "recorded"
    assert out.read_bytes().startswith(b"GIF89a")
    failed = opened.ask("record", points, out=str(tmp_path / "no" / "walk.gif"), frames_per_second=10)
    assert "cannot be written" in failed.facts["message"]


def test_what_cannot_be_answered_is_said_and_the_next_is_answered(opened: Line, tmp_path: Path) -> None:
    assert "no such file" in opened.ask("open", checkpoint=str(tmp_path / "none.safetensors")).facts["message"]
    assert opened.ask("decode", np.zeros((1, 7))).kind == "failed"
    assert opened.ask("dance").kind == "failed"
    assert opened.ask("decode", np.zeros((1, 5))).kind == "decoded"


def test_only_the_newest_request_of_a_purpose_waits() -> None:
    lane = Lane()
    for number in range(5):
        lane.put(Message("decode", {"purpose": "image", "number": number}))
        lane.put(Message("decode", {"purpose": "view", "number": number}))
    taken = [lane.take(), lane.take()]
    assert [(message.facts["purpose"], message.facts["number"]) for message in taken if message] == [
        ("image", 4),
        ("view", 4),
    ]


def test_a_lane_that_is_closed_gives_nothing_more() -> None:
    lane = Lane()
    lane.put(Message("decode", {"purpose": "image"}))
    lane.close()
    assert lane.take() is None


def test_the_process_answers_tells_of_its_death_and_ends_when_closed(walked_run: Run) -> None:
    heard: list[Message] = []
    arrived = threading.Condition()

    def hear(message: Message) -> None:
        with arrived:
            heard.append(message)
            arrived.notify()

    def wait_for(kind: str) -> Message:
        with arrived:
            assert arrived.wait_for(lambda: any(message.kind == kind for message in heard), timeout=60), heard
        return next(message for message in heard if message.kind == kind)

    decoder = Decoder(hear)
    decoder.ask("open", {"purpose": "open", "checkpoint": str(walked_run.latest().path)})
    wait_for("opened")
    assert heard[0].facts["stage"] == "importing torch"
    decoder.ask("decode", {"purpose": "image"}, {"points": np.zeros((1, 5), np.float32)})
    assert wait_for("decoded").arrays["images"].shape == (1, 8, 8, 1)
    os.kill(decoder.pid, 9)
    assert "exit status -9" in wait_for("died").facts["message"]
    decoder.ask("decode", {"purpose": "image"}, {"points": np.zeros((1, 5), np.float32)})
    decoder.close()


def test_a_set_that_stays_on_disk_is_walked_as_one_in_memory(walked_run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    from vae_tui.data import load
    from vae_tui.data.memory import memory_limit

    asked = (
        ("encode", {}),
        ("find", {"text": "train:7"}),
        ("find", {"text": "class:top:1"}),
        ("find", {"text": "mean:middle"}),
        ("project", {"method": "pca"}),
        ("neighbours", {"count": 4, "points": np.zeros((1, 5))}),
    )
    answers: list[list[Message]] = []
    for limit in (memory_limit, lambda _memory_gib: 1):
        monkeypatch.setattr(load, "memory_limit", limit)
        line = Line()
        line.ask("open", checkpoint=str(walked_run.latest().path))
        answers.append([line.ask(kind, **facts) for kind, facts in asked])
        line.close()
    for resident, streamed in zip(*answers, strict=True):
        assert resident.kind == streamed.kind != "failed"
        assert resident.facts == streamed.facts
        assert resident.arrays.keys() == streamed.arrays.keys()
        assert all(np.array_equal(resident.arrays[name], streamed.arrays[name]) for name in resident.arrays)
