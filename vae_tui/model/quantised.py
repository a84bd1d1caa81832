"""Posteriors that put each image at one of finitely many codes, and the prior over these.

A latent (..., Z) is made of symbols (..., S): of a scalar quantiser one for each dimension, its level; of a vector quantiser one for
each code_dim dimensions, its entry of the codebook. An image costs -log p(symbols) nats under a prior that learns how often each is
used: distortion and rate are a bound on -log p(x) as of any VAE.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from vae_tui.model.posteriors import Draw

_DECAY = 0.99
"""Per step, of how often codes are used."""
_DEAD = 0.03
"""A code that is used less than this share of the mean is put elsewhere."""


class ScalarQuantiser(nn.Module):
    """Finite scalar quantisation: each dimension is bounded and rounded to one of its levels.

    Mentzer et al., Finite Scalar Quantization: VQ-VAE Made Simple, 2023, section 3.1, with tanh from the lowest level to the highest. A
    code is as many dimensions as there are `levels`, which go round over the latents. Levels that are all as frequent have mean 0
    and variance 1.
    """

    def __init__(self, latent_dim: int, levels: Sequence[int]) -> None:
        super().__init__()
        self.size = latent_dim
        self.levels = tuple(levels)
        self.code_count = math.prod(levels)
        self.symbol_counts = [self.levels[dimension % len(levels)] for dimension in range(latent_dim)]
        """How many symbols there are in each place, (S,)."""
        highest = torch.tensor(self.symbol_counts) - 1.0
        self.register_buffer("_highest", highest, persistent=False)
        self.register_buffer("_scale", torch.sqrt(12 / ((highest + 1) ** 2 - 1)), persistent=False)
        self.register_buffer("_places", _places_of(self.levels), persistent=False)
        self._highest: Tensor
        self._scale: Tensor
        self._places: Tensor

    def draw(self, parameters: Tensor, epsilon: Tensor) -> Draw:
        """The code of each image, whatever `epsilon`; gradients go straight through the rounding (Bengio et al., 2013)."""
        bounded = self._highest * 0.5 * (torch.tanh(parameters.expand_as(epsilon)) + 1)
        latent = self._latent(bounded + (bounded.round() - bounded).detach())
        none = torch.zeros_like(latent)
        return Draw(latent, none, none)

    def moments(self, parameters: Tensor) -> tuple[Tensor, Tensor]:
        """The code itself, (..., Z), which is certain: -inf."""
        latent = self.draw(parameters, parameters).latent
        return latent, torch.full_like(latent, -torch.inf)

    def symbols(self, latent: Tensor) -> Tensor:
        """The level nearest to each latent, (..., Z), int64."""
        levels = latent / self._scale + 0.5 * self._highest
        return torch.minimum(levels.round().clamp_min(0), self._highest).long()

    def latents(self, symbols: Tensor) -> Tensor:
        """Where levels (..., Z) are in latent space, (..., Z)."""
        return self._latent(symbols.to(self._scale.dtype))

    def codes(self, latent: Tensor) -> Tensor:
        """The number of each code, (..., Z / D), from 0 to code_count - 1."""
        symbols = self.symbols(latent)
        return (_in_groups(symbols, len(self.levels)) * self._places).sum(-1)

    def share(self, nats: Tensor) -> Tensor:
        """What symbols (..., S) cost, by the latent dimension, (..., Z)."""
        return nats

    def vectors(self) -> Tensor:
        """Where each code is, in the dimensions that make it, (K, D)."""
        size = len(self.levels)
        numbers = torch.arange(self.code_count)[:, None]
        levels = numbers // self._places.cpu() % torch.tensor(self.levels)
        return (levels - 0.5 * self._highest[:size].cpu()) * self._scale[:size].cpu()

    def _latent(self, levels: Tensor) -> Tensor:
        return (levels - 0.5 * self._highest) * self._scale


class VectorQuantiser(nn.Module):
    """Vector quantisation: each `code_dim` dimensions are put at the nearest of a codebook's vectors.

    Van den Oord et al., Neural Discrete Representation Learning, 2017, with the codebook as a moving average of what it stands for
    (appendix A.1); the encoder is held to it by `commitment` times the squared distance, which the figures leave out. A code that is
    hardly used any more is put where the batch is described worst.
    """

    def __init__(self, latent_dim: int, code_count: int, code_dim: int, commitment: float) -> None:
        super().__init__()
        self.size = latent_dim
        self.code_count, self._code_dim, self._commitment = code_count, code_dim, commitment
        self.symbol_counts = [code_count] * (latent_dim // code_dim)
        """How many symbols there are in each place, (S,)."""
        self.register_buffer("codebook", torch.zeros(code_count, code_dim))
        self.register_buffer("counts", torch.zeros(code_count))
        self.register_buffer("sums", torch.zeros(code_count, code_dim))
        self.codebook: Tensor
        self.counts: Tensor
        self.sums: Tensor

    @torch.no_grad()
    def start(self, generator: torch.Generator) -> None:
        """Part the codes, before the first batch is there to put them at."""
        self.codebook.normal_(generator=generator)

    def draw(self, parameters: Tensor, epsilon: Tensor) -> Draw:
        """The code of each image, whatever `epsilon`; gradients go straight through to the encoder."""
        parameters = parameters.expand_as(epsilon)
        vectors = _in_groups(parameters, self._code_dim)
        if self.training:
            self._follow(vectors.detach().reshape(-1, self._code_dim))
        quantised = self.codebook[self._nearest(vectors)].flatten(-2)
        penalty = self._commitment * (parameters - quantised).square().sum(-1)
        latent = parameters + (quantised - parameters).detach()
        none = torch.zeros_like(latent)
        return Draw(latent, none, none, penalty)

    def moments(self, parameters: Tensor) -> tuple[Tensor, Tensor]:
        """The code itself, (..., Z), which is certain: -inf."""
        latent = self.latents(self.symbols(parameters))
        return latent, torch.full_like(latent, -torch.inf)

    def symbols(self, latent: Tensor) -> Tensor:
        """The code nearest to each latent's vectors, (..., S), int64."""
        return self._nearest(_in_groups(latent, self._code_dim))

    def latents(self, symbols: Tensor) -> Tensor:
        """Where codes (..., S) are in latent space, (..., Z)."""
        return self.codebook[symbols].flatten(-2)

    def codes(self, latent: Tensor) -> Tensor:
        """The number of each code, (..., S), from 0 to code_count - 1."""
        return self.symbols(latent)

    def share(self, nats: Tensor) -> Tensor:
        """What symbols (..., S) cost, by the latent dimension, (..., Z): alike for those of one vector."""
        return nats.repeat_interleave(self._code_dim, -1) / self._code_dim

    def vectors(self) -> Tensor:
        """Where each code is, in the dimensions that make it, (K, D)."""
        return self.codebook.cpu()

    def _nearest(self, vectors: Tensor) -> Tensor:
        """The code nearest to each vector (..., D)."""
        # |v - c|^2 without what is the same for all codes.
        return (self.codebook.square().sum(1) - 2 * vectors @ self.codebook.T).argmin(-1)

    @torch.no_grad()
    def _follow(self, vectors: Tensor) -> None:
        """Move the codebook towards the vectors (M, D) that each code stands for."""
        chosen = self._nearest(vectors)
        mean = len(vectors) / self.code_count
        dead = self.counts < _DEAD * mean
        worst = (vectors - self.codebook[chosen]).square().sum(1).argsort(descending=True)
        place = worst[(dead.long().cumsum(0) - 1).clamp_min(0) % len(vectors)]
        codebook = torch.where(dead[:, None], vectors[place], self.codebook)
        self.counts.copy_(torch.where(dead, mean, self.counts))
        self.sums.copy_(torch.where(dead[:, None], codebook * mean, self.sums))
        self.codebook.copy_(codebook)
        chosen = self._nearest(vectors)
        found = torch.zeros_like(self.counts).index_add_(0, chosen, torch.ones_like(vectors[:, 0]))
        self.counts.lerp_(found, 1 - _DECAY)
        self.sums.lerp_(torch.zeros_like(self.sums).index_add_(0, chosen, vectors), 1 - _DECAY)
        self.codebook.copy_(self.sums / self.counts.clamp_min(1e-6)[:, None])


