from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pytest
import torch
from conftest import MakeRun, train_events

from vae_tui.latent.grids import decode_points
from vae_tui.latent.lane import Lane
from vae_tui.latent.service import Service
from vae_tui.latent.space import Space
from vae_tui.model.checkpoint import load_checkpoint
from vae_tui.runs.layout import Run
from vae_tui.runs.metadata import read_metadata
from vae_tui.walk import messages as ms
from vae_tui.walk.decoder import DecoderProcess
from vae_tui.walk.wire import read_message, write_message

R = TypeVar("R", bound=ms.Reply)
ORIGIN = np.zeros((1, 5), np.float32)


class Line:
    """The service at the other end of two pipes, as a walk has it."""

    def __init__(self) -> None:
        ours, theirs = os.pipe(), os.pipe()
        self.requests, self.replies = os.fdopen(ours[1], "wb"), os.fdopen(theirs[0], "rb")
        self._ends = os.fdopen(ours[0], "rb"), os.fdopen(theirs[1], "wb")
        self._thread = threading.Thread(target=Service(self._ends[1], None).serve, args=(self._ends[0],))
        self._thread.start()
        self._number = 0
        self.progressed: list[ms.Progressed] = []

    def request(self, request: ms.Request[R]) -> R:
        """The reply to a request, which fulfills it."""
        reply = self.reply_to(request)
        assert not isinstance(reply, ms.Failed), reply
        return reply

    def failure(self, request: ms.Request[Any]) -> str:
        """Why a request is not fulfilled."""
        reply = self.reply_to(request)
        assert isinstance(reply, ms.Failed)
        return reply.message

    def reply_to(self, request: ms.Request[Any]) -> Any:
        self._number += 1
        write_message(self.requests, self._number, request)
        while True:
            received = read_message(self.replies)
            assert received is not None
            number, reply = received
            assert number == self._number
            if not isinstance(reply, ms.Progressed):
                return reply
            self.progressed.append(reply)

    def open(self, run: Run, checkpoint: Path | None = None) -> ms.CheckpointOpened:
        return self.request(ms.OpenCheckpoint(checkpoint or run.latest().path))

    def close(self) -> None:
        self.requests.close()
        self._thread.join()
        for stream in (self.replies, *self._ends):
            stream.close()


@pytest.fixture
def line() -> Iterator[Line]:
    line = Line()
    yield line
    line.close()


@pytest.fixture
def opened(line: Line, walked_run: Run) -> Line:
    line.open(walked_run)
    return line


def test_opening_tells_what_there_is_to_walk_in(line: Line, walked_run: Run) -> None:
    opened = line.open(walked_run)
    assert opened.latent_dim == 5
    assert opened.step == 7
    assert opened.rates == (0.2, 1.5, 0.001, 0.9, 0.4)
    assert opened.rates_are_measured
    assert opened.middles is opened.noises is None
    assert opened.epochs is opened.negative_elbo is None


def test_opening_tells_how_long_it_was_trained_and_how_well(line: Line, make_run: MakeRun) -> None:
    run = make_run("data.validation=0.2", "train.batch_size=4")
    list(train_events(run))
    validated, first = line.open(run), line.open(run, run.snapshots()[0].path)
    assert validated.epochs == 3
    assert validated.negative_elbo == -read_metadata(run.latest().path)["validation"]["elbo"]
    assert (first.epochs, first.negative_elbo) == (0, None)
    assert not first.rates_are_measured
    within = run.snapshots()[1].path
    assert line.open(run, within).negative_elbo == -read_metadata(within)["train"]["elbo"]


def test_opening_a_ladder_tells_where_its_levels_part(line: Line, make_run: MakeRun) -> None:
    run = make_run(
        "model.network=ladder", "model.hidden=[8]", "model.latent_dim=5", "model.upper_dim=2", "train.epochs=1"
    )
    list(train_events(run))
    assert line.open(run).upper_dim == 2


