"""The convolutional autoencoder of latent diffusion models, whose latents are a small picture.

Rombach et al., High-Resolution Image Synthesis with Latent Diffusion Models, 2022, appendix E.1. Modules are called as in diffusers'
AutoencoderKL, so that its weights fit. Latents (B, Z) are its feature maps (B, C, H', W') laid flat; images in [0, 1] are brought to
[-1, 1] and back.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

_EPSILON = 1e-6
_LEAST = 1e-4
"""How near to 0 and 1 the expected image comes, so that it has a logit."""


class KlEncoder(nn.Module):
    """From images (B, C, H, W) in [0, 1] to means and log-variances (B, 2 Z)."""

    def __init__(
        self, image_channels: int, channels: Sequence[int], blocks: int, groups: int, latent_channels: int
    ) -> None:
        super().__init__()
        self.conv_in = nn.Conv2d(image_channels, channels[0], 3, padding=1)
        widths = [channels[0], *channels]
        self.down_blocks = nn.ModuleList(
            _DownBlock(inputs, outputs, blocks, groups, shrinks=depth < len(channels) - 1)
            for depth, (inputs, outputs) in enumerate(pairwise(widths))
        )
        self.mid_block = _MidBlock(channels[-1], groups)
        self.conv_norm_out = nn.GroupNorm(groups, channels[-1], _EPSILON)
        self.conv_out = nn.Conv2d(channels[-1], 2 * latent_channels, 3, padding=1)
        self.quant_conv = nn.Conv2d(2 * latent_channels, 2 * latent_channels, 1)

    def forward(self, images: Tensor) -> Tensor:
        """First all means, then all log-variances."""
        features = self.conv_in(2 * images - 1)
        for block in self.down_blocks:
            features = block(features)
        features = functional.silu(self.conv_norm_out(self.mid_block(features)))
        mean, log_variance = self.quant_conv(self.conv_out(features)).chunk(2, 1)
        return torch.cat((mean.flatten(1), log_variance.clamp(-30, 20).flatten(1)), 1)


class KlDecoder(nn.Module):
    """From latents (B, Z) to the logits (B, C, H, W) of expected images; `shape` is that of the latents as a picture, (C, H', W')."""

    def __init__(
        self, image_channels: int, channels: Sequence[int], blocks: int, groups: int, shape: tuple[int, int, int]
    ) -> None:
        super().__init__()
        self._shape = shape
        self.post_quant_conv = nn.Conv2d(shape[0], shape[0], 1)
        self.conv_in = nn.Conv2d(shape[0], channels[-1], 3, padding=1)
        self.mid_block = _MidBlock(channels[-1], groups)
        widths = [channels[-1], *reversed(channels)]
        self.up_blocks = nn.ModuleList(
            _UpBlock(inputs, outputs, blocks + 1, groups, grows=depth < len(channels) - 1)
            for depth, (inputs, outputs) in enumerate(pairwise(widths))
        )
        self.conv_norm_out = nn.GroupNorm(groups, channels[0], _EPSILON)
        self.conv_out = nn.Conv2d(channels[0], image_channels, 3, padding=1)

    def forward(self, latent: Tensor) -> Tensor:
        """Logits of values from 0.0001 to 0.9999."""
        features = self.conv_in(self.post_quant_conv(latent.view(-1, *self._shape)))
        features = self.mid_block(features)
        for block in self.up_blocks:
            features = block(features)
        output = self.conv_out(functional.silu(self.conv_norm_out(features)))
        # Whatever the likelihood, it takes the sigmoid of this.
        return torch.logit(((output + 1) / 2).clamp(_LEAST, 1 - _LEAST))


class _Resnet(nn.Module):
    def __init__(self, inputs: int, outputs: int, groups: int) -> None:
        super().__init__()
        self.norm1 = nn.GroupNorm(groups, inputs, _EPSILON)
        self.conv1 = nn.Conv2d(inputs, outputs, 3, padding=1)
        self.norm2 = nn.GroupNorm(groups, outputs, _EPSILON)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1)
        self.conv_shortcut = nn.Conv2d(inputs, outputs, 1) if inputs != outputs else None

    def forward(self, features: Tensor) -> Tensor:
        changed: Tensor = self.conv1(functional.silu(self.norm1(features)))
        changed = self.conv2(functional.silu(self.norm2(changed)))
        kept: Tensor = features if self.conv_shortcut is None else self.conv_shortcut(features)
        return kept + changed


class _Attention(nn.Module):
    """Every place looks at all others, by one head."""

    def __init__(self, channels: int, groups: int) -> None:
        super().__init__()
        self.group_norm = nn.GroupNorm(groups, channels, _EPSILON)
        self.to_q, self.to_k, self.to_v = (nn.Linear(channels, channels) for _ in range(3))
        self.to_out = nn.ModuleList([nn.Linear(channels, channels)])

    def forward(self, features: Tensor) -> Tensor:
        places = self.group_norm(features).flatten(2).transpose(1, 2)  # (B, H W, C)
        query, key, value = self.to_q(places), self.to_k(places), self.to_v(places)
        found: Tensor = self.to_out[0](functional.scaled_dot_product_attention(query, key, value))
        return features + found.transpose(1, 2).reshape(features.shape)


class _MidBlock(nn.Module):
    def __init__(self, channels: int, groups: int) -> None:
        super().__init__()
        self.resnets = nn.ModuleList(_Resnet(channels, channels, groups) for _ in range(2))
        self.attentions = nn.ModuleList([_Attention(channels, groups)])

    def forward(self, features: Tensor) -> Tensor:
        found: Tensor = self.resnets[1](self.attentions[0](self.resnets[0](features)))
        return found


class _Resample(nn.Module):
    """Half the size by a convolution that looks beyond the right and lower edge alone, or twice the size by repeating."""

    def __init__(self, channels: int, *, shrinks: bool) -> None:
        super().__init__()
        self._shrinks = shrinks
        self.conv = nn.Conv2d(channels, channels, 3, 2 if shrinks else 1, 0 if shrinks else 1)

    def forward(self, features: Tensor) -> Tensor:
        resampled = (
            functional.pad(features, (0, 1, 0, 1))
            if self._shrinks
            else functional.interpolate(features, scale_factor=2.0, mode="nearest")
        )
        found: Tensor = self.conv(resampled)
        return found


class _DownBlock(nn.Module):
    def __init__(self, inputs: int, outputs: int, blocks: int, groups: int, *, shrinks: bool) -> None:
        super().__init__()
        self.resnets = nn.ModuleList(_Resnet(outputs if place else inputs, outputs, groups) for place in range(blocks))
        self.downsamplers = nn.ModuleList([_Resample(outputs, shrinks=True)] if shrinks else [])

    def forward(self, features: Tensor) -> Tensor:
        for layer in (*self.resnets, *self.downsamplers):
            features = layer(features)
        return features


class _UpBlock(nn.Module):
    def __init__(self, inputs: int, outputs: int, blocks: int, groups: int, *, grows: bool) -> None:
        super().__init__()
        self.resnets = nn.ModuleList(_Resnet(outputs if place else inputs, outputs, groups) for place in range(blocks))
        self.upsamplers = nn.ModuleList([_Resample(outputs, shrinks=False)] if grows else [])

    def forward(self, features: Tensor) -> Tensor:
        for layer in (*self.resnets, *self.upsamplers):
            features = layer(features)
        return features
