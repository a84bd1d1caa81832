"""What a walk and its decoder process send each other: a frozen dataclass for every request and every reply.

    request            reply                 answered
    OpenCheckpoint     CheckpointOpened      at once
    DrawPrior          PriorDrawn            at once
    Decode             Decoded               at once
    Snap               Snapped               at once
    MeasurePlace       PlaceMeasured         at once
    FindSource         SourceFound           when there is time
    Calculate          Calculated            when there is time
    Reconstruct        Decoded               when there is time
    DrawSpread         Decoded               when there is time
    FitImage           Fitted                when there is time
    FitEdited          EditFitted            when there is time
    FindDirections     DirectionsFound       when there is time
    EncodeTestImages   TestImagesEncoded     when there is time
    Project            Projected             when there is time
    FindNeighbors      NeighborsFound        when there is time
    ShowTestImage      TestImageShown        when there is time
    ExportGif          GifExported           when there is time

Every request has a number, which its reply carries too. A request takes the place of a waiting one of its kind where
only the newest counts. What takes long is followed by `Progressed`; what a user can mend is replied to by `Failed`.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar, Generic, Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

from vae_tui.walk.plane import PlaneMethod

NO_CLASS = -1
"""What stands for none among classes."""
FEW_DRAWS = 10.0
"""So few weighted draws that count are hardly draws from the posterior."""


@dataclass(frozen=True)
class Array:
    """An array's dtype, and a letter for each of its axes: one letter is one size in the whole message."""

    dtype: str
    axes: str


Vector = Annotated[NDArray[np.float32], Array("float32", "Z")]
Points = Annotated[NDArray[np.float32], Array("float32", "NZ")]
CodeRows = Annotated[NDArray[np.float32], Array("float32", "MZ")]
CodeVectors = Annotated[NDArray[np.float32], Array("float32", "KD")]
OwnShares = Annotated[NDArray[np.float32], Array("float32", "K")]
"""Of one picture, as in `vae_tui.walk.shares`; None: as of the class that the checkpoint was opened as."""
ShareRows = Annotated[NDArray[np.float32], Array("float32", "NK")]
Indexes = Annotated[NDArray[np.int64], Array("int64", "M")]
Pictures = Annotated[NDArray[np.uint8], Array("uint8", "NHWC")]


class Reply:
    """What the decoder sends."""


@dataclass(frozen=True)
class CheckpointOpened(Reply):
    """The checkpoint that is walked from now on; for a learned prior with draws of it, their middles and noises apart."""

    checkpoint: Path
    latent_dim: int
    step: int | None
    network: str
    class_names: tuple[str, ...]
    rates: tuple[float, ...]
    """KL of each dimension in nats."""
    rates_are_measured: bool
    """On data, that is; or else on images of the model's own."""
    middles: CodeRows | None = None
    noises: CodeRows | None = None
    epochs: float | None = None
    """How many it was trained."""
    negative_elbo: float | None = None
    """In nats per image: of validation images, or of training images where there is nothing else."""
    class_given: int | None = None
    """Of a conditional VAE: which class its images are decoded as, or -1 for none."""
    knows_no_class: bool = True
    """Whether it can decode as of no class."""
    codebook: CodeVectors | None = None
    """Of a quantised VAE: where each code is, in the dimensions of a code."""
    upper_dim: int | None = None
    """Of a ladder: how many dimensions are its upper level's; they come first."""


@dataclass(frozen=True)
class PriorDrawn(Reply):
    """A draw of N(0, I), and one of the model's prior, its middle and its noise apart."""

    epsilon: Vector
    middle: Vector
    noise: Vector


@dataclass(frozen=True)
class Decoded(Reply):
    """The images of the points, in their order."""

    images: Pictures


@dataclass(frozen=True)
class Snapped(Reply):
    """The posterior mean of the point's image."""

    point: Vector


