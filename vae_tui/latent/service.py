"""What the decoder process of a walk does: it answers requests, of one purpose the newest only.

    request       facts                            arrays          answer, and what is in it
    open          checkpoint                                       opened: latent_dim, step, network, data, class_names,
                                                                   rates, rates_are_measured; for a learned prior
                                                                   middles and noises (M, Z) of M draws from it
    draw          seed                                             drawn: seed; epsilon (Z,) ~ N(0, I), and a draw from
                                                                   the prior, its middle (Z,) and noise (Z,) apart
    decode        anything                         points (N, Z)   decoded: the same facts; points, images (N, H, W, C)
    snap                                           points (1, Z)   snapped: points (1, Z), the mean of its image
    find          text                                             found: text, caption; mean, log_variance (Z,)
    calculate     text, names                      points (K, Z)   calculated: text; points (1, Z)
    encode                                                         encoded: class_names; means (M, Z), labels (M,)
    project       method                                           projected: method, axes; coordinates, indexes and,
                                                                   for a plane, origin (Z,) and directions (2, Z)
    neighbours    count                            points (1, Z)   neighboured: captions; images (1 + N, H, W, C) with
                                                                   the decoded one first, means (N, Z)
    record        out, frames_per_second           points (N, Z)   recorded: out

Every request has a `purpose`, which its answer repeats. A request replaces one of its kind and purpose that still
waits. What takes long goes on in a second thread and says `progressed` (purpose, stage, done, total), so that decoding
never waits for it. What a user can mend is answered by `failed` (purpose, message).
"""

from __future__ import annotations

import contextlib
import threading
import traceback
from collections import OrderedDict
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import torch
from numpy.typing import NDArray

from vae_tui.data import Progress, read_all
from vae_tui.errors import CheckpointError, DataError, VaeTuiError
from vae_tui.exchange import Message, read_message, write_message
from vae_tui.latent.arithmetic import calculate
from vae_tui.latent.codes import Codes, Latents, encode_images, rate_per_dimension
from vae_tui.latent.grids import decode_points
from vae_tui.latent.neighbours import find_neighbours
from vae_tui.latent.projection import Projection, project_pca, project_tsne
from vae_tui.latent.replay import render_walk
from vae_tui.latent.sample import as_pictures, draw_samples
from vae_tui.latent.sources import find_class, locate_sources
from vae_tui.latent.space import Space
from vae_tui.model import VAE
from vae_tui.model.priors import StandardNormal
from vae_tui.runs.files import write_whole
from vae_tui.walk import Walk

_IMAGES_FOR_RATES = 256
_DRAWS_TO_WALK = 200
_AT_ONCE = {"open", "draw", "decode", "snap"}
"""Kinds that are answered between two frames; all others take their time in the second thread."""


class Lane:
    """Requests that wait, the oldest first; one takes the place of another of its kind and purpose."""

    def __init__(self) -> None:
        self._waiting: OrderedDict[tuple[str, object], Message] = OrderedDict()
        self._changed = threading.Condition()
        self._closed = False

    def put(self, request: Message) -> None:
        """Let a request wait, last in the row."""
        key = (request.kind, request.facts.get("purpose"))
        with self._changed:
            self._waiting.pop(key, None)
            self._waiting[key] = request
            self._changed.notify()

    def close(self) -> None:
        """Forget what waits, and take no more."""
        with self._changed:
            self._waiting.clear()
            self._closed = True
            self._changed.notify()

    def take(self) -> Message | None:
        """Wait for the next request; None once the lane is closed."""
        with self._changed:
            while not self._waiting and not self._closed:
                self._changed.wait()
            return None if self._closed else self._waiting.popitem(last=False)[1]


