"""The tables of a recipe: every key with its default, its limits and what it means.

What a key means stands once, in its field's description here.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

import tomli_w
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from vae_tui.recipe.changes import Change
from vae_tui.text import path_as_text

ImageSet = Literal[
    "digits",
    "sprites",
    "dsprites",
    "3dshapes",
    "mnist",
    "fashion-mnist",
    "kmnist",
    "qmnist",
    "emnist",
    "binarized-mnist",
    "cifar10",
    "cifar100",
    "svhn",
    "stl10",
    "stl10-unlabeled",
    "usps",
    "fer2013",
    "pcam",
    "omniglot",
    "celeba",
    "gtsrb",
    "food101",
    "flowers102",
    "oxford-iiit-pet",
    "eurosat",
    "npz",
    "csv",
    "folder",
]
_PHOTO_SETS = ("omniglot", "celeba", "gtsrb", "food101", "flowers102", "oxford-iiit-pet", "eurosat")
"""Whose images are resized, and read by torchvision."""
_STREAMED = ("dsprites", "3dshapes", "svhn", "stl10", "stl10-unlabeled", "usps", "fer2013", "pcam", *_PHOTO_SETS)
EmnistSplit = Literal["balanced", "byclass", "bymerge", "letters", "digits", "mnist"]
Activation = Literal["relu", "leaky_relu", "elu", "gelu", "silu", "tanh"]

_Sizes = Annotated[
    tuple[Annotated[int, Field(ge=1, le=65536)], ...], BeforeValidator(lambda v: tuple(v) if isinstance(v, list) else v)
]
_Levels = Annotated[
    tuple[Annotated[int, Field(ge=2, le=256)], ...], BeforeValidator(lambda v: tuple(v) if isinstance(v, list) else v)
]
_Channels = Annotated[
    tuple[Annotated[int, Field(ge=0)], ...], BeforeValidator(lambda v: tuple(v) if isinstance(v, list) else v)
]
_Milestones = Annotated[
    tuple[Annotated[int, Field(ge=1)], ...], BeforeValidator(lambda v: tuple(v) if isinstance(v, list) else v)
]
_PathText = Annotated[str, BeforeValidator(lambda v: path_as_text(v) if isinstance(v, str) else v)]
_Side = Annotated[int, Field(ge=4, le=4096)]
_ImageSize = Annotated[_Side | tuple[_Side, _Side], BeforeValidator(lambda v: tuple(v) if isinstance(v, list) else v)]


OWN = "FILE.py:ENCODER,DECODER"
"""What stands for networks of one's own where keys say which networks they go with."""
OWN_KEYS = ("model.network", "likelihood.name", "objective.name")
"""The keys that may name something of one's own."""
OWN_CLASS = "FILE.py:CLASS"
"""The same of an objective or a likelihood of one's own."""
_OWN, _OWN_CLASS = r"[^:]+\.py:[A-Za-z_]\w*,[A-Za-z_]\w*", r"[^:]+\.py:[A-Za-z_]\w*"
_BUILT_IN = ("mlp", "gated", "conv", "resnet", "ladder")


def is_own(name: object) -> bool:
    """Whether networks are named by a file and two classes in it, or an objective or a likelihood by a file and one."""
    return isinstance(name, str) and re.fullmatch(f"{_OWN}|{_OWN_CLASS}", name) is not None


def goes_with(given: object, values: Sequence[str]) -> bool:
    """Whether a value is one of `values`."""
    return str(given) in values or (not {OWN, OWN_CLASS}.isdisjoint(values) and is_own(given))


def _key(default: Any, meaning: str, *, only: Mapping[str, Sequence[str]] | None = None, **constraints: Any) -> Any:
    """A key of a table; `only` names the values of a sibling key it goes with, such as {"network": ["conv"]}."""
    return Field(
        default,
        description=meaning,
        json_schema_extra={"only": {selector: list(values) for selector, values in only.items()}} if only else None,
        **constraints,
    )


