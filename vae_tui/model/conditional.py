"""Networks that are given an image's class beside the image, or beside its latent.

Sohn et al., Learning Structured Output Representation using Deep Conditional Generative Models, 2015. A class is one of K
columns of a one-hot code; one more column stands for no class, which a model knows that was trained with it now and then
(Ho and Salimans, Classifier-Free Diffusion Guidance, 2022, section 3.2).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

NO_LABEL = -1
"""What stands for no class among labels."""


class OneHot(nn.Module):
    """From labels (B,), of which -1 is none, to their codes (B, K + 1)."""

    def __init__(self, class_count: int) -> None:
        super().__init__()
        self.width = class_count + 1

    def forward(self, labels: Tensor) -> Tensor:
        """The last column is that of no class."""
        columns = torch.arange(self.width, device=labels.device)
        return (labels[:, None] % self.width == columns).to(torch.get_default_dtype())


class FlatConditionalEncoder(nn.Module):
    """A fully connected encoder of all pixels and the class's code."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: Tensor, codes: Tensor) -> Tensor:
        """(B, C, H, W) and (B, K + 1) -> (B, P)."""
        parameters: Tensor = self.network(torch.cat((images.flatten(1), codes), 1))
        return parameters


class PlaneConditionalEncoder(nn.Module):
    """A convolutional encoder that sees the class as one channel more, a picture of it that is learned."""

    def __init__(self, network: nn.Module, code_width: int, height: int, width: int) -> None:
        super().__init__()
        self.network = network
        self.picture = nn.Sequential(nn.Linear(code_width, height * width), nn.Unflatten(1, (1, height, width)))

    def forward(self, images: Tensor, codes: Tensor) -> Tensor:
        """(B, C, H, W) and (B, K + 1) -> (B, P)."""
        parameters: Tensor = self.network(torch.cat((images, self.picture(codes)), 1))
        return parameters


class ConditionalDecoder(nn.Module):
    """A decoder of latents with the class's code behind them."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, latent: Tensor, codes: Tensor) -> Tensor:
        """(B, Z) and (B, K + 1) -> (B, C', H, W)."""
        output: Tensor = self.network(torch.cat((latent, codes), 1))
        return output