@dataclass(frozen=True)
class PlaceMeasured(Reply):
    """Log densities of a point in nats, and the posterior's standard deviations where it is an image's code.

    `log_prior` is log p(z), `log_aggregated` log q(z), the mean of the posteriors of `count` test images, once these are
    encoded.
    """

    count: int
    log_prior: float | None = None
    log_aggregated: float | None = None
    deviations: Vector | None = None


@dataclass(frozen=True)
class SourceFound(Reply):
    """The posterior of what was named; -inf is no spread. Of a conditional VAE the class that it was encoded as, -1 for none."""

    caption: str
    mean: Vector
    log_variance: Vector
    class_index: int = NO_CLASS


@dataclass(frozen=True)
class Calculated(Reply):
    """The sum; where it is one image of a conditional VAE alone, the class that it was encoded as, -1 for none."""

    point: Vector
    class_index: int | None = None


@dataclass(frozen=True)
class Fitted(Reply):
    """The place found for an image, and -log p(x, z) in nats where it began and there."""

    caption: str
    point: Vector
    before: float
    after: float


@dataclass(frozen=True)
class EditFitted(Reply):
    """Places that agree with an edited picture, and these pictures.

    Of a whole picture one, and -log p(x, z) in nats at the place one came from and there; of one with a hidden part several, which by
    importance weights stand for so many `effective_draws` out of `draws`.
    """

    points: Points
    images: Pictures
    draws: int = 0
    effective_draws: float | None = None
    before: float | None = None
    after: float | None = None


@dataclass(frozen=True)
class DirectionsFound(Reply):
    """Unit vectors through latent space, what each is called, and how much it is of."""

    names: tuple[str, ...]
    notes: tuple[str, ...]
    vectors: Points


@dataclass(frozen=True)
class TestImagesEncoded(Reply):
    """The posterior mean of every test image, and its class, -1 for none."""

    __test__: ClassVar[bool] = False

    class_names: tuple[str, ...]
    means: CodeRows
    labels: Indexes


@dataclass(frozen=True)
class Projected(Reply):
    """The codes that `indexes` names in a plane; `origin` and `directions`, orthonormal, lead back where there is a way."""

    axes: tuple[str, str]
    coordinates: Annotated[NDArray[np.float32], Array("float32", "MP")]
    indexes: Indexes
    origin: Vector | None = None
    directions: Annotated[NDArray[np.float32], Array("float32", "PZ")] | None = None


@dataclass(frozen=True)
class NeighborsFound(Reply):
    """The training images nearest to an image, the nearest first, with the posterior mean of each.

    A name is the image's index with its class, where it has one; a caption says how far off it is, too.
    """

    names: tuple[str, ...]
    captions: tuple[str, ...]
    images: Pictures
    means: Points


@dataclass(frozen=True)
class TestImageShown(Reply):
    """The image."""

    __test__: ClassVar[bool] = False

    image: Annotated[NDArray[np.uint8], Array("uint8", "HWC")]


@dataclass(frozen=True)
class GifExported(Reply):
    """The file is written."""

    out: Path


@dataclass(frozen=True)
class Progressed(Reply):
    """How far a request is that takes long."""

    stage: str
    done: int
    total: int | None


@dataclass(frozen=True)
class Failed(Reply):
    """Why a request cannot be fulfilled."""

    message: str


@dataclass(frozen=True)
class DecoderDied(Reply):
    """The process has ended by itself; `message` is the last line of its log. Never sent: the client makes it."""

    message: str


R = TypeVar("R", bound=Reply, covariant=True)


class Request(Generic[R]):
    """What is sent to the decoder; `newest_only`: one that waits is dropped for another of its kind."""

    newest_only: ClassVar[bool] = True


@dataclass(frozen=True)
class OpenCheckpoint(Request[CheckpointOpened]):
    """Walk in this checkpoint from now on, and, where it is a conditional VAE's, as of this class, or -1 for none."""

    checkpoint: Path
    class_given: int | None = None


@dataclass(frozen=True)
class DrawPrior(Request[PriorDrawn]):
    """Draw what `vae-tui sample` draws first with this seed."""

    seed: int