class Service:
    """Answers requests about one checkpoint at a time on the stream `answers`."""

    def __init__(self, answers: BinaryIO, data_root: Path | None) -> None:
        self._answers, self._data_root = answers, data_root
        self._speaking = threading.Lock()
        self._quick, self._slow = Lane(), Lane()
        self._opened: Space | None = None
        # One thread keeps up with any key, and leaves the cores to a training that may be running.
        torch.set_num_threads(1)

    def serve(self, requests: BinaryIO) -> None:
        """Answer until `requests` ends."""
        threading.Thread(target=self._receive, args=(requests,), daemon=True).start()
        threading.Thread(target=self._work_off, args=(self._slow,), daemon=True).start()
        self._work_off(self._quick)

    def _receive(self, requests: BinaryIO) -> None:
        while (request := read_message(requests)) is not None:
            (self._quick if request.kind in _AT_ONCE else self._slow).put(request)
        self._slow.close()
        self._quick.close()

    def _work_off(self, lane: Lane) -> None:
        while (request := lane.take()) is not None:
            purpose = request.facts.get("purpose")
            try:
                kind, facts, arrays = self.answer(request)
            except VaeTuiError as error:
                self._say("failed", purpose, {"message": str(error)})
            except Exception as error:
                traceback.print_exc()
                self._say("failed", purpose, {"message": f"{type(error).__name__}: {error}"})
            else:
                self._say(kind, purpose, facts, arrays)

    def _say(
        self, kind: str, purpose: object, facts: dict[str, Any], arrays: dict[str, NDArray[Any]] | None = None
    ) -> None:
        with self._speaking:
            write_message(self._answers, Message(kind, {"purpose": purpose, **facts}, arrays or {}))

    def answer(self, request: Message) -> tuple[str, dict[str, Any], dict[str, NDArray[Any]]]:
        """Answer one request: its kind, facts and arrays. Raises VaeTuiError for what a user can mend."""
        facts, arrays = request.facts, request.arrays
        purpose = facts.get("purpose")

        def progress(stage: str, done: int, total: int | None) -> None:
            self._say("progressed", purpose, {"stage": stage, "done": done, "total": total})

        if request.kind == "open":
            return self._open(Path(facts["checkpoint"]))
        if self._opened is None:
            raise CheckpointError("no checkpoint is open")
        opened, vae = self._opened, self._opened.vae
        if request.kind not in _AT_ONCE:
            opened.progress = progress
        if request.kind == "draw":
            generator = torch.Generator().manual_seed(facts["seed"])
            epsilon = torch.randn(1, vae.latent_dim, generator=generator)[0].numpy()
            # The first of the images that `vae-tui sample` draws with this seed.
            middles, noises = _draw_apart(vae, 1, facts["seed"])
            return "drawn", {"seed": facts["seed"]}, {"epsilon": epsilon, "middle": middles[0], "noise": noises[0]}
        points = arrays.get("points")
        if points is not None and points.shape[1] != vae.latent_dim:
            raise CheckpointError(f"{opened.checkpoint} has {vae.latent_dim} latents, not {points.shape[1]}")
        if request.kind == "decode" and points is not None:
            return "decoded", dict(facts), {"points": points, "images": decode_points(vae, points)}
        if request.kind == "snap" and points is not None:
            mean, _ = encode_images(vae, _as_pixels(decode_points(vae, points)))
            return "snapped", {}, {"points": mean}
        if request.kind == "find":
            return _find(opened, facts["text"])
        if request.kind == "calculate" and points is not None:
            total = _calculate(opened, facts["text"], dict(zip(facts["names"], points, strict=True)))
            return "calculated", {"text": facts["text"]}, {"points": total[None]}
        if request.kind == "encode":
            codes = opened.codes()
            labels = np.full(len(codes), -1) if codes.labels is None else codes.labels
            return "encoded", {"class_names": list(codes.class_names)}, {"means": codes.mean, "labels": labels}
        if request.kind == "project":
            return _project(opened, facts["method"], progress)
        if request.kind == "neighbours" and points is not None:
            return _neighbours(opened, points, facts["count"])
        if request.kind == "record" and points is not None:
            out = Path(facts["out"])
            progress("decoding frames", 0, None)
            content = render_walk(vae, Walk(points, facts["frames_per_second"]), made_with=opened.full_name)
            try:
                write_whole(out, content)
            except OSError as error:
                raise VaeTuiError(f"{out} cannot be written: {error.strerror}") from error
            return "recorded", {"out": str(out)}, {}
        raise ValueError(f"unknown request {request.kind!r}")

    def _open(self, path: Path) -> tuple[str, dict[str, Any], dict[str, NDArray[Any]]]:
        opened = Space(path, data_root=self._data_root, progress=_say_nothing)
        if self._opened is not None:
            opened.share_sets(self._opened)
        rates, measured = _rates(opened)
        facts = {
            "checkpoint": str(path),
            "latent_dim": opened.vae.latent_dim,
            "step": opened.metadata.get("step"),
            "network": opened.vae.network_name,
            "class_names": opened.metadata.get("class_names", []),
            "rates": rates,
            "rates_are_measured": measured,
        }
        self._opened = opened
        if isinstance(opened.vae.prior, StandardNormal):
            return "opened", facts, {}
        middles, noises = _draw_apart(opened.vae, _DRAWS_TO_WALK, 0)
        return "opened", facts, {"middles": middles, "noises": noises}


