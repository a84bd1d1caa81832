"""The VAE: an encoder, a posterior, a prior, a decoder and a likelihood, joined."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from vae_tui.errors import DataError
from vae_tui.model.conditional import NO_LABEL, OneHot
from vae_tui.model.likelihoods import build_likelihood
from vae_tui.model.networks import ImageShape, build_classifier, build_networks, initialize, start_at
from vae_tui.model.own import check_own, check_own_likelihood
from vae_tui.model.priors import ClassPrior, LadderPrior, MixturePrior, Prior, StandardNormal, VampPrior
from vae_tui.model.quantised import CodePrior, ScalarQuantiser, VectorQuantiser
from vae_tui.recipe import Recipe
from vae_tui.recipe.tables import is_own


@dataclass(frozen=True)
class Terms:
    """The negative ELBO of a batch, in nats, and what it is made from.

    `distortion` (B,) is -log p(x|z), summed over pixels; `rate_per_dimension` (B, Z) sums to the rate of each image.
    `latent` (B, Z) was drawn from the posteriors with these `parameters` (B, P), at the log density that `log_density`
    (B, Z) sums to. With K draws an image all but the parameters have a second dimension, K.

    A classifier gives `label_logits` (B, K), and the rates one column more, KL(q(y|x) || p(y)).
    """

    distortion: Tensor
    rate_per_dimension: Tensor
    latent: Tensor
    log_density: Tensor
    parameters: Tensor
    label_logits: Tensor | None = None


class VAE(nn.Module):
    """A variational autoencoder for images (C, H, W) in [0, 1] with `latent_dim` latents.

    Kingma and Welling, Auto-Encoding Variational Bayes, 2014.

    A conditional one takes the label (B,) of each image everywhere: the index of its class, or -1 for none. Where no labels
    are given, `label` goes for all.
    """

    def __init__(self, recipe: Recipe, image_shape: ImageShape, class_count: int = 0) -> None:
        """Raises DataError for a conditional VAE of images without classes."""
        super().__init__()
        self.recipe = recipe
        self.image_shape = image_shape
        self.latent_dim = recipe.model.latent_dim
        self.class_count = class_count if recipe.model.condition == "label" else 0
        if recipe.model.condition == "label" and not class_count:
            raise DataError('[model] condition = "label": these images have no classes')
        self.one_hot = OneHot(class_count) if self.class_count else None
        self.classifier: nn.Module | None = None
        if recipe.objective.name == "m2":
            self.classifier = build_classifier(recipe.model, image_shape, class_count)
        self.rate_count = self.latent_dim + (self.classifier is not None)
        """How many parts a rate has."""
        self.label = NO_LABEL if self.knows_no_label else 0
        """The label that goes for images and latents whose own is not given; a plain VAE looks at none."""
        self.likelihood = build_likelihood(recipe.likelihood)
        code_width = 0 if self.one_hot is None else self.one_hot.width
        networks = build_networks(recipe.model, image_shape, outputs=self.likelihood.outputs, code_width=code_width)
        self.encoder, self.decoder, self.network_name = networks.encoder, networks.decoder, networks.name
        self.posterior: Any = networks.posterior
        self.prior: Any = self._build_prior()

    @property
    def shown_channels(self) -> list[int] | None:
        """Which channels of its images are shown, one or three; None where that is all of them."""
        count = self.image_shape[0]
        if self.recipe.data.shown is not None:
            return list(self.recipe.data.shown)
        return None if count in (1, 3) else list(range(3 if count > 3 else 1))

    @property
    def knows_no_label(self) -> bool:
        """Whether it was trained on images without their class as well, or knows of none at all."""
        hidden = self.recipe.data.labelled is not None and self.classifier is None
        return not self.class_count or self.recipe.model.label_dropout > 0 or hidden

    def encode(self, images: Tensor, labels: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Mean and log-variance (B, Z) of q(z|x) for images (B, C, H, W) in [0, 1].

        Raises ValueError for images of another shape.
        """
        mean, log_variance = self.posterior.moments(self.posterior_parameters(images, labels))
        return mean, log_variance

    def decode(self, latent: Tensor, labels: Tensor | None = None) -> Tensor:
        """The expected image (B, C, H, W) in [0, 1] for each latent (B, Z); of a quantised VAE at the nearest code.

        In place of labels (B,) there may be shares of the classes (B, K + 1), as between two of them.
        """
        if isinstance(self.posterior, ScalarQuantiser | VectorQuantiser):
            latent = self.posterior.latents(self.posterior.symbols(latent))
        mean: Tensor = self.likelihood.mean(self.likelihood_parameters(latent, labels))
        return mean

    def reconstruct(self, images: Tensor, labels: Tensor | None = None) -> Tensor:
        """The expected image (B, C, H, W) at each image's posterior mean."""
        if self.classifier is not None:
            labels = self.guess(images, labels)
        return self.decode(self.encode(images, labels)[0], labels)

    @torch.no_grad()
    def sample(self, count: int, *, seed: int = 0, temperature: float = 1.0, labels: Tensor | None = None) -> Tensor:
        """Expected images (count, C, H, W) in [0, 1] at draws from the prior, the same for the same seed.

        `temperature` scales the deviation of the prior, or of the component of it that is chosen. Draws are made on the
        CPU, so that a seed means the same pictures on every device.
        """
        device = next(self.parameters()).device
        generator = torch.Generator().manual_seed(seed)
        latent = self.prior_given(labels, count).draw(count, generator, temperature=temperature)
        return self.decode(latent.to(device), labels)

    def forward(self, images: Tensor, epsilon: Tensor, labels: Tensor | None = None) -> Terms:
        """The terms of the negative ELBO of images (B, C, H, W), with one draw `epsilon` (B, Z) ~ N(0, I) each.

        With K draws each, (B, K, Z), the rates are those of the draws, log q(z|x) - log p(z), and the parameters of
        q(z|x) get their gradient through the draws alone, as the estimators of Roeder et al. (Sticking the Landing,
        2017) and Tucker et al. (Doubly Reparameterized Gradient Estimators, 2019) want it.
        """
        if self.classifier is not None:
            return self._forward_over_classes(images, epsilon, labels)
        return self._forward_given(images, epsilon, labels)

    def _forward_over_classes(self, images: Tensor, epsilon: Tensor, labels: Tensor | None) -> Terms:
        """Each class weighs as the classifier has it, or that of the label all; by one noise for all classes of an image."""
        assert self.classifier is not None, "there is one"
        count, classes = len(images), self.class_count
        logits = self.classifier(images).to(images.dtype)
        shares = logits.softmax(1)
        if labels is not None:
            known = labels.to(images.device)
            exact = torch.arange(classes, device=images.device) == known[:, None]
            shares = torch.where(known[:, None] >= 0, exact.to(shares.dtype), shares)
        every = torch.arange(classes, device=images.device).repeat(count)
        terms = self._forward_given(images.repeat_interleave(classes, 0), epsilon.repeat_interleave(classes, 0), every)

        def weigh(values: Tensor) -> Tensor:
            parted = values.view(count, classes, *values.shape[1:])
            weighed: Tensor = (shares.view(count, classes, *[1] * (values.dim() - 1)) * parted).sum(1)
            return weighed

        about_class = math.log(classes) - torch.special.entr(shares).sum(1, keepdim=True)
        rates = torch.cat((weigh(terms.rate_per_dimension), about_class), 1)
        latent, log_density, parameters = (weigh(part) for part in (terms.latent, terms.log_density, terms.parameters))
        return Terms(weigh(terms.distortion), rates, latent, log_density, parameters, logits)

    def _forward_given(self, images: Tensor, epsilon: Tensor, labels: Tensor | None) -> Terms:
        # Networks may have run in bfloat16; nats are counted in float32.
        parameters = self._encode(images, labels).to(images.dtype)
        prior = self.prior_given(labels, len(images))
        if epsilon.dim() == 3:
            return self._forward_often(images, parameters, epsilon, labels, prior)
        draw = self.posterior.draw(parameters, epsilon)
        output = self.likelihood_parameters(draw.latent, labels).to(images.dtype)
        distortion = self.likelihood.distortion(output, images)
        if draw.penalty is not None:
            # Its gradient counts, and no figure does.
            distortion = distortion + (draw.penalty - draw.penalty.detach())
        exact = isinstance(prior, StandardNormal)
        rates = draw.normal_rate if exact else draw.log_density - prior.log_density(draw.latent)
        return Terms(distortion, rates, draw.latent, draw.log_density, parameters)

    def _forward_often(
        self, images: Tensor, parameters: Tensor, epsilon: Tensor, labels: Tensor | None, prior: Prior
    ) -> Terms:
        draws = epsilon.shape[1]
        latent = self.posterior.draw(parameters[:, None], epsilon).latent
        log_density = self.posterior.log_density(parameters.detach()[:, None], latent)
        for_each = None if labels is None else labels.repeat_interleave(draws)
        output = self.likelihood_parameters(latent.flatten(0, 1), for_each).to(images.dtype)
        repeated = images[:, None].expand(-1, draws, *images.shape[1:]).flatten(0, 1)
        distortion = self.likelihood.distortion(output, repeated).view(-1, draws)
        rates = log_density - prior.log_density(latent)
        return Terms(distortion, rates, latent, log_density, parameters)

    def posterior_parameters(self, images: Tensor, labels: Tensor | None = None) -> Tensor:
        """What the posterior reads, (B, P), of images (B, C, H, W) in [0, 1]; raises ValueError for another shape."""
        return self._encode(images, labels if self.classifier is None else self.guess(images, labels))

    def _encode(self, images: Tensor, labels: Tensor | None) -> Tensor:
        if images.shape[1:] != self.image_shape:
            expected = ", ".join(str(n) for n in self.image_shape)
            raise ValueError(f"expected images of shape (B, {expected}), got {tuple(images.shape)}")
        parameters: Tensor = self.encoder(images, *self._codes(labels, images))
        return parameters

    def guess(self, images: Tensor, labels: Tensor | None = None) -> Tensor:
        """The labels (B,) of images (B, C, H, W) in [0, 1], the classifier's where there is none; of a VAE that has a classifier."""
        assert self.classifier is not None, "the caller has looked"
        guessed: Tensor = self.classifier(images).argmax(1)
        return (
            guessed if labels is None else torch.where(labels.to(images.device) < 0, guessed, labels.to(images.device))
        )

    def likelihood_parameters(self, latent: Tensor, labels: Tensor | None = None) -> Tensor:
        """What the likelihood reads, (B, C', H, W), at latents (B, Z), given labels (B,) or shares (B, K + 1)."""
        output: Tensor = self.decoder(latent, *self._codes(labels, latent))
        return output

    def prior_given(self, labels: Tensor | None, count: int, *, settled: Prior | ClassPrior | None = None) -> Prior:
        """The prior of `count` latents with these labels, or with `label`: the same for all, unless the recipe has one a class.

        `settled` is the VAE's prior as `settle` gives it.
        """
        prior = self.prior if settled is None else settled
        if not isinstance(prior, ClassPrior):
            return prior
        return prior.given(self._labels(labels, count, prior.means.device))

    def _codes(self, labels: Tensor | None, beside: Tensor) -> tuple[Tensor, ...]:
        """What networks take besides: nothing, or the codes (B, K + 1) of labels, or those shares of them."""
        if self.one_hot is None:
            return ()
        if labels is not None and labels.dim() == 2:
            return (labels.to(beside),)
        return (self.one_hot(self._labels(labels, beside.shape[0], beside.device)),)

    def _labels(self, labels: Tensor | None, count: int, device: torch.device) -> Tensor:
        return torch.full((count,), self.label, device=device) if labels is None else labels.to(device)

    def _build_prior(self) -> nn.Module:
        table = self.recipe.prior
        if table.name == "codes":
            return CodePrior(self.posterior)
        if table.name == "class":
            return ClassPrior(self.latent_dim, self.class_count)
        if table.name == "mixture":
            return MixturePrior(self.latent_dim, table.components)
        if table.name == "vamp":
            upper_dim = self.recipe.model.upper_dim or self.latent_dim
            vamp = VampPrior(self.image_shape, table.components, self.encode, upper_dim)
            lower_dim = self.latent_dim - upper_dim
            return LadderPrior(vamp, upper_dim, lower_dim) if lower_dim else vamp
        return StandardNormal(self.latent_dim)


