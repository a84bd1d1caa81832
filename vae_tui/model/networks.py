"""Encoders and decoders: images to posterior parameters, latents to pixel logits."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from vae_tui.errors import RecipeError
from vae_tui.model.autoencoder_kl import KlDecoder, KlEncoder
from vae_tui.model.conditional import ConditionalDecoder, FlatConditionalEncoder, PlaneConditionalEncoder
from vae_tui.model.ladder import LadderPosterior, TopDown
from vae_tui.model.own import build_own
from vae_tui.model.posteriors import DiagonalGaussian, FullGaussian, InverseAutoregressiveFlow, Posterior
from vae_tui.model.quantised import ScalarQuantiser, VectorQuantiser
from vae_tui.recipe import ModelTable
from vae_tui.recipe.sizes import Sides, feature_sizes, group_count, shrinking_error
from vae_tui.recipe.tables import is_own

ImageShape = tuple[int, int, int]
"""(C, H, W)."""

_ACTIVATIONS: dict[str, Callable[[], nn.Module]] = {
    "relu": partial(nn.ReLU, inplace=True),
    "leaky_relu": partial(nn.LeakyReLU, inplace=True),
    "elu": partial(nn.ELU, inplace=True),
    "gelu": nn.GELU,
    "silu": nn.SiLU,
    "tanh": nn.Tanh,
}


@dataclass(frozen=True)
class Networks:
    """An encoder (B, C, H, W) -> (B, P), the posterior that reads its P numbers, a decoder (B, Z) -> (B, C', H, W).

    Conditional ones also take the codes (B, K + 1) of classes. `name` is what to call them.
    """

    encoder: nn.Module
    posterior: Posterior
    decoder: nn.Module
    name: str


def build_networks(model: ModelTable, image_shape: ImageShape, *, outputs: int = 1, code_width: int = 0) -> Networks:
    """The networks a recipe names; the decoder gives `outputs` numbers for each value of an image: C' = outputs C.

    With a `code_width` of K + 1 they are conditional. Raises RecipeError where the images are too small for the convolutions, or where networks of one's own cannot be made.
    """
    if model.network == "ladder":
        return _ladder(model, image_shape, outputs)
    posterior = _posterior(model)
    posterior_name = "" if model.posterior == "diagonal" else f", {model.posterior} posterior"
    if is_own(model.network):
        encoder, decoder = build_own(model, image_shape, outputs, posterior.size, code_width=code_width)
        name = f"{model.network.replace(':', ' ').replace(',', ' and ')}, {model.latent_dim} latents"
        return Networks(encoder, posterior, decoder, name + posterior_name)
    if model.network == "autoencoder-kl":
        return _autoencoder_kl(model, image_shape, outputs, posterior)
    build = {"mlp": _mlp, "gated": _mlp, "conv": _conv, "resnet": _resnet}[model.network]
    encoder, decoder, name = build(model, image_shape, outputs, posterior.size, code_width)
    if code_width:
        decoder = ConditionalDecoder(decoder)
        name += f", given one of {code_width - 1} classes"
    return Networks(encoder, posterior, decoder, f"{model.network} {name}{posterior_name}")


def build_classifier(model: ModelTable, image_shape: ImageShape, class_count: int) -> nn.Module:
    """A network like a recipe's encoder that gives the logit of each class, (B, C, H, W) -> (B, K)."""
    build = {"mlp": _mlp, "gated": _mlp, "conv": _conv, "resnet": _resnet}[model.network]
    return build(model, image_shape, 1, class_count, 0)[0]


def _posterior(model: ModelTable) -> Posterior:
    """The posterior a recipe names, for every network but a ladder, which brings its own."""
    if model.posterior == "full":
        return FullGaussian(model.latent_dim)
    if model.posterior == "iaf":
        return InverseAutoregressiveFlow(model.latent_dim, model.flow_steps, model.flow_hidden)
    if model.posterior == "fsq":
        return ScalarQuantiser(model.latent_dim, model.levels)
    if model.posterior == "vq":
        return VectorQuantiser(model.latent_dim, model.codebook, model.code_dim, model.commitment)
    return DiagonalGaussian(model.latent_dim)


def _mlp(
    model: ModelTable, image_shape: ImageShape, outputs: int, posterior_size: int, code_width: int
) -> tuple[nn.Module, nn.Module, str]:
    pixels = image_shape[0] * image_shape[1] * image_shape[2]
    layer = _gated if model.network == "gated" else partial(_dense, activation=_ACTIVATIONS[model.activation])
    widths = [pixels, *model.hidden]
    encoder_widths = [pixels + code_width, *model.hidden]
    encoder: nn.Module = nn.Sequential(
        nn.Flatten(), *_layers(encoder_widths, layer), nn.Linear(encoder_widths[-1], posterior_size)
    )
    if code_width:
        encoder = FlatConditionalEncoder(encoder)
    decoder_widths = [model.latent_dim + code_width, *reversed(model.hidden)]
    decoder = nn.Sequential(*_layers(decoder_widths, layer), *_to_pixels(decoder_widths[-1], image_shape, outputs))
    return encoder, decoder, "-".join(str(width) for width in [*widths, model.latent_dim])


def _layers(widths: Sequence[int], layer: Callable[[int, int], list[nn.Module]]) -> list[nn.Module]:
    return [module for inputs, outputs in pairwise(widths) for module in layer(inputs, outputs)]


def _dense(inputs: int, outputs: int, activation: Callable[[], nn.Module]) -> list[nn.Module]:
    return [nn.Linear(inputs, outputs), activation()]


def _gated(inputs: int, outputs: int) -> list[nn.Module]:
    """Values times the sigmoid of gates (Dauphin et al., Language Modeling with Gated Convolutional Networks, 2017)."""
    return [nn.Linear(inputs, 2 * outputs), nn.GLU(-1)]


def _to_pixels(inputs: int, image_shape: ImageShape, outputs: int) -> list[nn.Module]:
    channels, height, width = image_shape
    shape = (outputs * channels, height, width)
    return [nn.Linear(inputs, outputs * channels * height * width), nn.Unflatten(-1, shape)]


def _conv(
    model: ModelTable, image_shape: ImageShape, outputs: int, posterior_size: int, code_width: int
) -> tuple[nn.Module, nn.Module, str]:
    """Convolutions that shrink any H x W, and transposed ones that grow it back to exactly the same."""
    activation = _ACTIVATIONS[model.activation]
    channels = [image_shape[0], *model.channels]
    *sizes, (height, width) = _sizes(model, image_shape)
    kernel, stride, padding = model.kernel_size, model.stride, model.padding

    encoder: list[nn.Module] = []
    for inputs, filters in pairwise([channels[0] + (code_width > 0), *channels[1:]]):
        encoder += [nn.Conv2d(inputs, filters, kernel, stride, padding), *_norm(model.norm, filters), activation()]
    if model.pool > 1:
        encoder.append(nn.MaxPool2d(model.pool))
    features = channels[-1] * height * width
    widths = [features, *model.dense]
    encoder += [nn.Flatten(), *_layers(widths, partial(_dense, activation=activation))]
    encoder.append(nn.Linear(widths[-1], posterior_size))

    decoder_widths = [model.latent_dim + code_width, *reversed(model.dense)]
    decoder: list[nn.Module] = [
        *_layers(decoder_widths, partial(_dense, activation=activation)),
        nn.Linear(decoder_widths[-1], features),
        nn.Unflatten(1, (channels[-1], height, width)),
        activation(),
    ]
    if model.pool > 1:
        decoder.append(nn.Upsample(size=sizes[-1], mode="nearest"))
    for depth in range(len(channels) - 1, 0, -1):
        (m_height, m_width), (n_height, n_width) = sizes[depth], sizes[depth - 1]
        missing = (
            n_height - ((m_height - 1) * stride - 2 * padding + kernel),
            n_width - ((m_width - 1) * stride - 2 * padding + kernel),
        )
        grown = channels[depth - 1] if depth > 1 else outputs * channels[0]
        decoder.append(nn.ConvTranspose2d(channels[depth], grown, kernel, stride, padding, missing))
        if depth > 1:
            decoder += [*_norm(model.norm, channels[depth - 1]), activation()]
    name = "-".join(str(width) for width in [*channels, *widths, model.latent_dim])
    return _seeing_class(encoder, image_shape, code_width), nn.Sequential(*decoder), name


def _seeing_class(layers: Sequence[nn.Module], image_shape: ImageShape, code_width: int) -> nn.Module:
    """A convolutional encoder, whose first layer takes one channel more where it is given the class."""
    encoder = nn.Sequential(*layers)
    return PlaneConditionalEncoder(encoder, code_width, *image_shape[1:]) if code_width else encoder


def _norm(norm: str, channels: int) -> list[nn.Module]:
    if norm == "batch":
        return [nn.BatchNorm2d(channels)]
    if norm == "group":
        return [nn.GroupNorm(group_count(channels), channels)]
    return []


def _sizes(model: ModelTable, image_shape: ImageShape) -> list[Sides]:
    """As `feature_sizes`, of images that are large enough."""
    sides = image_shape[1], image_shape[2]
    if too_small := shrinking_error(model, sides):
        raise RecipeError("recipe", [too_small])
    return feature_sizes(model, sides)


def _resnet(
    model: ModelTable, image_shape: ImageShape, outputs: int, posterior_size: int, code_width: int
) -> tuple[nn.Module, nn.Module, str]:
    """Residual blocks at resolutions that are halved from one to the next; the decoder sees the latents at each."""
    sizes = _sizes(model, image_shape)
    channels = model.channels
    features = channels[-1] * sizes[-1][0] * sizes[-1][1]
    encoder: list[nn.Module] = [nn.Conv2d(image_shape[0] + (code_width > 0), channels[0], 3, padding=1)]
    for depth, width in enumerate(channels):
        if depth:
            encoder.append(nn.Conv2d(channels[depth - 1], width, 3, 2, 1))
        encoder += [_ResidualBlock(width, model.activation) for _ in range(model.blocks)]
    widths = [features, *model.dense]
    layer = partial(_dense, activation=_ACTIVATIONS[model.activation])
    encoder += [_still(model.activation), nn.Flatten(), *_layers(widths, layer), nn.Linear(widths[-1], posterior_size)]
    name = "-".join(str(width) for width in [image_shape[0], *channels, *widths, model.latent_dim])
    decoder = _ResnetDecoder(model, sizes, image_shape[0] * outputs, model.latent_dim + code_width)
    return _seeing_class(encoder, image_shape, code_width), decoder, name


def _still(activation: str) -> nn.Module:
    """An activation that leaves its input as it was: another branch needs it."""
    make = _ACTIVATIONS[activation]
    return make.func() if isinstance(make, partial) else make()


class _ResidualBlock(nn.Module):
    """x + gain f(x), with a gain that starts at 0 (Bachlechner et al., ReZero is All You Need, 2021)."""

    def __init__(self, channels: int, activation: str) -> None:
        super().__init__()
        self.change = nn.Sequential(
            _still(activation),
            nn.Conv2d(channels, channels, 3, padding=1),
            _still(activation),
            nn.Conv2d(channels, channels, 3, padding=1),
        )
        self.gain = nn.Parameter(torch.zeros(()))

    def forward(self, features: Tensor) -> Tensor:
        changed: Tensor = self.gain * self.change(features)
        return features + changed


class _ResnetDecoder(nn.Module):
    """Residual blocks at growing resolutions, each of which sees the latents too.

    Dieng et al., Avoiding Latent Variable Collapse with Generative Skip Models, 2019, equation 5.
    """

    def __init__(self, model: ModelTable, sizes: Sequence[tuple[int, int]], pixel_channels: int, inputs: int) -> None:
        super().__init__()
        channels = list(reversed(model.channels))
        self._sizes = list(reversed(sizes))
        height, width = self._sizes[0]
        widths = [inputs, *reversed(model.dense)]
        self.first = nn.Sequential(
            *_layers(widths, partial(_dense, activation=_ACTIVATIONS[model.activation])),
            nn.Linear(widths[-1], channels[0] * height * width),
            nn.Unflatten(1, (channels[0], height, width)),
        )
        self.skips = nn.ModuleList(nn.Linear(inputs, count) for count in channels)
        self.stages = nn.ModuleList(
            nn.Sequential(*(_ResidualBlock(count, model.activation) for _ in range(model.blocks))) for count in channels
        )
        self.grown = nn.ModuleList(nn.Conv2d(*pair, 3, padding=1) for pair in pairwise(channels))
        self.last = nn.Sequential(_still(model.activation), nn.Conv2d(channels[-1], pixel_channels, 3, padding=1))

    def forward(self, latent: Tensor) -> Tensor:
        features = self.first(latent)
        for depth, (skip, stage) in enumerate(zip(self.skips, self.stages, strict=True)):
            if depth:
                features = functional.interpolate(features, self._sizes[depth], mode="nearest")
                features = self.grown[depth - 1](features)
            features = stage(features + skip(latent)[:, :, None, None])
        return cast(Tensor, self.last(features))


def _autoencoder_kl(model: ModelTable, image_shape: ImageShape, outputs: int, posterior: Posterior) -> Networks:
    channels, height, width = image_shape
    shrunk = 2 ** (len(model.channels) - 1)
    if height % shrunk or width % shrunk:
        raise RecipeError(
            "recipe", [f"[model] channels: images of {height}x{width} are halved so often: {shrunk} must divide them"]
        )
    shape = model.latent_channels, height // shrunk, width // shrunk
    size = shape[0] * shape[1] * shape[2]
    if model.latent_dim != size:
        picture = " x ".join(map(str, shape))
        raise RecipeError(
            "recipe", [f"[model] latent_dim: expected {size}, a picture of {picture}, got {model.latent_dim}"]
        )
    if outputs != 1:
        raise RecipeError(
            "recipe", ['[likelihood]: "per-pixel" needs two numbers a value, and autoencoder-kl gives one']
        )
    encoder = KlEncoder(channels, model.channels, model.blocks, model.groups, model.latent_channels)
    decoder = KlDecoder(channels, model.channels, model.blocks, model.groups, shape)
    widths = "-".join(map(str, (channels, *model.channels)))
    return Networks(
        encoder, posterior, decoder, f"autoencoder-kl {widths}, latents {shape[0]} x {shape[1]} x {shape[2]}"
    )


def _ladder(model: ModelTable, image_shape: ImageShape, outputs: int) -> Networks:
    pixels = image_shape[0] * image_shape[1] * image_shape[2]
    widths = [pixels, *model.hidden]
    assert model.upper_dim is not None, "the recipe chooses one"
    top = TopDown(model.upper_dim, model.latent_dim - model.upper_dim, model.hidden[-1])
    posterior = LadderPosterior(top)
    lower = nn.Sequential(nn.Flatten(), *_layers(widths, _gated))
    encoder = _LadderEncoder(lower, widths[-1], posterior)
    decoder_widths = [top.lower_dim + widths[-1], *reversed(model.hidden)]
    decoder = nn.Sequential(
        top, *_layers(decoder_widths, _gated), *_to_pixels(decoder_widths[-1], image_shape, outputs)
    )
    joined = "-".join(str(width) for width in widths)
    return Networks(encoder, posterior, decoder, f"ladder {joined}, {top.lower_dim} under {top.upper_dim} latents")


class _LadderEncoder(nn.Module):
    """From images (B, C, H, W) to what a `LadderPosterior` reads: first the upper level's numbers, then the lower's."""

    def __init__(self, lower: nn.Module, width: int, posterior: LadderPosterior) -> None:
        super().__init__()
        self.lower = lower
        self.lower_parameters = nn.Linear(width, 2 * posterior.lower_dim)
        self.upper = nn.Sequential(*_gated(width, width), nn.Linear(width, 2 * posterior.upper_dim))

    def forward(self, images: Tensor) -> Tensor:
        features = self.lower(images)
        return torch.cat((self.upper(features), self.lower_parameters(features)), 1)


def initialize(module: nn.Module, generator: torch.Generator) -> None:
    """Fill the weights as PyTorch does by default, uniform in +-1/sqrt(fan in), from a generator of their own."""
    for layer in module.modules():
        if isinstance(layer, nn.Linear | nn.Conv2d | nn.ConvTranspose2d):
            fan_in = layer.weight[0].numel()
            bound = fan_in**-0.5
            with torch.no_grad():
                layer.weight.uniform_(-bound, bound, generator=generator)
                if layer.bias is not None:
                    layer.bias.uniform_(-bound, bound, generator=generator)


@torch.no_grad()
def start_at(decoder: nn.Module, mean_image: Tensor) -> None:
    """Have a decoder begin at the data's mean image (C, H, W) in [0, 1], which it would spend its first epochs finding.

    Its last bias becomes the mean's logit: of each pixel where it has one a pixel, else of each channel. What else the
    decoder gives, such as scales, begins at 0.
    """
    kinds = (nn.Linear, nn.Conv2d, nn.ConvTranspose2d)
    last = [layer for layer in decoder.modules() if isinstance(layer, kinds)][-1]
    mean = mean_image.flatten() if isinstance(last, nn.Linear) else mean_image.mean((1, 2))
    assert last.bias is not None, "the decoders here have one"
    last.bias.zero_()
    last.bias[: len(mean)] = mean.clamp(1e-3, 1 - 1e-3).logit()
