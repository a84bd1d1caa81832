"""The tables of a recipe: every key with its default, its limits and what it means.

What a key means stands once, in its field's description here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

import tomli_w
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

ImageSet = Literal["digits", "sprites", "mnist", "fashion-mnist", "binarized-mnist", "npz", "folder"]
Activation = Literal["relu", "leaky_relu", "elu", "gelu", "silu", "tanh"]

_Sizes = Annotated[
    tuple[Annotated[int, Field(ge=1, le=65536)], ...], BeforeValidator(lambda v: tuple(v) if isinstance(v, list) else v)
]
_Milestones = Annotated[
    tuple[Annotated[int, Field(ge=1)], ...], BeforeValidator(lambda v: tuple(v) if isinstance(v, list) else v)
]
_Side = Annotated[int, Field(ge=4, le=4096)]
_ImageSize = Annotated[_Side | tuple[_Side, _Side], BeforeValidator(lambda v: tuple(v) if isinstance(v, list) else v)]


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
                str(given.get(selector, cls.model_fields[selector].default)) in values
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
    root: str | None = _key(
        None,
        "the .npz or .npy file, or the folder of JPEG and PNG files; relative to the working directory",
        only={"name": ["npz", "folder"]},
    )
    image_size: _ImageSize | None = _key(
        None,
        "side in pixels, or [height, width]; digits are enlarged to it (28 if not given), sprites drawn at it (32 or 64, "
        "64 if not given), photos resized and centre-cropped (64 if not given)",
        only={"name": ["digits", "sprites", "folder"]},
    )
    channels: Literal[1, 3] = _key(3, "1 for grey, 3 for RGB", only={"name": ["folder"]})
    binarize: Literal["none", "static", "dynamic"] = _key(
        "none",
        "draw each pixel as 0 or 1 with its grey value as probability: `static` once, `dynamic` anew for every batch "
        "(validation and test are drawn once either way); not `static` with sprites",
    )
    validation: float = _key(
        0.1,
        "share of the training images held out by the seed to choose the best checkpoint on; a set with a validation "
        "split of its own uses that; 0 trains on everything, validation split included, and best is the last; 0.01 for "
        "sprites if not given",
        ge=0,
        lt=1,
    )
    test: float = _key(
        0.1,
        "share cut off by the seed as test split, where the set has none of its own; 0.01 for sprites if not given",
        only={"name": ["digits", "sprites", "npz", "folder"]},
        gt=0,
        lt=1,
    )
    memory_gib: Annotated[float, Field(gt=0)] | Literal["auto"] = _key(
        "auto",
        "memory the images may take; of a folder or an array that takes more, images are read from disk as they are "
        "wanted; auto: half of what is available",
        only={"name": ["binarized-mnist", "npz", "folder"]},
    )

    @model_validator(mode="before")
    @classmethod
    def _choose_by_set(cls, given: Any) -> Any:
        chosen: dict[str, dict[str, Any]] = {
            "digits": {"image_size": 28},
            "folder": {"image_size": 64},
            # A hundredth of the sprites are 7,373.
            "sprites": {"image_size": 64, "validation": 0.01, "test": 0.01},
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
    def _need_root(self) -> DataTable:
        if self.name in ("npz", "folder") and not self.root:
            what = "a .npz or .npy file" if self.name == "npz" else "a folder of images"
            raise ValueError(f'root: needed with name = "{self.name}": {what}')
        return self


class ModelTable(Table):
    """The networks between images and latents."""

    network: Literal["mlp", "conv"] = _key("mlp", "fully connected, or convolutional; the decoder mirrors the encoder")
    hidden: _Sizes = _key((400,), "widths of the hidden layers, encoder order", only={"network": ["mlp"]})
    channels: _Sizes = _key(
        (32, 64), "channels after each convolution, encoder order", only={"network": ["conv"]}, min_length=1
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
    activation: Activation = _key("relu", "between layers")
    latent_dim: int = _key(20, "latent dimensions", ge=1, le=4096)

    @model_validator(mode="after")
    def _padding_fits(self) -> ModelTable:
        if self.network == "conv" and self.padding >= self.kernel_size:
            raise ValueError(f"padding: expected less than kernel_size ({self.kernel_size}), got {self.padding}")
        return self


class LikelihoodTable(Table):
    """How probable an image is, given its latent."""

    name: Literal["bernoulli", "gaussian"] = _key("bernoulli", "of each pixel, in [0, 1]")
    sigma: float = _key(
        0.1,
        "standard deviation of every pixel; the notebooks' squared error is 0.7071067811865476",
        only={"name": ["gaussian"]},
        ge=1e-4,
        le=1e4,
    )


class ObjectiveTable(Table):
    """What is minimised: distortion + beta * rate."""

    beta: float = _key(1.0, "weight of the rate; 0 leaves only the distortion", ge=0)
    warmup_epochs: float = _key(0.0, "epochs over which beta rises linearly from 0", ge=0)
    distortion: bool = _key(True, "false leaves only beta * rate")

    @model_validator(mode="after")
    def _something_is_left(self) -> ObjectiveTable:
        if self.beta == 0 and not self.distortion:
            raise ValueError("beta: expected more than 0 with distortion = false, or there is nothing to minimise")
        return self


class OptimizerTable(Table):
    """How it is minimised."""

    name: Literal["adam", "adamw", "sgd"] = _key("adam", "the optimizer")
    lr: float = _key(1e-3, "learning rate", gt=0)
    momentum: float = _key(0.0, "momentum", only={"name": ["sgd"]}, ge=0, lt=1)
    weight_decay: float = _key(0.0, "weight decay (decoupled with adamw)", ge=0)
    schedule: Literal["constant", "step", "exponential", "cosine"] = _key(
        "constant",
        "of the learning rate: held, times gamma at each milestone, times gamma every epoch, or a half cosine",
    )
    milestones: _Milestones = _key(
        (), "epochs after which the learning rate is multiplied by gamma", only={"schedule": ["step"]}
    )
    gamma: float = _key(0.1, "factor of the schedule", only={"schedule": ["step", "exponential"]}, gt=0, le=1)
    clip_norm: float = _key(0.0, "gradients are scaled down to this norm; 0: never", ge=0)
    ema_decay: float = _key(
        0.0, "decay per step of averaged weights, which then validate, draw and are loaded; 0: none", ge=0, lt=1
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
    batch_size: int = _key(100, "images a step; an epoch's last batch may be smaller", ge=1)
    threads: Annotated[int, Field(ge=1, le=1024)] | Literal["auto"] = _key(
        "auto", "CPU threads; auto: what is fastest in a trial of some steps, then kept, on resuming too"
    )
    compile: bool | Literal["auto"] = _key(
        "auto", "whether torch compiles the step; auto: where a trial shows that it pays back within the run"
    )
    precision: Literal["float32", "tf32", "bf16"] = _key(
        "float32",
        "of the networks' products in training: tf32 and bf16 are quicker where the device has them; the loss is float32",
    )
    checkpoint_epochs: int = _key(1, "epochs between checkpoints (at most one a second, always one at the end)", ge=1)
    keep: int = _key(3, "how many of the newest checkpoints are kept, besides the best", ge=1)
    seed: int = _key(0, "of weights, splits, data order, noise and pictures", ge=0, lt=2**63)
    start_from: str | None = _key(None, "a checkpoint or a run whose weights training starts from")

    @model_validator(mode="before")
    @classmethod
    def _choose_epochs(cls, given: Any) -> Any:
        return given if {"epochs", "max_seconds"} & given.keys() else {**given, "epochs": 20}


class SampleTable(Table):
    """The grid of samples drawn every epoch."""

    count: int = _key(64, "images in the grid", ge=1, le=1024)


class Recipe(BaseModel):
    """A whole job: images, networks, likelihood, objective, optimizer, length and pictures."""

    model_config = ConfigDict(frozen=True)

    data: DataTable = DataTable()
    model: ModelTable = ModelTable()
    likelihood: LikelihoodTable = LikelihoodTable()
    objective: ObjectiveTable = ObjectiveTable()
    optimizer: OptimizerTable = OptimizerTable()
    train: TrainTable = TrainTable()
    sample: SampleTable = SampleTable()

    def resolved(self) -> dict[str, dict[str, Any]]:
        """Every table with every key that applies, defaults written out."""
        return {name: getattr(self, name).resolved() for name in TABLES}

    def to_toml(self) -> str:
        """Write the recipe, every default included; it parses back to an equal recipe."""
        return tomli_w.dumps(self.resolved())


TABLES: dict[str, type[Table]] = {
    "data": DataTable,
    "model": ModelTable,
    "likelihood": LikelihoodTable,
    "objective": ObjectiveTable,
    "optimizer": OptimizerTable,
    "train": TrainTable,
    "sample": SampleTable,
}