def test_a_point_decodes_to_what_the_model_makes_of_it(opened: Line, walked_run: Run) -> None:
    points = np.random.default_rng(0).normal(size=(3, 5)).astype(np.float32)
    expected = decode_points(load_checkpoint(walked_run.latest().path), points)
    np.testing.assert_array_equal(opened.request(ms.Decode(points)).images, expected)


def test_a_seed_draws_where_sample_draws_its_first_image(opened: Line, walked_run: Run) -> None:
    drawn = opened.request(ms.DrawPrior(9))
    sampled = load_checkpoint(walked_run.latest().path).sample(1, seed=9)
    image = opened.request(ms.Decode(drawn.epsilon[None])).images
    np.testing.assert_array_equal(image[0, ..., 0], (sampled[0, 0] * 255).round().byte().numpy())
    np.testing.assert_array_equal(drawn.middle + drawn.noise, drawn.epsilon)


def test_a_learned_prior_is_drawn_from_and_gives_places_to_walk_between(line: Line, make_run: MakeRun) -> None:
    run = make_run("prior.name=vamp", "prior.components=4", "train.epochs=1")
    list(train_events(run))
    opened = line.open(run)
    assert opened.middles is not None
    assert opened.noises is not None
    assert opened.middles.shape == opened.noises.shape == (200, 3)
    assert len(np.unique(opened.middles.round(4), axis=0)) == 4, "where the pseudo-images are"
    drawn = line.request(ms.DrawPrior(9))
    sampled = load_checkpoint(run.latest().path).sample(1, seed=9)
    image = line.request(ms.Decode((drawn.middle + drawn.noise)[None])).images
    np.testing.assert_array_equal(image[0, ..., 0], (sampled[0, 0] * 255).round().byte().numpy())


def test_snapping_goes_to_the_mean_of_what_is_seen(opened: Line) -> None:
    assert opened.request(ms.Snap(np.ones(5, np.float32))).point.shape == (5,)


def test_a_place_is_measured_under_the_prior_and_once_there_are_codes_under_all_posteriors(opened: Line) -> None:
    point = np.array([0.5, -1, 0, 2, 0.25], np.float32)
    before = opened.request(ms.MeasurePlace(point))
    normal = -0.5 * float(np.square(point).sum()) - 2.5 * np.log(2 * np.pi)
    assert before.log_prior == pytest.approx(normal, abs=1e-4)
    assert (before.count, before.log_aggregated, before.deviations) == (0, None, None)
    codes = opened.request(ms.EncodeTestImages())
    after = opened.request(ms.MeasurePlace(point))
    assert (after.log_prior, after.count) == (before.log_prior, len(codes.means))
    assert after.log_aggregated is not None
    at_code = opened.request(ms.MeasurePlace(codes.means[2]))
    assert at_code.deviations is not None
    assert at_code.log_aggregated is not None
    own = -np.log(at_code.deviations).sum() - 2.5 * np.log(2 * np.pi) - np.log(len(codes.means))
    assert at_code.log_aggregated >= own - 1e-4, "the image itself is one of them"


def test_posteriors_are_known_of_images_that_were_named_and_of_pictures_that_were_encoded(opened: Line) -> None:
    source = opened.request(ms.FindSource("train:3"))
    at_source = opened.request(ms.MeasurePlace(source.mean))
    assert at_source.deviations is not None
    np.testing.assert_allclose(at_source.deviations, np.exp(0.5 * source.log_variance), rtol=1e-6)
    snapped = opened.request(ms.Snap(np.ones(5, np.float32)))
    assert opened.request(ms.MeasurePlace(snapped.point)).deviations is not None
    image = opened.request(ms.Decode(ORIGIN)).images[0]
    near = opened.request(ms.FindNeighbors(image, 3))
    assert opened.request(ms.MeasurePlace(near.means[2])).deviations is not None
    mean = opened.request(ms.FindSource("mean:top"))
    assert opened.request(ms.MeasurePlace(mean.mean)).deviations is None