Quantiser = ScalarQuantiser | VectorQuantiser


class CodePrior(nn.Module):
    """How probable each symbol is in its place, independently of the others; learned, and at the beginning alike."""

    def __init__(self, quantiser: Quantiser) -> None:
        super().__init__()
        # Its own, and not this module's: it is the VAE's posterior already.
        self._quantiser = [quantiser]
        counts, most = quantiser.symbol_counts, max(quantiser.symbol_counts)
        self.logits = nn.Parameter(torch.zeros(len(counts), most))
        missing = torch.arange(most) >= torch.tensor(counts)[:, None]
        self.register_buffer("_missing", missing, persistent=False)
        self._missing: Tensor

    def log_density(self, latent: Tensor) -> Tensor:
        """What sums to log p(code) in nats, (..., Z)."""
        quantiser = self._quantiser[0]
        symbols = quantiser.symbols(latent.detach())
        log_probabilities = self._log_probabilities().expand(*symbols.shape[:-1], -1, -1)
        return quantiser.share(log_probabilities.gather(-1, symbols[..., None])[..., 0])

    @torch.no_grad()
    def draw(self, count: int, generator: torch.Generator, *, temperature: float = 1.0) -> Tensor:
        """Latents (count, Z); probabilities are taken to the power 1 / temperature, at 0 the most frequent symbols."""
        log_probabilities = self._log_probabilities().cpu()
        if temperature == 0:
            symbols = log_probabilities.argmax(1).expand(count, -1)
        else:
            probabilities = (log_probabilities / temperature).softmax(1)
            symbols = torch.multinomial(probabilities, count, replacement=True, generator=generator).T
        return self._quantiser[0].latents(symbols.to(self.logits.device)).cpu()

    def _log_probabilities(self) -> Tensor:
        """(S, most symbols in a place)."""
        return self.logits.masked_fill(self._missing, -torch.inf).log_softmax(1)


def perplexity(counts: Tensor) -> float:
    """exp of the entropy of codes that occur so often (K,): how many would be used, were all that are used as frequent."""
    return float(torch.special.entr(counts.double() / counts.sum().clamp_min(1)).sum().exp())


def _in_groups(values: Tensor, size: int) -> Tensor:
    """(..., n size) as (..., n, size)."""
    return values.reshape(*values.shape[:-1], -1, size)


def _places_of(levels: Sequence[int]) -> Tensor:
    """What each level of a code counts in its number, the first least."""
    return torch.tensor([math.prod(levels[:place]) for place in range(len(levels))])
