"""What the decoder process of a walk does: it replies to requests, of most kinds to the newest only.

`vae_tui.walk.messages` says what there is to request. What is quick is done between two frames; all else goes on in a
second thread and sends `Progressed`, so that decoding never waits for it.
"""

from __future__ import annotations

import contextlib
import math
import threading
import traceback
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import torch
from numpy.typing import NDArray

from vae_tui.data import Progress, as_floats, read_all
from vae_tui.errors import CheckpointError, DataError, VaeTuiError
from vae_tui.imaging.grid import choose_channels
from vae_tui.latent.arithmetic import calculate
from vae_tui.latent.codes import Codes, Latents, encode_images, rate_per_dimension
from vae_tui.latent.directions import find_directions
from vae_tui.latent.edited import fit_edited
from vae_tui.latent.fitting import fit_latent
from vae_tui.latent.grids import decode_points
from vae_tui.latent.lane import Lane
from vae_tui.latent.neighbors import find_neighbors
from vae_tui.latent.projection import Projection, project_pca, project_tsne
from vae_tui.latent.replay import render_walk
from vae_tui.latent.sample import as_pictures, draw_samples
from vae_tui.latent.sources import Source, locate_sources
from vae_tui.latent.space import Space
from vae_tui.latent.uncertainty import draw_spread
from vae_tui.model import VAE
from vae_tui.model.priors import StandardNormal
from vae_tui.runs.files import write_whole
from vae_tui.runs.weights import recorded_epochs, recorded_negative_elbo
from vae_tui.walk import messages as ms
from vae_tui.walk.classes import find_class
from vae_tui.walk.recorded import RecordedWalk
from vae_tui.walk.shares import Shares
from vae_tui.walk.wire import WireError, read_message, write_message

_IMAGES_FOR_RATES, _FEWEST_FOR_RATES = 256, 16
_VALUES_FOR_RATES = 1 << 21
"""Pixels, times their channels, of large images: whoever goes from weights to weights does not wait for them."""
_DRAWS_TO_WALK = 200
_QUICK = (ms.OpenCheckpoint, ms.DrawPrior, ms.Decode, ms.Snap, ms.MeasurePlace)


class Service:
    """Replies to requests about one checkpoint at a time on the stream `replies`."""

    def __init__(self, replies: BinaryIO, data_root: Path | None) -> None:
        self._replies, self._data_root = replies, data_root
        self._writing = threading.Lock()
        self._quick, self._slow = Lane(), Lane()
        self._opened: Space | None = None
        # One thread keeps up with any key, and leaves the cores to a training that may be running.
        torch.set_num_threads(1)

    def serve(self, requests: BinaryIO) -> None:
        """Reply until `requests` ends."""
        threading.Thread(target=self._receive, args=(requests,), daemon=True).start()
        threading.Thread(target=self._work_off, args=(self._slow,), daemon=True).start()
        self._work_off(self._quick)

    def _receive(self, requests: BinaryIO) -> None:
        ended = False
        while not ended:
            try:
                received = read_message(requests)
            except WireError as error:
                self._send(error.number, ms.Failed(str(error)))
                continue
            if ended := received is None:
                continue
            number, request = received
            (self._quick if isinstance(request, _QUICK) else self._slow).put(number, request)
        self._slow.close()
        self._quick.close()

    def _work_off(self, lane: Lane) -> None:
        while (taken := lane.take()) is not None:
            number, request = taken
            try:
                reply = self._reply(number, request)
            except VaeTuiError as error:
                reply = ms.Failed(str(error))
            except Exception as error:
                traceback.print_exc()
                reply = ms.Failed(f"{type(error).__name__}: {error}")
            self._send(number, reply)

    def _send(self, number: int, reply: ms.Reply) -> None:
        with self._writing:
            write_message(self._replies, number, reply)

    def _reply(self, number: int, request: ms.Request[Any]) -> ms.Reply:
        """Reply to one request; raises VaeTuiError for what a user can mend."""

        def progress(stage: str, done: int, total: int | None) -> None:
            self._send(number, ms.Progressed(stage, done, total))

        if isinstance(request, ms.OpenCheckpoint):
            return self._open(request.checkpoint, request.class_given)
        if self._opened is None:
            raise CheckpointError("no checkpoint is open")
        if isinstance(request, _QUICK):
            return _reply_at_once(self._opened, request)
        self._opened.progress = progress
        return _reply_in_time(self._opened, request, progress)

    def _open(self, path: Path, class_given: int | None) -> ms.CheckpointOpened:
        if self._opened is not None and self._opened.checkpoint == path:
            opened = self._opened
        else:
            opened = Space(path, data_root=self._data_root, progress=_ignore_progress)
            if self._opened is not None:
                opened.share_sets(self._opened)
        conditional = opened.vae.class_count > 0
        if conditional and class_given is not None and class_given < opened.vae.class_count:
            opened.vae.label = class_given if class_given >= 0 or opened.vae.knows_no_label else 0
        rates, measured = _rates(opened)
        middles = noises = None
        if not isinstance(opened.vae.prior, StandardNormal):
            middles, noises = _draw_apart(opened.vae, _DRAWS_TO_WALK, 0)
        self._opened = opened
        return ms.CheckpointOpened(
            checkpoint=path,
            latent_dim=opened.vae.latent_dim,
            step=opened.metadata.get("step"),
            network=opened.vae.network_name,
            class_names=tuple(opened.metadata.get("class_names", [])),
            rates=tuple(rates),
            rates_are_measured=measured,
            middles=middles,
            noises=noises,
            epochs=recorded_epochs(opened.metadata),
            negative_elbo=recorded_negative_elbo(opened.metadata),
            class_given=opened.vae.label if conditional else None,
            knows_no_class=opened.vae.knows_no_label,
            upper_dim=opened.vae.recipe.model.upper_dim,
            codebook=opened.vae.posterior.vectors().numpy() if opened.vae.recipe.model.is_quantised else None,
        )