@torch.no_grad()
def _draw_apart(vae: VAE, count: int, seed: int) -> tuple[Latents, Latents]:
    """Draws from the prior: what is left of each without its noise, and the noise, (count, Z) both."""
    middles = vae.prior.draw(count, torch.Generator().manual_seed(seed), temperature=0.0)
    draws = vae.prior.draw(count, torch.Generator().manual_seed(seed))
    return middles.numpy(), (draws - middles).numpy()


def _rates(opened: Space) -> tuple[list[float], bool]:
    """KL of each dimension in nats, (Z,), and whether it was measured on data, or else on images of the model's own."""
    known = opened.metadata.get("rate_per_dimension")
    if isinstance(known, list) and len(known) == opened.vae.latent_dim and all(_is_number(rate) for rate in known):
        return [float(rate) for rate in known], True
    pixels = _as_pixels(draw_samples(opened.vae, _IMAGES_FOR_RATES))
    return rate_per_dimension(Codes(*encode_images(opened.vae, pixels))).tolist(), False


def _find(opened: Space, text: str) -> tuple[str, dict[str, Any], dict[str, NDArray[Any]]]:
    source = opened.find(text)
    mean, log_variance = locate_sources(opened.vae, [source], opened.codes)
    return "found", {"text": text, "caption": source.caption}, {"mean": mean[0], "log_variance": log_variance[0]}


def _calculate(opened: Space, text: str, named: dict[str, Latents]) -> Latents:
    def find(name: str) -> Latents:
        if name in named:
            return named[name]
        with contextlib.suppress(DataError):
            class_names = opened.metadata.get("class_names", [])
            name = f"mean:{class_names[find_class(name, class_names)]}"
        found: Latents = opened.locate([opened.find(name)], "mean", 0)[0]
        return found

    return calculate(text, find)


def _say_nothing(_stage: str, _done: int, _total: int | None) -> None:
    pass


def _project(opened: Space, method: str, progress: Progress) -> tuple[str, dict[str, Any], dict[str, NDArray[Any]]]:
    codes = opened.codes()
    found: Projection = project_tsne(codes, progress=progress) if method == "tsne" else project_pca(codes)
    arrays: dict[str, NDArray[Any]] = {"coordinates": found.coordinates, "indexes": found.indexes}
    if found.origin is not None and found.directions is not None:
        arrays |= {"origin": found.origin, "directions": found.directions}
    return "projected", {"method": method, "axes": list(found.axes)}, arrays


def _neighbours(opened: Space, points: Latents, count: int) -> tuple[str, dict[str, Any], dict[str, NDArray[Any]]]:
    train, class_names = opened.sets.train, opened.sets.class_names
    image = decode_points(opened.vae, points)
    indexes, distances = find_neighbours(image[0], train.pixels, count)
    near = train.pick(torch.from_numpy(indexes))
    near_pixels = read_all(near.pixels)
    captions = []
    for row, index in enumerate(indexes):
        label = "" if near.labels is None else f" {class_names[int(near.labels[row])]}"
        captions.append(f"train:{index}{label} {np.sqrt(distances[row]):.3f}")
    means, _ = encode_images(opened.vae, near_pixels)
    images = np.concatenate([image, as_pictures(near_pixels)])
    return "neighboured", {"captions": captions}, {"images": images, "means": means, "points": points}


def _as_pixels(images: NDArray[np.uint8]) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(images.transpose(0, 3, 1, 2)))


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and bool(np.isfinite(value))