def build(
    recipe: Recipe,
    image_shape: ImageShape,
    *,
    class_count: int = 0,
    seed: int = 0,
    mean_image: Tensor | None = None,
    examples: Tensor | None = None,
) -> VAE:
    """A VAE with fresh weights, the same for the same seed.

    A conditional one is given one of `class_count` classes. It decodes to about `mean_image` (C, H, W), where given and not unwanted by the recipe, unless its networks are the user's own; the pseudo-images of a VampPrior begin as `examples`
    (K, C, H, W) in [0, 1], of which some come again where they are too few.
    """
    generator = torch.Generator().manual_seed(seed)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)  # for what is the user's own
        vae = VAE(recipe, image_shape, class_count)
    if recipe.likelihood.code is not None:
        check_own_likelihood(recipe.likelihood, vae.likelihood)
    if is_own(recipe.model.network):
        # They begin as they are made.
        check_own(
            recipe.model,
            vae.encoder,
            vae.decoder,
            image_shape,
            vae.posterior.size,
            outputs=vae.likelihood.outputs,
            code_width=0 if vae.one_hot is None else vae.one_hot.width,
        )
    else:
        initialize(vae, generator)
        if recipe.model.output_bias == "zero" or recipe.likelihood.code is not None:
            start_at(vae.decoder, torch.full(image_shape, 0.5))
        elif mean_image is not None and recipe.model.network != "autoencoder-kl":
            start_at(vae.decoder, mean_image)
    if isinstance(vae.posterior, VectorQuantiser):
        vae.posterior.start(generator)
    if isinstance(vae.prior, MixturePrior):
        vae.prior.start(generator)
    vamp = vae.prior.upper if isinstance(vae.prior, LadderPrior) else vae.prior
    if isinstance(vamp, VampPrior) and recipe.prior.start == "noise":
        vamp.start_as_noise(generator)
    elif isinstance(vamp, VampPrior) and examples is not None:
        vamp.start(examples[torch.arange(recipe.prior.components) % len(examples)])
    return vae