def _reply_at_once(opened: Space, request: ms.Request[Any]) -> ms.Reply:
    vae = opened.vae
    match request:
        case ms.Decode(points, shares):
            images = decode_points(vae, _check_size(opened, points), labels=_as_labels(opened, shares))
            return ms.Decoded(choose_channels(images, vae.shown_channels))
        case ms.DrawPrior(seed):
            epsilon = torch.randn(1, vae.latent_dim, generator=torch.Generator().manual_seed(seed))
            # The first of the images that `vae-tui sample` draws with this seed.
            middles, noises = _draw_apart(vae, 1, seed)
            return ms.PriorDrawn(epsilon[0].numpy(), middles[0], noises[0])
        case ms.Snap(point, shares):
            labels = None if shares is None else _as_labels(opened, shares[None])
            found = encode_images(vae, _as_pixels(decode_points(vae, _check_size(opened, point[None]), labels=labels)))
            opened.posteriors.add(*found)
            return ms.Snapped(found[0][0])
        case ms.MeasurePlace(point, shares):
            place = opened.measure(_check_size(opened, point[None])[0], shares)
            return ms.PlaceMeasured(place.count, place.log_prior, place.log_aggregated, place.deviations)
    raise ValueError(f"no way to reply to {type(request).__name__}")


def _reply_in_time(opened: Space, request: ms.Request[Any], progress: Progress) -> ms.Reply:
    match request:
        case ms.FindSource(text):
            source = opened.find(text)
            mean, log_variance = locate_sources(opened.vae, [source], opened.codes)
            opened.posteriors.add(mean, log_variance)
            class_index = opened.class_of(source) if opened.vae.class_count else ms.NO_CLASS
            return ms.SourceFound(source.caption, mean[0], log_variance[0], class_index)
        case ms.Calculate(text, names, points):
            named = dict(zip(names, _check_size(opened, points), strict=True))
            return _calculate(opened, text, named)
        case ms.Reconstruct(images, source):
            return ms.Decoded(_reconstruct(opened, images, source))
        case ms.DrawSpread(points, shares):
            return ms.Decoded(draw_spread(opened.vae, _check_size(opened, points), shares))
        case ms.FitImage(text, point, shares):
            source = opened.find(text)
            if source.pixels is None:
                raise DataError(f"{source.caption} is a code and no image")
            start = _check_size(opened, point[None])[0]
            fit = fit_latent(opened.vae, as_floats(source.pixels), start, progress, shares=shares)
            return ms.Fitted(source.caption, fit.latent, fit.before, fit.after)
        case ms.FitEdited(image, hidden, point, by, count, seed, shares):
            near = _check_size(opened, point[None])[0]
            return fit_edited(
                opened.vae,
                image,
                hidden.astype(bool),
                near,
                by=by,
                count=count,
                seed=seed,
                shares=shares,
                progress=progress,
            )
        case ms.FindDirections(names, point):
            progress("finding directions", 0, None)
            found = find_directions(opened, names, _check_size(opened, point[None])[0])
            vectors = np.stack([direction.vector for direction in found])
            return ms.DirectionsFound(tuple(d.name for d in found), tuple(d.note for d in found), vectors)
        case ms.EncodeTestImages():
            codes = opened.codes()
            labels = np.full(len(codes), -1) if codes.labels is None else codes.labels
            return ms.TestImagesEncoded(codes.class_names, codes.mean, labels)
        case ms.Project(method):
            return _project(opened, method, progress)
        case ms.FindNeighbors(image, count):
            return _find_neighbors(opened, image, count)
        case ms.ShowTestImage(index):
            pixels = opened.find(f"test:{index}").pixels
            assert pixels is not None
            return ms.TestImageShown(choose_channels(as_pictures(pixels[None]), opened.vae.shown_channels)[0])
        case ms.ExportGif(out, frames_per_second, points, shares):
            progress("decoding frames", 0, None)
            walk = RecordedWalk(points, frames_per_second, shares=shares)
            content = render_walk(opened.vae, walk, made_with=opened.full_name)
            try:
                write_whole(out, content)
            except OSError as error:
                raise VaeTuiError(f"{out} cannot be written: {error.strerror}") from error
            return ms.GifExported(out)
    raise ValueError(f"no way to reply to {type(request).__name__}")


