"""Codes brought to a plane: two of their dimensions, their principal components, or t-SNE."""

from __future__ import annotations

import contextlib
import io
import re
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vae_tui.data import Progress
from vae_tui.errors import VaeTuiError
from vae_tui.latent.codes import Codes, Latents
from vae_tui.latent.grids import check_plane

Plane = NDArray[np.float32]
"""Points (N, 2), or one point (2,), in the plane."""
MOST_TSNE_POINTS = 2000
_TSNE_ITERATIONS = 1000


@dataclass(frozen=True)
class Projection:
    """Codes as points of a plane: `coordinates` (M, 2), and what the two `axes` are.

    `indexes` (M,) says which code each point is. `place` and `lift` work where the plane is a linear one; t-SNE has
    neither, and a cursor in it goes from code to code, by `nearest`.
    """

    coordinates: Plane
    axes: tuple[str, str]
    indexes: NDArray[np.int64]
    origin: Latents | None = None
    """The point (Z,) that is (0, 0) in the plane, up to what the directions do not see; None: no way back."""
    directions: Latents | None = None
    """The plane's two directions, (2, Z), orthonormal."""

    def place(self, latent: Latents) -> Plane | None:
        """Where in the plane a latent (Z,) is: (2,)."""
        if self.origin is None or self.directions is None:
            return None
        placed: Plane = self.directions @ (np.asarray(latent, np.float32) - self.origin)
        return placed

    def lift(self, position: Plane, latent: Latents) -> Latents | None:
        """The latent (Z,) moved so that it is at `position` (2,), all that the plane does not show kept."""
        here = self.place(latent)
        if here is None or self.directions is None:
            return None
        lifted: Latents = (latent + (np.asarray(position, np.float32) - here) @ self.directions).astype(np.float32)
        return lifted

    def nearest(self, position: Plane) -> int:
        """The index of the code whose point is nearest to `position` (2,)."""
        distances = np.square(self.coordinates - np.asarray(position, np.float32)).sum(1)
        return int(self.indexes[int(distances.argmin())])


def project_dimensions(codes: Codes, first: int, second: int) -> Projection:
    """The codes' means seen along two latent dimensions; raises VaeTuiError where there are no such two."""
    size = codes.mean.shape[1]
    if size < 2:
        raise VaeTuiError("a plane needs two latent dimensions, and this model has one; PCA draws it along a line")
    check_plane((first, second), size)
    directions = np.zeros((2, size), np.float32)
    directions[0, first] = directions[1, second] = 1
    return Projection(
        codes.mean[:, [first, second]],
        (f"z{first}", f"z{second}"),
        np.arange(len(codes)),
        np.zeros(size, np.float32),
        directions,
    )


def project_pca(codes: Codes) -> Projection:
    """The codes' means seen along the two directions they vary most in; with one latent dimension, the second is flat.

    Each direction points to where its largest part is positive, so that the picture is the same every time.
    """
    mean = codes.mean.astype(np.float64)
    origin = mean.mean(0)
    covariance = (mean - origin).T @ (mean - origin) / len(mean)
    variances, vectors = np.linalg.eigh(covariance)
    directions = np.zeros((2, mean.shape[1]))
    directions[: min(2, len(variances))] = vectors.T[::-1][:2]
    largest = np.abs(directions).argmax(1)
    directions *= np.where(directions[[0, 1], largest] < 0, -1, 1)[:, None]
    total = max(float(variances.sum()), 1e-12)
    shares = [*(variances[::-1] / total), 0.0]
    axes = tuple(f"PC {number + 1} ({shares[number]:.0%} of the variance)" for number in range(2))
    coordinates = ((mean - origin) @ directions.T).astype(np.float32)
    return Projection(
        coordinates,
        (axes[0], axes[1]),
        np.arange(len(codes)),
        origin.astype(np.float32),
        directions.astype(np.float32),
    )


def project_tsne(codes: Codes, *, seed: int = 0, progress: Progress | None = None) -> Projection:
    """The codes' means by t-SNE, at most MOST_TSNE_POINTS of them, of each class its share; the same for the same seed.

    What `progress` raises ends the computation and is passed on. Raises VaeTuiError for fewer than five codes. Van der
    Maaten and Hinton, Visualizing Data using t-SNE, 2008.
    """
    if len(codes) < 5:
        raise VaeTuiError(f"t-SNE needs five codes at least, there are {len(codes)}; PCA needs two")
    if codes.mean.shape[1] < 2:
        raise VaeTuiError("t-SNE needs two latent dimensions at least, there is one; PCA draws it along a line")
    report = progress or (lambda _stage, _done, _total: None)
    report("t-SNE", 0, _TSNE_ITERATIONS)
    from sklearn.manifold import TSNE  # noqa: PLC0415  a second to import, and only this needs it
    from threadpoolctl import threadpool_limits  # noqa: PLC0415

    indexes = _choose_points(codes, seed)
    tsne = TSNE(
        n_components=2,
        perplexity=min(30.0, (len(indexes) - 1) / 3),
        init="pca",
        learning_rate="auto",
        max_iter=_TSNE_ITERATIONS,
        random_state=seed % 2**32,
        verbose=2,
        n_jobs=1,
    )
    # Its threads add forces up in whatever order they end, and the last bits decide where points go.
    listening = _iterations_read(lambda done: report("t-SNE", min(done, _TSNE_ITERATIONS), _TSNE_ITERATIONS))
    with listening, threadpool_limits(1):
        coordinates = tsne.fit_transform(codes.mean[indexes].astype(np.float64))
    report("t-SNE", _TSNE_ITERATIONS, _TSNE_ITERATIONS)
    return Projection(np.asarray(coordinates, np.float32), ("t-SNE 1", "t-SNE 2"), indexes)


def _choose_points(codes: Codes, seed: int) -> NDArray[np.int64]:
    """Which codes to take, in order: all, or of each class a share at random."""
    if len(codes) <= MOST_TSNE_POINTS:
        return np.arange(len(codes))
    generator = np.random.default_rng(seed)
    order = generator.permutation(len(codes))
    if codes.labels is not None:
        # Every k-th of the codes sorted by class takes each class's share, to within one.
        order = order[np.argsort(codes.labels[order], kind="stable")]
    taken = np.linspace(0, len(order), MOST_TSNE_POINTS, endpoint=False).astype(int)
    return np.sort(order[taken]).astype(np.int64)


class _Listener(io.TextIOBase):
    """Hears what one thread prints; what others print goes where it went before."""

    def __init__(self, on_text: Callable[[str], None], stream: Any) -> None:
        self._on_text, self._stream = on_text, stream
        self._thread = threading.get_ident()

    def write(self, text: str) -> int:
        if threading.get_ident() == self._thread:
            self._on_text(text)
            return len(text)
        return int(self._stream.write(text))

    def flush(self) -> None:
        if threading.get_ident() != self._thread:
            self._stream.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


@contextlib.contextmanager
def _iterations_read(report: Callable[[int], None]) -> Iterator[None]:
    """Pass on how far scikit-learn's t-SNE is, which it only prints."""

    def on_text(text: str) -> None:
        if match := re.match(r"\[t-SNE\] Iteration (\d+)", text):
            report(int(match[1]))

    with contextlib.redirect_stdout(_Listener(on_text, sys.stdout)):
        yield