@pytest.mark.parametrize(
    ("settings", "knows_prior"),
    [(["model.posterior=full"], True), (["model.posterior=fsq", "model.latent_dim=4", "prior.name=codes"], False)],
)
def test_what_is_no_diagonal_gaussian_has_no_density_of_all_codes(
    line: Line, make_run: MakeRun, settings: list[str], knows_prior: bool
) -> None:
    run = make_run(*settings, "train.epochs=1")
    list(train_events(run))
    size = line.open(run).latent_dim
    line.request(ms.EncodeTestImages())
    found = line.request(ms.MeasurePlace(np.zeros(size, np.float32)))
    assert (found.log_prior is not None) is knows_prior
    assert found.log_aggregated is None
    assert found.deviations is None


def test_images_and_class_means_are_found_and_added_up(opened: Line) -> None:
    found = opened.request(ms.FindSource("class:top"))
    assert "top" in found.caption
    assert np.isfinite(found.log_variance).all()
    top, middle = (opened.request(ms.FindSource(f"mean:{name}")).mean for name in ("top", "middle"))
    total = opened.request(ms.Calculate("top - middle + 0.5 * A", ("A",), np.ones((1, 5), np.float32)))
    np.testing.assert_allclose(total.point, top - middle + 0.5, atol=1e-6)


def test_a_test_image_is_shown_by_its_number(opened: Line, walked_run: Run) -> None:
    shown = opened.request(ms.ShowTestImage(3)).image
    space = Space(walked_run.latest().path, data_root=None, progress=lambda *_: None)
    pixels = space.find("test:3").pixels
    assert pixels is not None
    np.testing.assert_array_equal(shown, pixels.permute(1, 2, 0).numpy())
    assert "there are" in opened.failure(ms.ShowTestImage(10**6))


@pytest.mark.parametrize("text", ["", "top -", "- ", "top + nothing", "+ + top"])
def test_a_sum_that_is_none_is_replied_to_with_why(opened: Line, text: str) -> None:
    assert opened.failure(ms.Calculate(text, ("A",), np.ones((1, 5), np.float32)))


def test_images_are_reconstructed_and_in_place_of_the_first_one_that_is_named(opened: Line) -> None:
    images = opened.request(ms.Decode(np.random.default_rng(1).normal(size=(3, 5)).astype(np.float32))).images
    found = opened.request(ms.Reconstruct(images, "")).images
    assert found.shape == images.shape
    named = opened.request(ms.Reconstruct(images, "3")).images
    code = opened.request(ms.FindSource("3")).mean
    np.testing.assert_array_equal(named[0], opened.request(ms.Decode(code[None])).images[0])
    np.testing.assert_array_equal(named[1:], found[1:])
    assert "takes images of 8x8x1, not 9x8x1" in opened.failure(ms.Reconstruct(np.zeros((1, 9, 8, 1), np.uint8), ""))


def test_the_spread_of_a_posterior_is_that_of_many_draws(opened: Line, walked_run: Run) -> None:
    points = np.random.default_rng(2).normal(size=(2, 5)).astype(np.float32)
    found = opened.request(ms.DrawSpread(points)).images
    vae = load_checkpoint(walked_run.latest().path)
    pixels = torch.from_numpy(opened.request(ms.Decode(points)).images.transpose(0, 3, 1, 2).copy())
    with torch.no_grad():
        mean, log_variance = vae.encode(pixels / 255)
        noise = torch.randn(4000, 5, generator=torch.Generator().manual_seed(7))
        for row in range(2):
            drawn = 255 * vae.decode(mean[row] + torch.exp(0.5 * log_variance[row]) * noise)
            expected = 2 * drawn.std(0)[0]
            assert np.abs(found[row, ..., 0] - expected.numpy()).mean() < 0.15 * expected.mean()
    np.testing.assert_array_equal(found, opened.request(ms.DrawSpread(points)).images)