def _check_size(opened: Space, points: Latents) -> Latents:
    if points.shape[1] != opened.vae.latent_dim:
        raise CheckpointError(f"{opened.checkpoint} has {opened.vae.latent_dim} latents, not {points.shape[1]}")
    return points


def _as_labels(opened: Space, shares: Shares | None) -> torch.Tensor | None:
    """Shares of classes (N, K + 1) as what networks take; raises CheckpointError for those of another model."""
    if shares is not None and shares.shape[1] != opened.vae.class_count + 1:
        raise CheckpointError(f"{opened.checkpoint} has {opened.vae.class_count} classes, not {shares.shape[1] - 1}")
    return None if shares is None else torch.from_numpy(shares)


@torch.no_grad()
def _draw_apart(vae: VAE, count: int, seed: int) -> tuple[Latents, Latents]:
    """Draws from the prior: what is left of each without its noise, and the noise, (count, Z) both."""
    prior = vae.prior_given(None, 1)
    middles = prior.draw(count, torch.Generator().manual_seed(seed), temperature=0.0)
    draws = prior.draw(count, torch.Generator().manual_seed(seed))
    return middles.numpy(), (draws - middles).numpy()


def _rates(opened: Space) -> tuple[list[float], bool]:
    """KL of each dimension in nats, (Z,), and whether it was measured on data, or else on images of the model's own."""
    known = opened.metadata.get("rate_per_dimension")
    if isinstance(known, list) and len(known) == opened.vae.latent_dim and all(_is_number(rate) for rate in known):
        return [float(rate) for rate in known], True
    count = min(_IMAGES_FOR_RATES, max(_FEWEST_FOR_RATES, _VALUES_FOR_RATES // math.prod(opened.vae.image_shape)))
    pixels = _as_pixels(draw_samples(opened.vae, count))
    return rate_per_dimension(Codes(*encode_images(opened.vae, pixels))).tolist(), False


def _calculate(opened: Space, text: str, named: dict[str, Latents]) -> ms.Calculated:
    terms: list[Source | None] = []

    def find(name: str) -> Latents:
        if name in named:
            terms.append(None)
            return named[name]
        with contextlib.suppress(DataError):
            class_names = opened.metadata.get("class_names", [])
            name = f"mean:{class_names[find_class(name, class_names)]}"
        source = opened.find(name)
        terms.append(source)
        found: Latents = opened.locate([source], "mean", 0)[0]
        return found

    point = calculate(text, find)
    alone = terms[0] if len(terms) == 1 and opened.vae.class_count else None
    return ms.Calculated(point, None if alone is None else opened.class_of(alone))


def _reconstruct(opened: Space, images: NDArray[np.uint8], source: str) -> NDArray[np.uint8]:
    vae = opened.vae
    channels, height, width = vae.image_shape
    if images.shape[1:] != (height, width, channels):
        given = "x".join(map(str, images.shape[1:]))
        raise CheckpointError(f"{opened.full_name} takes images of {height}x{width}x{channels}, not {given}")
    means, _ = encode_images(vae, _as_pixels(images))
    if source:
        means[0] = locate_sources(vae, [opened.find(source)], opened.codes)[0][0]
    return choose_channels(decode_points(vae, means), vae.shown_channels)


def _ignore_progress(_stage: str, _done: int, _total: int | None) -> None:
    pass


def _project(opened: Space, method: str, progress: Progress) -> ms.Projected:
    codes = opened.codes()
    found: Projection = project_tsne(codes, progress=progress) if method == "tsne" else project_pca(codes)
    return ms.Projected(found.axes, found.coordinates, found.indexes, found.origin, found.directions)


def _find_neighbors(opened: Space, image: NDArray[np.uint8], count: int) -> ms.NeighborsFound:
    train, class_names = opened.sets.train, opened.sets.class_names
    channels = opened.vae.shown_channels
    indexes, distances = find_neighbors(image, train.pixels, count, channels)
    near = train.pick(torch.from_numpy(indexes))
    near_pixels = read_all(near.pixels)
    names, captions = [], []
    for row, index in enumerate(indexes):
        label = "" if near.labels is None else f" {class_names[int(near.labels[row])]}"
        names.append(f"{index}{label}")
        captions.append(f"train:{index}{label} {np.sqrt(distances[row]):.3f}")
    means, log_variances = encode_images(opened.vae, near_pixels, near.labels)
    opened.posteriors.add(means, log_variances)
    images = choose_channels(as_pictures(near_pixels), channels)
    return ms.NeighborsFound(tuple(names), tuple(captions), images, means)


def _as_pixels(images: NDArray[np.uint8]) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(images.transpose(0, 3, 1, 2)))


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and bool(np.isfinite(value))
