"""The gradients of a fully connected VAE, derived by hand, in memory that is used again at every step."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import torch
from torch import Tensor, nn
from torch.nn import functional

from vae_tui.model import VAE
from vae_tui.model.gaussian import halves, normal_log_density
from vae_tui.model.likelihoods import Bernoulli, Gaussian
from vae_tui.model.priors import VampPrior, mixture_log_density
from vae_tui.objective import BetaElbo, find_objective
from vae_tui.recipe import Recipe
from vae_tui.training.aside import Aside

_backward = torch.ops.aten
_ACTIVATIONS: dict[type[nn.Module], tuple[Callable[[Tensor], Tensor], Callable[[Tensor, Tensor, Tensor], Tensor]]] = {
    nn.ReLU: (torch.relu_, lambda g, _, y: _backward.threshold_backward.grad_input(g, y, 0, grad_input=g)),
    nn.LeakyReLU: (
        lambda x: functional.leaky_relu_(x, 0.01),
        lambda g, _, y: _backward.leaky_relu_backward.grad_input(g, y, 0.01, True, grad_input=g),
    ),
    nn.ELU: (functional.elu_, lambda g, _, y: _backward.elu_backward.grad_input(g, 1, 1, 1, True, y, grad_input=g)),
    nn.Tanh: (torch.tanh_, lambda g, _, y: _backward.tanh_backward.grad_input(g, y, grad_input=g)),
    nn.GELU: (functional.gelu, lambda g, x, _: _backward.gelu_backward.grad_input(g, x, grad_input=g)),
    nn.SiLU: (functional.silu, lambda g, x, _: _backward.silu_backward.grad_input(g, x, grad_input=g)),
    nn.GLU: (functional.glu, lambda g, x, _: _backward.glu_backward(g, x, -1)),
}
"""What each does to its input x, in place where its gradient needs only its output y, and to the gradient g of y.