@dataclass(frozen=True)
class Decode(Request[Decoded]):
    """Decode points."""

    points: Points
    shares: ShareRows | None = None


@dataclass(frozen=True)
class Snap(Request[Snapped]):
    """Encode the image of a point."""

    point: Vector
    shares: OwnShares | None = None


@dataclass(frozen=True)
class MeasurePlace(Request[PlaceMeasured]):
    """Find how probable a point is, and how wide the posterior that it is the mean of."""

    point: Vector
    shares: OwnShares | None = None


@dataclass(frozen=True)
class FindSource(Request[SourceFound]):
    """Find what a user names: an image, a class's mean, or a file."""

    newest_only: ClassVar[bool] = False

    text: str


@dataclass(frozen=True)
class Calculate(Request[Calculated]):
    """Calculate a sum of class means, images and the points that have these names."""

    text: str
    names: tuple[str, ...]
    points: Points


@dataclass(frozen=True)
class Reconstruct(Request[Decoded]):
    """Encode images and decode them; in place of the first the image that is named so, unless the name is empty."""

    images: Pictures
    source: str


@dataclass(frozen=True)
class DrawSpread(Request[Decoded]):
    """The standard deviation, pixel by pixel, of what draws from the posterior of each point's image are decoded to.

    Twice that, as of images of 0 to 255.
    """

    points: Points
    shares: ShareRows | None = None


@dataclass(frozen=True)
class FitImage(Request[Fitted]):
    """Find the place whose picture fits the image that a user named, from a point on."""

    source: str
    point: Vector
    shares: OwnShares | None = None


@dataclass(frozen=True)
class FitEdited(Request[EditFitted]):
    """Find places whose pictures agree with one that was changed by hand, where it is not hidden (1)."""

    image: Annotated[NDArray[np.uint8], Array("uint8", "HWC")]
    hidden: Annotated[NDArray[np.uint8], Array("uint8", "HW")]
    point: Vector
    by: Literal["weights", "gradient"]
    count: int
    seed: int
    shares: OwnShares | None = None


@dataclass(frozen=True)
class FindDirections(Request[DirectionsFound]):
    """Find the directions that a user names, as they are at a point."""

    newest_only: ClassVar[bool] = False

    names: tuple[str, ...]
    point: Vector


@dataclass(frozen=True)
class EncodeTestImages(Request[TestImagesEncoded]):
    """Encode the test images."""


@dataclass(frozen=True)
class Project(Request[Projected]):
    """Bring the codes of the test images to a plane."""

    method: PlaneMethod


@dataclass(frozen=True)
class FindNeighbors(Request[NeighborsFound]):
    """Find the training images nearest to an image."""

    image: Annotated[NDArray[np.uint8], Array("uint8", "HWC")]
    count: int


@dataclass(frozen=True)
class ShowTestImage(Request[TestImageShown]):
    """Show the test image of that number."""

    index: int


@dataclass(frozen=True)
class ExportGif(Request[GifExported]):
    """Write a walk through these points as a GIF."""

    newest_only: ClassVar[bool] = False

    out: Path
    frames_per_second: float
    points: Points
    shares: ShareRows | None = None


KINDS: dict[str, type[Request[Reply]] | type[Reply]] = {
    kind.__name__: kind
    for kind in (
        *(
            OpenCheckpoint,
            DrawPrior,
            Decode,
            Snap,
            MeasurePlace,
            PlaceMeasured,
            FindSource,
            Calculate,
            Reconstruct,
            DrawSpread,
            FitImage,
            FitEdited,
        ),
        *(FindDirections, EncodeTestImages, Project, FindNeighbors, ShowTestImage, ExportGif),
        *(CheckpointOpened, PriorDrawn, Decoded, Snapped, SourceFound, Calculated, TestImagesEncoded, Projected),
        *(Fitted, EditFitted, DirectionsFound, NeighborsFound, TestImageShown, GifExported, Progressed, Failed),
    )
}
"""What may be on the wire, by name."""
