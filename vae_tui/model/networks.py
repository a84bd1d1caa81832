"""Encoders and decoders: images to posterior parameters, latents to pixel logits."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from itertools import pairwise

import torch
from torch import Tensor, nn

from vae_tui.errors import RecipeError
from vae_tui.recipe import ModelTable

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


def build_networks(model: ModelTable, image_shape: ImageShape) -> tuple[nn.Module, nn.Module, str]:
    """The encoder (B, C, H, W) -> (B, 2 Z), the decoder (B, Z) -> (B, C, H, W), and what to call them.

    Raises RecipeError where the images are too small for the convolutions.
    """
    if model.network == "conv":
        return _conv(model, image_shape)
    return _mlp(model, image_shape)


def _mlp(model: ModelTable, image_shape: ImageShape) -> tuple[nn.Module, nn.Module, str]:
    pixels = image_shape[0] * image_shape[1] * image_shape[2]
    activation = _ACTIVATIONS[model.activation]
    widths = [pixels, *model.hidden]
    encoder = nn.Sequential(nn.Flatten(), *_dense(widths, activation), nn.Linear(widths[-1], 2 * model.latent_dim))
    decoder_widths = [model.latent_dim, *reversed(model.hidden)]
    decoder = nn.Sequential(
        *_dense(decoder_widths, activation),
        nn.Linear(decoder_widths[-1], pixels),
        nn.Unflatten(1, image_shape),
    )
    return encoder, decoder, "mlp " + "-".join(str(width) for width in [*widths, model.latent_dim])


def _dense(widths: Sequence[int], activation: Callable[[], nn.Module]) -> list[nn.Module]:
    layers: list[nn.Module] = []
    for inputs, outputs in pairwise(widths):
        layers += [nn.Linear(inputs, outputs), activation()]
    return layers


def _conv(model: ModelTable, image_shape: ImageShape) -> tuple[nn.Module, nn.Module, str]:
    """Convolutions that shrink any H x W, and transposed ones that grow it back to exactly the same."""
    activation = _ACTIVATIONS[model.activation]
    channels = [image_shape[0], *model.channels]
    sizes = [(image_shape[1], image_shape[2])]
    for _ in model.channels:
        height, width = ((n + 2 * model.padding - model.kernel_size) // model.stride + 1 for n in sizes[-1])
        sizes.append((height, width))
    height, width = (n // model.pool for n in sizes[-1])
    if min(min(size) for size in sizes) < 1 or min(height, width) < 1:
        raise RecipeError(
            "[model]",
            [
                f"images of {image_shape[1]}x{image_shape[2]} are too small for {len(model.channels)} convolutions "
                f"(kernel_size {model.kernel_size}, stride {model.stride}, padding {model.padding}, pool {model.pool}): "
                "give fewer channels, a smaller stride or larger images"
            ],
        )
    kernel, stride, padding = model.kernel_size, model.stride, model.padding

    encoder: list[nn.Module] = []
    for inputs, outputs in pairwise(channels):
        encoder += [nn.Conv2d(inputs, outputs, kernel, stride, padding), *_norm(model.norm, outputs), activation()]
    if model.pool > 1:
        encoder.append(nn.MaxPool2d(model.pool))
    features = channels[-1] * height * width
    encoder += [nn.Flatten(), nn.Linear(features, 2 * model.latent_dim)]

    decoder: list[nn.Module] = [
        nn.Linear(model.latent_dim, features),
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
        decoder.append(nn.ConvTranspose2d(channels[depth], channels[depth - 1], kernel, stride, padding, missing))
        if depth > 1:
            decoder += [*_norm(model.norm, channels[depth - 1]), activation()]
    name = "conv " + "-".join(str(width) for width in [*channels, features, model.latent_dim])
    return nn.Sequential(*encoder), nn.Sequential(*decoder), name


def _norm(norm: str, channels: int) -> list[nn.Module]:
    if norm == "batch":
        return [nn.BatchNorm2d(channels)]
    if norm == "group":
        groups = next(count for count in (8, 4, 2, 1) if channels % count == 0)
        return [nn.GroupNorm(groups, channels)]
    return []


def initialise(module: nn.Module, generator: torch.Generator) -> None:
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

    Its last bias becomes the mean's logit: of each pixel where it has one a pixel, else of each channel.
    """
    last = [layer for layer in decoder.modules() if isinstance(layer, nn.Linear | nn.ConvTranspose2d)][-1]
    mean = mean_image.flatten() if isinstance(last, nn.Linear) else mean_image.mean((1, 2))
    assert last.bias is not None, "the decoders here have one"
    last.bias.copy_(mean.clamp(1e-3, 1 - 1e-3).logit())


def halves(parameters: Tensor) -> tuple[Tensor, Tensor]:
    """Split an encoder's output (B, 2 Z) into mean and log-variance (B, Z)."""
    mean, log_variance = parameters.chunk(2, dim=1)
    return mean, log_variance