def test_an_image_is_fitted_and_a_class_s_mean_is_none(opened: Line) -> None:
    start = opened.request(ms.FindSource("3"))
    fit = opened.request(ms.FitImage("3", start.mean))
    assert fit.caption == start.caption
    assert fit.after < fit.before
    assert any(progressed.stage == "fitting the image" for progressed in opened.progressed)
    assert opened.failure(ms.FitImage("mean:top", start.mean)) == "mean of top is a code and no image"


def test_directions_are_found_at_a_point(opened: Line) -> None:
    point = np.full(5, 0.5, np.float32)
    found = opened.request(ms.FindDirections(("class:top-middle", "pca:2", "jacobian:1"), point))
    assert found.names == ("class:top-middle", "pca:2", "jacobian:1")
    assert [note.split()[-1] for note in found.notes[:2]] == ["apart", "variance"]
    assert found.notes[2].startswith("gain ")
    np.testing.assert_allclose(np.linalg.norm(found.vectors, axis=1), 1, rtol=1e-5)
    means = [opened.request(ms.FindSource(f"mean:{name}")).mean for name in ("top", "middle")]
    way = means[1] - means[0]
    np.testing.assert_allclose(found.vectors[0], way / np.linalg.norm(way), atol=1e-5)
    moved = {
        name: np.abs(_decode(opened, point + 0.5 * vector) - _decode(opened, point)).mean()
        for name, vector in zip(found.names, found.vectors, strict=True)
    }
    assert max(moved, key=lambda name: moved[name]) == "jacobian:1"
    assert opened.failure(ms.FindDirections(("pca:6",), point)) == "pca:6: expected pca:1 to pca:5"


def _decode(opened: Line, point: np.ndarray[Any, np.dtype[np.float32]]) -> np.ndarray[Any, Any]:
    return opened.request(ms.Decode(point[None])).images[0].astype(float)


def test_codes_come_with_classes_and_planes_with_the_way_back(opened: Line) -> None:
    codes = opened.request(ms.EncodeTestImages())
    assert codes.means.shape == (36, 5)
    assert sorted(set(codes.labels.tolist())) == [0, 1, 2]
    plane = opened.request(ms.Project("pca"))
    assert plane.origin is not None
    assert plane.directions is not None
    coordinates = (codes.means - plane.origin) @ plane.directions.T
    np.testing.assert_allclose(coordinates, plane.coordinates, atol=1e-5)
    assert any(progressed.stage for progressed in opened.progressed)


def test_neighbors_are_training_images_with_their_classes(opened: Line) -> None:
    image = opened.request(ms.Decode(ORIGIN)).images[0]
    near = opened.request(ms.FindNeighbors(image, 4))
    assert near.images.shape == (4, 8, 8, 1)
    assert near.means.shape == (4, 5)
    assert all(caption.split()[1] in ("top", "middle", "bottom") for caption in near.captions)
    assert [caption.rpartition(" ")[0] for caption in near.captions] == [f"train:{name}" for name in near.names]


def test_a_walk_is_written_as_a_gif(opened: Line, tmp_path: Path) -> None:
    points = np.linspace(-1, 1, 15, dtype=np.float32).reshape(3, 5)
    out = tmp_path / "walk.gif"
    assert opened.request(ms.ExportGif(out, 10.0, points)).out == out
    assert out.read_bytes().startswith(b"GIF89a")
    assert "cannot be written" in opened.failure(ms.ExportGif(tmp_path / "no" / "walk.gif", 10.0, points))


def test_what_cannot_be_done_is_told_and_the_next_is_replied_to(opened: Line, tmp_path: Path) -> None:
    assert "no such file" in opened.failure(ms.OpenCheckpoint(tmp_path / "none.safetensors"))
    assert "has 5 latents, not 7" in opened.failure(ms.Decode(np.zeros((1, 7), np.float32)))
    assert "has 5 latents, not 7" in opened.failure(ms.Snap(np.zeros(7, np.float32)))
    assert "expected float32 (N, Z)" in opened.failure(ms.Decode(np.zeros(5, np.float32)))
    opened.request(ms.Decode(ORIGIN))