class Table(BaseModel):
    """One table of a recipe."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)

    @classmethod
    def keys(cls, given: Mapping[str, Any]) -> dict[str, bool]:
        """Every key of the table, and whether it applies beside the values `given`."""
        applies = {}
        for name, field in cls.model_fields.items():
            extra = field.json_schema_extra if isinstance(field.json_schema_extra, dict) else {}
            only: Any = extra.get("only", {})
            applies[name] = all(
                goes_with(given.get(selector, cls.model_fields[selector].default), values)
                for selector, values in only.items()
            )
        return applies

    def resolved(self) -> dict[str, Any]:
        """The keys that apply, with their values, as TOML writes them."""
        values = self.model_dump()
        applies = self.keys(values)
        return {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in values.items()
            if applies[name] and value is not None
        }


class DataTable(Table):
    """Which images are trained on."""

    name: ImageSet = _key(
        "digits", "the image set; `digits` is embedded, `sprites` are drawn, the others are read from disk"
    )
    root: _PathText | None = _key(
        None,
        "the .npz, .npy, .tif or .csv file, a folder of .npy or .csv files, or the folder of images; relative to the "
        "working directory",
        only={"name": ["npz", "csv", "folder"]},
    )
    key: str | None = _key(
        None,
        "the array of a .npz file that holds the training images, where the names leave it open; what goes with them "
        "(`x_test` with `x_train`, labels) is found by name",
        only={"name": ["npz"]},
    )
    split: EmnistSplit = _key(
        "balanced", "which of the sets that EMNIST is; its images are turned upright", only={"name": ["emnist"]}
    )
    image_size: _ImageSize | None = _key(
        None,
        "side in pixels, or [height, width]; digits are enlarged to it (28 if not given), sprites drawn at it (32 or 64, "
        "64 if not given), photos resized and centre-cropped (64 if not given, omniglot's 28)",
        only={"name": ["digits", "sprites", "folder", *_PHOTO_SETS]},
    )
    channels: Annotated[int, Field(ge=1, le=4096)] | None = _key(
        None,
        "of a folder, 1 for grey, 3 for RGB (if not given); of an array, how many it has, where that is neither 1 nor 3",
        only={"name": ["npz", "folder"]},
    )
    shown: _Channels | None = _key(
        None,
        "which channels are shown, counted from 0: one as grey, or three as red, green and blue (of two channels the first, "
        "of more than three the first three if not given)",
        only={"name": ["npz"]},
    )
    binarize: Literal["none", "static", "dynamic"] = _key(
        "none",
        "draw each pixel as 0 or 1 with its grey value as probability: `static` once, `dynamic` anew for every batch "
        "(validation and test are drawn once either way); not `static` with sprites",
    )
    labelled: Annotated[int, Field(ge=1)] | None = _key(
        None,
        "how many training images keep their class, as many of each, chosen by the seed; of the others a conditional model sees none "
        "(all keep it if not given)",
    )
    mirror: bool = _key(
        False,
        "mirror training images left to right, each with probability 1/2, anew in every epoch: for photos, of which there "
        "are never enough",
    )
    shift: int = _key(
        0,
        "move training images by up to so many pixels, at most half of their side, in each direction and anew in every epoch, the "
        "edges repeated",
        ge=0,
        le=1024,
    )
    crop: float = _key(
        0.0,
        "cut training images to a part, its side drawn anew in every epoch from the whole down to 1 - crop of it, and enlarge "
        "that again; not of black and white images, whose edges it would make grey",
        ge=0,
        le=0.9,
    )
    color_jitter: float = _key(
        0.0,
        "multiply brightness, contrast and saturation of training images each by a factor drawn from 1 - color_jitter to 1 + "
        "color_jitter, anew in every epoch; not of black and white images",
        ge=0,
        le=1,
    )
    validation: float = _key(
        0.1,
        "share of the training images held out by the seed to choose the best checkpoint on; a set with a validation "
        "split of its own uses that; 0 trains on everything, validation split included, and best is the last; 0.01 for "
        "sprites, dsprites and 3dshapes if not given",
        ge=0,
        lt=1,
    )
    test: float = _key(
        0.1,
        "share cut off by the seed as test split, where the set has none of its own; 0.01 for sprites, dsprites and 3dshapes if not given",
        only={"name": ["digits", "sprites", "dsprites", "3dshapes", "eurosat", "npz", "csv", "folder"]},
        gt=0,
        lt=1,
    )
    memory_gib: Annotated[float, Field(gt=0, le=1e6)] | Literal["auto"] = _key(
        "auto",
        "memory the images may take; of a folder or an array that takes more, images are read from disk as they are "
        "wanted; auto: half of what is available",
        only={"name": ["binarized-mnist", "npz", "folder", *_STREAMED]},
    )

    @model_validator(mode="before")
    @classmethod
    def _choose_by_set(cls, given: Any) -> Any:
        chosen: dict[str, dict[str, Any]] = {
            "digits": {"image_size": 28},
            "folder": {"image_size": 64, "channels": 3},
            # A hundredth of the sprites are 7,373.
            "sprites": {"image_size": 64, "validation": 0.01, "test": 0.01},
            **{name: {"validation": 0.01, "test": 0.01} for name in ("dsprites", "3dshapes")},
            **{name: {"image_size": 28 if name == "omniglot" else 64} for name in _PHOTO_SETS},
        }
        return chosen.get(str(given.get("name", "digits")), {}) | given

    @model_validator(mode="after")
    def _sprites_can_be_drawn(self) -> DataTable:
        if self.name == "sprites" and self.image_size not in (32, 64):
            size = list(self.image_size) if isinstance(self.image_size, tuple) else self.image_size
            raise ValueError(f'image_size: expected 32 or 64 with name = "sprites", got {size}')
        if self.name == "sprites" and self.binarize == "static":
            raise ValueError(
                'binarize: "static" keeps what it drew, and sprites are drawn whenever they are wanted; '
                'expected "none" or "dynamic" with name = "sprites"'
            )
        return self

    @model_validator(mode="after")
    def _black_and_white_stays_so(self) -> DataTable:
        if self.name == "binarized-mnist" or self.binarize == "static":
            for key in ("crop", "color_jitter"):
                if getattr(self, key):
                    raise ValueError(
                        f"{key}: expected 0 with black and white images, which it would make grey; shift keeps them as they are"
                    )
        return self

    @model_validator(mode="after")
    def _channels_can_be_shown(self) -> DataTable:
        if self.name == "folder" and self.channels not in (1, 3):
            raise ValueError(f'channels: expected 1 or 3 with name = "folder", got {self.channels}')
        if self.shown is not None and len(self.shown) not in (1, 3):
            raise ValueError(f"shown: expected one channel, or three, got {list(self.shown)}")
        if self.shown is not None and max(self.shown) >= (most := self.channels or 3):
            raise ValueError(f"shown: expected channels from 0 to {most - 1}, got {list(self.shown)}")
        return self

    @model_validator(mode="after")
    def _need_root(self) -> DataTable:
        needed = {"npz": "a .npz, .npy or .tif file", "csv": "a .csv file", "folder": "a folder of images"}
        if self.name in needed and not self.root:
            raise ValueError(f'root: needed with name = "{self.name}": {needed[self.name]}')
        return self


class ModelTable(Table):
    """The networks between images and latents."""

    network: (
        Literal["mlp", "gated", "conv", "resnet", "ladder", "autoencoder-kl"]
        | Annotated[str, Field(pattern=f"^{_OWN}$")]
    ) = _key(
        "mlp",
        "fully connected, the same with gates, convolutional, convolutional with residual blocks and skips from the "
        "latents, two levels of latents (a ladder of gated layers), or the autoencoder of latent diffusion, whose latents are a "
        "small picture; the decoder mirrors the encoder; or a file beside "
        'the recipe and two classes in it: "my_networks.py:MyEncoder,MyDecoder"',
    )
    code: str | None = _key(None, "what that file holds, copied here when a run is made", only={"network": [OWN]})
    hidden: _Sizes = _key(
        (400,), "widths of the hidden layers, encoder order", only={"network": ["mlp", "gated", "ladder"]}
    )
    channels: _Sizes = _key(
        (32, 64),
        "channels after each convolution, or of each of a resnet's resolutions, encoder order",
        only={"network": ["conv", "resnet", "autoencoder-kl"]},
        min_length=1,
    )
    dense: _Sizes = _key(
        (),
        "widths of fully connected layers between convolutions and latents, encoder order; few latents need them",
        only={"network": ["conv", "resnet"]},
    )
    blocks: int = _key(
        1, "residual blocks at each resolution", only={"network": ["resnet", "autoencoder-kl"]}, ge=1, le=64
    )
    groups: int = _key(
        8, "in which channels are normalised, all of which it divides", only={"network": ["autoencoder-kl"]}, ge=1
    )
    latent_channels: int = _key(
        4,
        "of the picture that latents are; latent_dim is these times its height and width, the images' halved at each resolution but "
        "the last",
        only={"network": ["autoencoder-kl"]},
        ge=1,
        le=256,
    )
    kernel_size: int = _key(3, "side of every convolution's kernel", only={"network": ["conv"]}, ge=1, le=15)
    stride: int = _key(2, "stride of every convolution", only={"network": ["conv"]}, ge=1, le=4)
    padding: int = _key(1, "zero padding of every convolution", only={"network": ["conv"]}, ge=0, le=7)
    pool: int = _key(
        1,
        "max-pooling after the last convolution, undone by nearest-neighbour enlarging; 1: none",
        only={"network": ["conv"]},
        ge=1,
        le=8,
    )
    norm: Literal["none", "batch", "group"] = _key(
        "none", "normalisation after each convolution but the decoder's last", only={"network": ["conv"]}
    )
    activation: Activation = _key("relu", "between layers", only={"network": ["mlp", "conv", "resnet"]})
    latent_dim: int = _key(20, "latent dimensions", ge=1, le=4096)
    condition: Literal["none", "label"] = _key(
        "none",
        "what encoder and decoder are given beside an image or its latent: nothing, or the image's class (a conditional VAE)",
        only={"network": ["mlp", "gated", "conv", "resnet", OWN]},
    )
    label_dropout: float = _key(
        0.1,
        "how probably a training image comes without its class, so that the model can do without; 0: it always needs one",
        only={"condition": ["label"]},
        ge=0,
        lt=1,
    )
    output_bias: Literal["mean", "zero"] = _key(
        "mean",
        "where the decoder's last bias begins: at the training images' mean, which it would else spend its first epochs "
        "finding, or at 0, as in most code",
        only={"network": list(_BUILT_IN)},
    )
    upper_dim: Annotated[int, Field(ge=1)] | None = _key(
        None,
        "how many of the latent dimensions, the first, are the upper level's (half of them if not given)",
        only={"network": ["ladder"]},
    )
    posterior: Literal["diagonal", "full", "iaf", "fsq", "vq"] = _key(
        "diagonal",
        "Gaussian with a diagonal or a full covariance, or a diagonal one through inverse autoregressive flows; or one of "
        "finitely many codes: each dimension rounded to a level (fsq), or each code_dim dimensions to an entry of a codebook (vq)",
        only={"network": ["mlp", "gated", "conv", "resnet", OWN]},
    )
    flow_steps: int = _key(2, "autoregressive steps of the flow", only={"posterior": ["iaf"]}, ge=1, le=32)
    flow_hidden: int = _key(320, "width of each step's hidden layer", only={"posterior": ["iaf"]}, ge=1, le=65536)
    levels: _Levels = _key(
        (8, 5, 5, 5),
        "levels of the dimensions that make a code, over and over; latent_dim is a multiple of their number",
        only={"posterior": ["fsq"]},
        min_length=1,
    )
    codebook: int = _key(512, "codes in the codebook", only={"posterior": ["vq"]}, ge=2, le=65536)
    code_dim: int = _key(
        4, "dimensions of a code; latent_dim is a multiple of it", only={"posterior": ["vq"]}, ge=1, le=4096
    )
    commitment: float = _key(
        0.25, "weight of the encoder's squared distance from its codes", only={"posterior": ["vq"]}, ge=0
    )

    @model_validator(mode="before")
    @classmethod
    def _choose_upper_dim(cls, given: Any) -> Any:
        latent_dim = given.get("latent_dim", cls.model_fields["latent_dim"].default)
        if given.get("network") != "ladder" or not isinstance(latent_dim, int):
            return given
        return {"upper_dim": max(1, latent_dim // 2), **given}

    @property
    def is_quantised(self) -> bool:
        """Whether the posterior is one of finitely many codes."""
        return self.posterior in ("fsq", "vq")

    @property
    def code_count(self) -> int:
        """How many codes a quantised posterior has; 0 of any other."""
        return {"fsq": math.prod(self.levels), "vq": self.codebook}.get(self.posterior, 0)

    @model_validator(mode="after")
    def _codes_fill_the_latents(self) -> ModelTable:
        size = {"fsq": len(self.levels), "vq": self.code_dim}.get(self.posterior, 1)
        if self.latent_dim % size:
            what = "the number of levels" if self.posterior == "fsq" else "code_dim"
            raise ValueError(f"latent_dim: expected a multiple of {what} ({size}), got {self.latent_dim}")
        return self

    @model_validator(mode="after")
    def _groups_divide_the_channels(self) -> ModelTable:
        if self.network == "autoencoder-kl" and any(width % self.groups for width in self.channels):
            raise ValueError(
                f"groups: expected a number that divides all of channels {list(self.channels)}, got {self.groups}"
            )
        return self

    @model_validator(mode="after")
    def _padding_fits(self) -> ModelTable:
        if self.network == "conv" and self.padding >= self.kernel_size:
            raise ValueError(f"padding: expected less than kernel_size ({self.kernel_size}), got {self.padding}")
        return self

    @model_validator(mode="after")
    def _ladder_has_two_levels(self) -> ModelTable:
        if self.network == "ladder" and self.latent_dim < 2:
            raise ValueError("latent_dim: expected 2 at least, one for each level of a ladder, got 1")
        if self.upper_dim is not None and self.upper_dim >= self.latent_dim:
            raise ValueError(f"upper_dim: expected less than latent_dim ({self.latent_dim}), got {self.upper_dim}")
        if self.network == "ladder" and not self.hidden:
            raise ValueError("hidden: a ladder needs one width at least")
        return self


class PriorTable(Table):
    """Where latents come from."""

    name: Literal["normal", "mixture", "vamp", "class", "codes"] = _key(
        "normal",
        "N(0, I), a mixture of Gaussians that is learned, one of the posteriors of pseudo-images that are learned, or, with "
        '[model] condition = "label", a Gaussian that is learned for each class; of a quantised posterior always "codes": how often '
        "each is used, learned",
    )
    components: int = _key(500, "of the mixture", only={"name": ["mixture", "vamp"]}, ge=1, le=65536)
    start: Literal["images", "noise"] = _key(
        "images", "what pseudo-images begin as: training images, or grey noise", only={"name": ["vamp"]}
    )


class LikelihoodTable(Table):
    """How probable an image is, given its latent."""

    name: (
        Literal["bernoulli", "continuous-bernoulli", "gaussian", "laplace", "discretized-logistic"]
        | Annotated[str, Field(pattern=f"^{_OWN_CLASS}$")]
    ) = _key(
        "bernoulli",
        "of each pixel, in [0, 1]; a discretised logistic gives the probability of each of the 256 grey values; or a file beside "
        'the recipe and a class in it: "my_likelihood.py:MyLikelihood"',
    )
    code: str | None = _key(None, "what that file holds, copied here when a run is made", only={"name": [OWN_CLASS]})
    sigma: Annotated[float, Field(ge=1e-4, le=1e4)] | Literal["learned", "per-pixel", "optimal"] = _key(
        0.1,
        "standard deviation: of every pixel (the notebooks' squared error is 0.7071067811865476), `learned` one for "
        "all, `per-pixel` by the decoder, or `optimal`: the error of the batch itself (sigma-VAE)",
        only={"name": ["gaussian"]},
    )
    scale: Annotated[float, Field(ge=1.25e-4, le=8.1e3)] | Literal["learned", "per-pixel"] = _key(
        "learned",
        "scale of every pixel, `learned` one for all, or `per-pixel` by the decoder",
        only={"name": ["laplace", "discretized-logistic"]},
    )


_SCHEDULING = ("schedule", "warmup_epochs", "cycle_epochs", "capacity_epochs")
"""The keys of an objective that only say how it gets to where it stays."""


class ObjectiveTable(Table):
    """What is minimised."""

    name: (
        Literal["elbo", "free-bits", "capacity", "iwae", "tcvae", "factor", "dip", "mmd", "m2"]
        | Annotated[str, Field(pattern=f"^{_OWN_CLASS}$")]
    ) = _key(
        "elbo",
        "`elbo`: distortion + beta rate; `free-bits`: no reward for a rate below them; `capacity`: the rate is held at "
        "a capacity that grows; `iwae`: the bound of several draws, with DReG gradients; `tcvae`: beta weighs the total "
        "correlation alone; `factor`: gamma more of it, estimated by a discriminator; `dip`: covariances are held to the "
        "identity; `mmd`: a distance of all codes from the prior; `m2`: a classifier learns beside a conditional VAE, and stands in where "
        "images have no class; or a file beside the recipe and a class in it: "
        '"my_objective.py:MyObjective"',
    )
    code: str | None = _key(None, "what that file holds, copied here when a run is made", only={"name": [OWN_CLASS]})
    beta: float = _key(
        1.0,
        "weight of the rate (tcvae: of the total correlation); 0 leaves only the distortion",
        only={"name": ["elbo", "free-bits", "tcvae", "mmd", OWN_CLASS]},
        ge=0,
    )
    schedule: Literal["linear", "sigmoid", "cyclical"] = _key(
        "linear",
        "how beta rises from 0 during the warm-up: evenly, along a sigmoid, or evenly and again from 0 every cycle_epochs",
        only={"name": ["elbo", "free-bits", "tcvae", "mmd", OWN_CLASS]},
    )
    warmup_epochs: float = _key(
        0.0,
        "epochs over which beta rises; 0: it is constant",
        only={"name": ["elbo", "free-bits", "tcvae", "mmd", OWN_CLASS]},
        ge=0,
    )
    cycle_epochs: float = _key(10.0, "epochs from one rise to the next", only={"schedule": ["cyclical"]}, gt=0)
    distortion: bool = _key(True, "false leaves only beta * rate", only={"name": ["elbo"]})
    free_bits: float = _key(0.1, "nats that cost no more than their use", only={"name": ["free-bits"]}, ge=0)
    free_bits_per: Literal["dimension", "image"] = _key(
        "dimension", "whether each latent dimension has them, or all together", only={"name": ["free-bits"]}
    )
    capacity: float = _key(25.0, "nats the rate is held at in the end", only={"name": ["capacity"]}, ge=0)
    capacity_epochs: float = _key(10.0, "epochs over which it grows there from 0", only={"name": ["capacity"]}, ge=0)
    gamma: Annotated[float, Field(ge=0)] | None = _key(
        None,
        "capacity: weight of the rate's distance from it (1000 if not given); factor: weight of the total correlation "
        "(10 if not given)",
        only={"name": ["capacity", "factor"]},
    )
    samples: int = _key(5, "draws of z per image", only={"name": ["iwae"]}, ge=1, le=4096)
    covariance: Literal["means", "codes"] = _key(
        "codes", "of the posteriors' means (DIP-VAE-I) or of the codes drawn (DIP-VAE-II)", only={"name": ["dip"]}
    )
    off_diagonal: float = _key(10.0, "weight of covariances, squared", only={"name": ["dip"]}, ge=0)
    diagonal: float = _key(10.0, "weight of variances' distance from 1, squared", only={"name": ["dip"]}, ge=0)
    classification: float = _key(
        0.1,
        "weight of the classifier's cross-entropy, times all images for each that has a class",
        only={"name": ["m2"]},
        ge=0,
    )
    mmd: float = _key(100.0, "weight of the distance, which is in no unit", only={"name": ["mmd"]}, ge=0)

    @property
    def once_scheduled(self) -> dict[str, Any]:
        """What is minimised when every schedule has ended; losses compare between tables that agree in this."""
        return {key: value for key, value in self.resolved().items() if key not in _SCHEDULING}

    @model_validator(mode="before")
    @classmethod
    def _choose_gamma(cls, given: Any) -> Any:
        gamma = {"capacity": 1000.0, "factor": 10.0}.get(str(given.get("name", "elbo")))
        return {"gamma": gamma, **given} if gamma else given

    @model_validator(mode="after")
    def _something_is_left(self) -> ObjectiveTable:
        if self.beta == 0 and not self.distortion:
            raise ValueError("beta: expected more than 0 with distortion = false, or there is nothing to minimise")
        return self

    @model_validator(mode="after")
    def _cycles_hold_a_rise(self) -> ObjectiveTable:
        if self.schedule == "cyclical" and not 0 < self.warmup_epochs <= self.cycle_epochs:
            raise ValueError(
                f"warmup_epochs: expected more than 0 and at most cycle_epochs ({self.cycle_epochs:g}) with "
                f'schedule = "cyclical", got {self.warmup_epochs:g}'
            )
        return self


class OptimizerTable(Table):
    """How it is minimised."""

    name: Literal["adam", "adamw", "sgd"] = _key("adam", "the optimizer")
    lr: float = _key(1e-3, "learning rate", gt=0)
    momentum: float = _key(0.0, "momentum", only={"name": ["sgd"]}, ge=0, lt=1)
    weight_decay: float = _key(0.0, "weight decay (decoupled with adamw)", ge=0)
    schedule: Literal["constant", "step", "exponential", "cosine", "plateau"] = _key(
        "constant",
        "of the learning rate: held, times gamma at each milestone, times gamma every epoch, a half cosine, or times gamma "
        "whenever no epoch has validated better for plateau_epochs",
    )
    milestones: _Milestones = _key(
        (), "epochs after which the learning rate is multiplied by gamma", only={"schedule": ["step"]}
    )
    plateau_epochs: int = _key(10, "epochs without a better one", only={"schedule": ["plateau"]}, ge=1)
    gamma: float = _key(
        0.1, "factor of the schedule", only={"schedule": ["step", "exponential", "plateau"]}, gt=0, le=1
    )
    clip_norm: float = _key(0.0, "gradients are scaled down to this norm; 0: never", ge=0)
    ema_decay: float = _key(
        0.0, "decay per step of averaged weights, which then validate, draw and are loaded; 0: none", ge=0, lt=1
    )
    ema_snapshots: int = _key(
        0,
        "how many times two power-function averages of the weights are kept, evenly over the whole run, to average over any "
        "width afterwards (`evaluate --ema-width`): at most so many times, half as many at least; 0: never",
        ge=0,
        le=256,
    )

    @model_validator(mode="after")
    def _step_has_milestones(self) -> OptimizerTable:
        if self.schedule == "step" and not self.milestones:
            raise ValueError('milestones: needed with schedule = "step", such as [1000]')
        return self


class TrainTable(Table):
    """For how long, and on what terms."""

    epochs: int | None = _key(
        None, "passes over the training images (20 if neither this nor max_seconds is given)", ge=1
    )
    max_seconds: float | None = _key(None, "training stops after this time, whichever comes first", gt=0)
    patience: int | None = _key(
        None, "training stops once no epoch has validated better for so many; counted when a warm-up is over", ge=1
    )
    batch_size: int = _key(100, "images a step; an epoch's last batch may be smaller", ge=1)
    threads: Annotated[int, Field(ge=1, le=1024)] | Literal["auto"] = _key(
        "auto", "CPU threads; auto: what is fastest in a trial of some steps, then kept, on resuming too"
    )
    compile: bool | Literal["auto"] = _key(
        "auto", "whether torch compiles the step; auto: where a trial shows that it pays back within the run"
    )
    precision: Literal["float32", "tf32", "bf16"] = _key(
        "float32",
        "of the networks' products in training: tf32 and bf16 are quicker where the device (vae-tui doctor) has them; "
        "the loss is float32",
    )
    checkpoint_epochs: int = _key(1, "epochs between checkpoints (at most one a second, always one at the end)", ge=1)
    keep: int = _key(3, "how many of the newest checkpoints are kept, besides the best", ge=1)
    snapshots: int = _key(
        16,
        "how many weights are kept evenly over the whole run, to look back at: at most so many, half as many at least; "
        "0: none",
        ge=0,
        le=1024,
    )
    seed: int = _key(0, "of weights, splits, data order, noise and pictures", ge=0, lt=2**63)
    start_from: _PathText | None = _key(None, "a checkpoint or a run whose weights training starts from")

    @model_validator(mode="before")
    @classmethod
    def _choose_epochs(cls, given: Any) -> Any:
        return given if {"epochs", "max_seconds"} & given.keys() else {**given, "epochs": 20}


class SampleTable(Table):
    """The grid of samples drawn every epoch."""

    count: int = _key(64, "images in the grid", ge=1, le=1024)


class Recipe(BaseModel):
    """A whole job: images, networks, prior, likelihood, objective, optimizer, length and pictures."""

    model_config = ConfigDict(frozen=True)

    data: DataTable = DataTable()
    model: ModelTable = ModelTable()
    prior: PriorTable = PriorTable()
    likelihood: LikelihoodTable = LikelihoodTable()
    objective: ObjectiveTable = ObjectiveTable()
    optimizer: OptimizerTable = OptimizerTable()
    train: TrainTable = TrainTable()
    sample: SampleTable = SampleTable()
    changes: tuple[Change, ...] = ()
    """What is changed while it trains, in the order of their steps."""

    @property
    def own(self) -> dict[str, tuple[str, str]]:
        """What of it is the user's own, by the key that names it, such as "model.network": that name, and the code."""
        codes = {key: self.value(f"{key.partition('.')[0]}.code") for key in OWN_KEYS}
        return {key: (self.value(key), code) for key, code in codes.items() if code is not None}

    def resolved(self) -> dict[str, dict[str, Any]]:
        """Every table with every key that applies, defaults written out; without the changes."""
        return {name: getattr(self, name).resolved() for name in TABLES}

    def document(self) -> dict[str, Any]:
        """The whole recipe as TOML writes it, the changes as well; `parse` makes an equal recipe of it."""
        return {**self.resolved(), **({"changes": self.changes_until(None)} if self.changes else {})}

    def to_toml(self) -> str:
        """Write the recipe, every default included; it parses back to an equal recipe."""
        changes = [f"\n[[changes]]\n{tomli_w.dumps(change)}" for change in self.changes_until(None)]
        return tomli_w.dumps(self.resolved(), multiline_strings=True) + "".join(changes)

    def changes_until(self, step: int | None) -> list[dict[str, Any]]:
        """The changes up to a step, or all of them, as TOML writes them."""
        return [change.model_dump() for change in self.changes if step is None or change.step <= step]

    def at(self, step: int) -> Recipe:
        """The recipe by which the step after `step` others is taken: with every change up to there made."""
        recipe = self
        for change in self.changes:
            if change.step <= step:
                recipe = recipe.with_value(change.key, change.value)
        return recipe

    def value(self, key: str) -> Any:
        """The value of a key such as "objective.beta"."""
        name, _, field = key.partition(".")
        return getattr(getattr(self, name), field)

    def with_value(self, key: str, value: Any) -> Recipe:
        """The recipe with another value of a key such as "objective.beta"; raises pydantic's ValidationError."""
        name, _, field = key.partition(".")
        table = getattr(self, name)
        changed = type(table).model_validate({**table.resolved(), field: value})
        return self.model_copy(update={name: changed})

    def objective_since(self, step: int) -> int:
        """The step of the last change up to `step` that made another loss; 0 where there is none."""
        return max((change.step for change in self.changes if change.is_of_loss and change.step <= step), default=0)


TABLES: dict[str, type[Table]] = {
    "data": DataTable,
    "model": ModelTable,
    "prior": PriorTable,
    "likelihood": LikelihoodTable,
    "objective": ObjectiveTable,
    "optimizer": OptimizerTable,
    "train": TrainTable,
    "sample": SampleTable,
}
