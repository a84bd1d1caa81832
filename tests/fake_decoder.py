"""Stands in for the decoder's process: draws rings, five latents, three classes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vae_tui.walk import messages as ms
from vae_tui.walk.decoder import Receive

CLASSES = ("circle", "ring", "spot")
RATES = (0.21, 1.52, 0.001, 0.93, 0.4)
CODEBOOK = np.array([[-1.5], [-0.5], [0.5], [1.5]], np.float32)
DIRECTION = np.array([0, 0.8, 0, 0.6, 0], np.float32)
DEVIATIONS = np.array([0.8, 0.25, 0.99, 0.5, 0.6], np.float32)
EPSILON = np.array([0.5, -1.25, 0.75, 1.0, -0.25], np.float32)


def draw(points: NDArray[Any]) -> NDArray[np.uint8]:
    """Rings (N, 16, 16, 1) that the latents (N, 5) move and widen; whole numbers alone, so the same anywhere."""
    moving = [dimension % points.shape[1] for dimension in (1, 3, 4)]
    across, down, size = (np.rint(points[:, dimension] * 8).astype(int)[:, None, None] for dimension in moving)
    rows, columns = np.mgrid[:16, :16] * 16 - 120
    distance = (columns - across) ** 2 + (rows - down) ** 2
    off = np.abs(distance - (64 + size) ** 2)
    return np.clip(255 - off // 14, 0, 255).astype(np.uint8)[..., None]


class FakeDecoder:
    """Replies at once; `sent` are the requests it was sent."""

    conditional = False
    codebook: NDArray[np.float32] | None = CODEBOOK
    upper_dim: int | None = None

    def __init__(self, receive: Receive, *, data_root: Path | None = None) -> None:
        self._receive = receive
        self.sent: list[ms.Request[Any]] = []
        self.is_closed = False
        self.has_encoded = False
        generator = np.random.default_rng(0)
        self.labels = np.arange(90) % 3
        self.codes = (generator.integers(-90, 90, (90, 5)) / 100).astype(np.float32)
        self.codes[:, 1] += self.labels - 1.0
        self.codes[:, 3] += self.labels % 2

    def send(self, number: int, request: ms.Request[Any]) -> None:
        self.sent.append(request)
        self._receive(number, self.reply(request))

    def close(self) -> None:
        self.is_closed = True

    def reply(self, request: ms.Request[Any]) -> ms.Reply:
        """What a real one would reply to the request, about this space."""
        match request:
            case ms.OpenCheckpoint(checkpoint, class_given):
                step = int(checkpoint.stem.partition("-")[2])
                epochs = step / 100
                given = (ms.NO_CLASS if class_given is None else class_given) if self.conditional else None
                about = checkpoint, 5, step, "mlp 256-400-5", CLASSES, RATES, True
                return ms.CheckpointOpened(
                    *about,
                    epochs=epochs,
                    negative_elbo=150 - epochs,
                    class_given=given,
                    codebook=self.codebook,
                    upper_dim=self.upper_dim,
                )
            case ms.DrawPrior(seed):
                noise = (EPSILON * (1 + seed)).astype(np.float32)
                return ms.PriorDrawn(noise, np.zeros(5, np.float32), noise)
            case ms.Decode(points):
                return ms.Decoded(draw(points))
            case ms.Snap(point):
                return ms.Snapped((point / 2).astype(np.float32))
            case ms.FindSource(text):
                if text not in CLASSES:
                    return ms.Failed(f"there is no class {text!r}")
                code = self.codes[CLASSES.index(text)]
                index = CLASSES.index(text)
                return ms.SourceFound(f"test {index} ({text})", code, np.zeros(5, np.float32), index)
            case ms.Calculate(_, _, points):
                return ms.Calculated(points.sum(axis=0))
            case ms.Reconstruct(images, source):
                return ms.Decoded(np.full_like(images, 200 if source else 100))
            case ms.DrawSpread(points):
                return ms.Decoded(draw(points) // 4)
            case ms.FitImage(source, point):
                if source not in CLASSES:
                    return ms.Failed(f"{source} is a code and no image")
                return ms.Fitted(f"test ({source})", (point + 0.5).astype(np.float32), 120.5, 111.25)
            case ms.FitEdited(image, hidden, point, by, count):
                if not hidden.any():
                    return ms.EditFitted(
                        (point + 0.5)[None].astype(np.float32), image[None], before=120.5, after=111.25
                    )
                points = self.codes[:count]
                filled = np.where(hidden[..., None], draw(points), image)
                return ms.EditFitted(points, filled, 4000, 181.4 if by == "weights" else None)
            case ms.FindDirections(names, _):
                if any(":" not in name for name in names):
                    return ms.Failed(f"{names[0]}: expected pca:K")
                vectors = np.stack([np.roll(DIRECTION, row) for row in range(len(names))])
                return ms.DirectionsFound(names, ("half",) * len(names), vectors)
            case ms.MeasurePlace(point, _):
                return self._measure(point)
            case ms.EncodeTestImages():
                self.has_encoded = True
                return ms.TestImagesEncoded(CLASSES, self.codes, self.labels)
            case ms.Project(method):
                return self._project(method)
            case ms.FindNeighbors(_, count):
                means = self.codes[:count]
                names = tuple(f"{7 * row} {CLASSES[row % 3]}" for row in range(count))
                captions = tuple(f"train:{name} 0.{11 + row}" for row, name in enumerate(names))
                return ms.NeighborsFound(names, captions, draw(means), means)
            case ms.ShowTestImage(index):
                return ms.TestImageShown(draw(self.codes[index : index + 1])[0])
            case ms.ExportGif(out):
                return ms.GifExported(out)
        raise ValueError(f"no reply to {request}")

    def _measure(self, point: NDArray[np.float32]) -> ms.PlaceMeasured:
        log_prior = -0.5 * float(np.square(point).sum()) - 4.59
        at_code = bool((self.codes == point).all(axis=1).any())
        return ms.PlaceMeasured(
            len(self.codes) if self.has_encoded else 0,
            log_prior,
            log_prior - 1.5 if self.has_encoded else None,
            DEVIATIONS if at_code else None,
        )

    def _project(self, method: str) -> ms.Projected:
        axes = ("PC 1 (61% of the variance)", "PC 2 (22% of the variance)")
        coordinates, indexes = self.codes[:, [1, 3]], np.arange(90)
        if method == "tsne":
            return ms.Projected(("t-SNE 1", "t-SNE 2"), coordinates, indexes)
        directions = np.zeros((2, 5), np.float32)
        directions[0, 1] = directions[1, 3] = 1
        return ms.Projected(axes, coordinates, indexes, np.zeros(5, np.float32), directions)