def test_a_request_of_an_unknown_kind_is_told_by_its_number(opened: Line) -> None:
    head = {"kind": "Dance", "number": 77, "values": {}, "arrays": [["steps", "float32", [2]]]}
    opened.requests.write(json.dumps(head).encode() + b"\n" + bytes(8))
    opened.requests.flush()
    assert read_message(opened.replies) == (77, ms.Failed("unknown message 'Dance'"))
    opened.request(ms.Decode(ORIGIN))


def test_nothing_can_be_done_before_a_checkpoint_is_open(line: Line) -> None:
    assert line.failure(ms.Decode(ORIGIN)) == "no checkpoint is open"


def test_only_the_newest_request_of_a_kind_waits() -> None:
    lane = Lane()
    for number in range(0, 10, 2):
        lane.put(number, ms.DrawPrior(number))
        lane.put(number + 1, ms.Decode(ORIGIN + number))
    taken = [lane.take(), lane.take()]
    assert [(number, type(request)) for number, request in filter(None, taken)] == [(8, ms.DrawPrior), (9, ms.Decode)]


def test_everything_that_is_to_be_found_is_found() -> None:
    lane = Lane()
    for number in range(3):
        lane.put(number, ms.FindSource(f"train:{number}"))
    assert [lane.take() for _ in range(3)] == [(number, ms.FindSource(f"train:{number}")) for number in range(3)]


def test_a_lane_that_is_closed_gives_nothing_more() -> None:
    lane = Lane()
    lane.put(1, ms.Decode(ORIGIN))
    lane.close()
    assert lane.take() is None


@pytest.mark.slow
def test_the_process_replies_tells_of_its_death_and_ends_when_closed(walked_run: Run) -> None:
    received: list[tuple[int, ms.Reply]] = []
    arrived = threading.Condition()

    def receive(number: int, reply: ms.Reply) -> None:
        with arrived:
            received.append((number, reply))
            arrived.notify()

    def wait_for(kind: type[R]) -> R:
        with arrived:
            assert arrived.wait_for(lambda: any(isinstance(reply, kind) for _, reply in received), timeout=60), received
        return next(reply for _, reply in received if isinstance(reply, kind))

    decoder = DecoderProcess(receive)
    decoder.send(1, ms.OpenCheckpoint(walked_run.latest().path))
    wait_for(ms.CheckpointOpened)
    assert received[0] == (0, ms.Progressed("importing torch", 0, None))
    decoder.send(2, ms.Decode(ORIGIN))
    assert wait_for(ms.Decoded).images.shape == (1, 8, 8, 1)
    os.kill(decoder.pid, 9)
    assert "exit status -9" in wait_for(ms.DecoderDied).message
    decoder.send(3, ms.Decode(ORIGIN))
    decoder.close()


def test_a_set_that_stays_on_disk_is_walked_as_one_in_memory(walked_run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    from vae_tui.data import load
    from vae_tui.data.memory import memory_limit

    requests: tuple[ms.Request[Any], ...] = (
        ms.EncodeTestImages(),
        ms.FindSource("train:7"),
        ms.FindSource("class:top:1"),
        ms.FindSource("mean:middle"),
        ms.Project("pca"),
        ms.FindNeighbors(np.full((8, 8, 1), 90, np.uint8), 4),
    )
    replies: list[list[Any]] = []
    for limit in (memory_limit, lambda _memory_gib: 1):
        monkeypatch.setattr(load, "memory_limit", limit)
        line = Line()
        line.open(walked_run)
        replies.append([line.request(request) for request in requests])
        line.close()
    for resident, streamed in zip(*replies, strict=True):
        assert type(resident) is type(streamed)
        for name, value in vars(resident).items():
            np.testing.assert_array_equal(value, getattr(streamed, name))