Gates are twice as wide as what comes of them, so only their gradient has no room in that of their output.
"""


def supports_manual_backward(recipe: Recipe) -> bool:
    """Whether `DenseGradients` can train this network, posterior, prior, likelihood and objective."""
    plain = (
        recipe.model.network in ("mlp", "gated")
        and recipe.model.posterior == "diagonal"
        and recipe.model.condition == "none"
        and recipe.prior.name != "mixture"
    )
    known = recipe.likelihood.name == "bernoulli" or (
        recipe.likelihood.name == "gaussian" and isinstance(recipe.likelihood.sigma, float)
    )
    objective = find_objective(recipe.objective).supports_manual_backward(recipe.objective)
    return plain and known and objective


class DenseGradients:
    """Forward and backward pass of a VAE whose networks are fully connected, for distortion + beta * rate.

    What autograd does for them, without its bookkeeping and with no memory taken anew: a seventh less time a step
    (benchmarks/LOG.md). The gradients stand in the `grad` of the parameters, which must be left in place.
    """

    def __init__(
        self, vae: VAE, objective: BetaElbo, batch_size: int, aside: Aside, *, rounded: torch.dtype | None
    ) -> None:
        """For batches of at most `batch_size` images; what is not waited for is done `aside`.

        Where the layers' numbers are `rounded`, they multiply them and hand them on to each other so; all between the
        networks, the loss and the gradients that the optimizer finds are of the parameters' own type.
        """
        self._aside = aside
        self._dtype = next(vae.parameters()).dtype
        likelihood = vae.likelihood
        assert isinstance(likelihood, Bernoulli | Gaussian), "supports_manual_backward checks it"
        self._likelihood, self._objective = likelihood, objective
        self._vamp = vae.prior if isinstance(vae.prior, VampPrior) else None
        more = 0 if self._vamp is None else len(self._vamp.images)
        self._encoder = list(_layers(vae.encoder, batch_size + more, self._aside, rounded))
        self._decoder = list(_layers(vae.decoder, batch_size, self._aside, rounded))

    @torch.no_grad()
    def __call__(self, images: Tensor, epsilon: Tensor, beta: float | Tensor) -> Tensor:
        """Set the gradients of the batch's mean loss, and return its summed loss, distortion and rates, (2 + Z,).

        What it returns is of the aside's "figures", which are not joined yet. `images` (B, C, H, W) in [0, 1]; `epsilon`
        (B, Z) ~ N(0, I); `beta` is a number, or () on a GPU, where a recorded step finds it.
        """
        if self._vamp is not None:
            return self._under_a_vampprior(self._vamp, images, epsilon, beta)
        mean, log_variance = halves(self._encode(images.flatten(1)))
        deviation = torch.exp(0.5 * log_variance)
        variance = deviation.square()
        with self._aside("figures"):
            rates = (mean.square() + variance - 1 - log_variance).sum(0).mul_(0.5)
        self._kept_for_aside = variance
        distortion, gradient = self._decode(torch.addcmul(mean, deviation, epsilon), images)
        weight = beta / len(images)
        by_mean = _add_scaled(gradient, mean, weight)
        by_log_variance = _add_scaled((gradient * epsilon).mul_(deviation), variance - 1, weight).mul_(0.5)
        self._go_back(torch.cat((by_mean, by_log_variance), 1))
        self._aside.join("products", "biases")
        return self._sums(distortion, rates, beta)

    def _under_a_vampprior(self, prior: VampPrior, images: Tensor, epsilon: Tensor, beta: float | Tensor) -> Tensor:
        """The same with pseudo-images encoded beside the images; what lies between the networks is left to autograd."""
        pseudo = prior.images.flatten(1)
        parameters = self._encode(torch.cat((images.flatten(1), pseudo.clamp(0, 1)))).requires_grad_()
        with torch.enable_grad():
            mean, log_variance = halves(parameters[: len(images)])
            latent = torch.addcmul(mean, torch.exp(0.5 * log_variance), epsilon)
            weights = latent.new_full((len(pseudo),), -math.log(len(pseudo)))
            of_prior = mixture_log_density(latent, weights, *halves(parameters[len(images) :]))
            rates = (normal_log_density(epsilon) - 0.5 * log_variance - of_prior).sum(0)
            rate = rates.sum()
        self._kept_for_aside = rates
        distortion, gradient = self._decode(latent.detach(), images)
        weight = beta / len(images)
        weight = weight.to(rate.dtype) if isinstance(weight, Tensor) else rate.new_full((), weight)
        with torch.enable_grad():
            # To torch.autograd.grad one number, for given gradients of several it imports a compiler's algebra, a third of a second.
            both = torch.dot(latent.flatten(), gradient.flatten()) + weight * rate
        (gradient,) = torch.autograd.grad(both, parameters)
        gradient = self._go_back(gradient)[len(images) :]
        reachable = (pseudo >= 0) & (pseudo <= 1)
        prior.images.grad = (self._encoder[0].by_input(gradient) * reachable).view_as(prior.images)
        self._aside.join("products", "biases")
        return self._sums(distortion, rates.detach(), beta)

    def _encode(self, hidden: Tensor) -> Tensor:
        for layer in self._encoder:
            hidden = layer.forward(hidden)
        return hidden.to(self._dtype)

    def _decode(self, latent: Tensor, images: Tensor) -> tuple[Tensor, Tensor]:
        """The distortion, summed, and the gradient (B, Z) of its mean over the images by the latents."""
        for layer in self._decoder:
            latent = layer.forward(latent)
        output = latent.to(self._dtype).view(images.shape)
        if self._aside.is_any:
            with self._aside("figures"):
                distortion = self._likelihood.distortion(output, images).sum()
            gradient = self._likelihood.gradient(output, images)
        else:
            distortion, gradient = self._likelihood.distortion_with_gradient(output, images)
        gradient = gradient.mul_(1 / len(images)).flatten(1)
        for layer in reversed(self._decoder):
            gradient = layer.backward(gradient)
        return distortion, gradient.to(self._dtype)

    def _go_back(self, gradient: Tensor) -> Tensor:
        """Through the encoder, to the gradient of what its first layer gives before its activation."""
        for layer in reversed(self._encoder):
            gradient = layer.backward(gradient)
        return gradient

    def _sums(self, distortion: Tensor, rates: Tensor, beta: float | Tensor) -> Tensor:
        with self._aside("figures"):
            loss = self._objective.weigh(distortion, rates.sum(), beta)
            return torch.cat((loss[None], distortion[None], rates))


def _add_scaled(base: Tensor, more: Tensor, weight: float | Tensor) -> Tensor:
    """base + weight * more, whether the weight is a number or a tensor (), which `alpha` would wait for."""
    if isinstance(weight, Tensor):
        return torch.addcmul(base, more, weight)
    return torch.add(base, more, alpha=weight)


class _Layer:
    """A linear layer and what comes of it, (B, inputs) to (B, outputs)."""

    def __init__(
        self,
        linear: nn.Linear,
        activation: nn.Module | None,
        batch_size: int,
        aside: Aside,
        rounded: torch.dtype | None,
        *,
        first: bool,
    ) -> None:
        """As `DenseGradients`; the gradient of the `first` layer's input is not needed."""
        self._aside = aside
        self._linear = linear
        self._gradients = torch.zeros_like(linear.weight), torch.zeros_like(linear.bias)
        linear.weight.grad, linear.bias.grad = self._gradients
        self._is_rounded = rounded is not None
        dtype = rounded or linear.weight.dtype
        with torch.no_grad():  # the parameters and their gradients themselves, or copies where they are rounded
            self._weight, self._bias = linear.weight.to(dtype), linear.bias.to(dtype)
            self._by_weight, self._by_bias = (gradient.to(dtype) for gradient in self._gradients)
        self._activation = None if activation is None else _ACTIVATIONS[type(activation)]
        self._product = self._weight.new_empty(batch_size, linear.out_features)
        self._ones = self._weight.new_ones(batch_size)
        self._by_input = None if first else self._weight.new_empty(batch_size, linear.in_features)

    def forward(self, inputs: Tensor) -> Tensor:
        if self._is_rounded:
            self._weight.copy_(self._linear.weight)
            self._bias.copy_(self._linear.bias)
        self._inputs = inputs.to(self._weight.dtype)
        self._output = torch.addmm(self._bias, self._inputs, self._weight.t(), out=self._product[: len(inputs)])
        if self._activation is not None:
            self._output = self._activation[0](self._output)
        return self._output

    def by_input(self, gradient: Tensor) -> Tensor:
        """From the gradient of the output before its activation, (n, outputs), to that of the input, (n, inputs)."""
        return (gradient.to(self._weight.dtype) @ self._weight).to(self._linear.weight.dtype)

    def backward(self, gradient: Tensor) -> Tensor:
        """From the gradient of the output, which is written over, to that of the input."""
        count = len(gradient)
        gradient = gradient.to(self._weight.dtype)
        if self._activation is not None:
            gradient = self._activation[1](gradient, self._product[:count], self._output)
        self._gradient = gradient  # kept until all is done that is done with it
        with self._aside("products"):
            torch.mm(gradient.t(), self._inputs, out=self._by_weight)
            if self._is_rounded:
                self._gradients[0].copy_(self._by_weight)
        with self._aside("biases"):
            if self._aside.is_any:  # where a sum over rows takes twice as long as a product (benchmarks/LOG.md)
                torch.mv(gradient.t(), self._ones[:count], out=self._by_bias)
            else:
                torch.sum(gradient, 0, out=self._by_bias)
            if self._is_rounded:
                self._gradients[1].copy_(self._by_bias)
        if self._by_input is None:
            return gradient
        return torch.mm(gradient, self._weight, out=self._by_input[:count])


def _layers(network: nn.Module, batch_size: int, aside: Aside, rounded: torch.dtype | None) -> Iterator[_Layer]:
    modules = list(network.children())
    first = isinstance(modules[0], nn.Flatten)
    for module, following in zip(modules, [*modules[1:], None], strict=True):
        if isinstance(module, nn.Linear):
            activation = following if type(following) in _ACTIVATIONS else None
            yield _Layer(module, activation, batch_size, aside, rounded, first=first)
            first = False
