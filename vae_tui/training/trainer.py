"""The state of a training run and the one step that moves it; no clock, no files, no events."""

from __future__ import annotations

import traceback
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from vae_tui.data import AnyPixels, ImageSets, as_floats, draw_bits, seed_for
from vae_tui.errors import RunError
from vae_tui.evaluation.averages import TRACKED_WIDTHS
from vae_tui.evaluation.elbo import Elbo, evaluate_elbo
from vae_tui.model import VAE, build
from vae_tui.model.conditional import NO_LABEL
from vae_tui.objective import build_objective
from vae_tui.recipe import Change, Recipe, add_change
from vae_tui.training.adversary import Adversary, pick
from vae_tui.training.aside import Aside
from vae_tui.training.augmentation import VIEW_DRAWS, draws_views
from vae_tui.training.batches import Batches, on_device
from vae_tui.training.generators import Generators
from vae_tui.training.memory import is_out_of_memory
from vae_tui.training.optimizers import AveragedWeights, build_optimizer, learning_rate
from vae_tui.training.patience import Patience
from vae_tui.training.power_averages import PowerAverages
from vae_tui.training.ranks import Alone, Batch, Ranks
from vae_tui.training.steps import AutogradStep, Parts, choose_recorder, choose_step, memory_layout
from vae_tui.training.stopwatch import Stopwatch

_LOSSES_KEPT = 4096


@dataclass(frozen=True)
class Means:
    """Means over the `images` of some steps, in nats per image; `rate_per_dimension` (Z values) and `class_rate` sum to `rate`."""

    images: int
    loss: float
    distortion: float
    rate_per_dimension: tuple[float, ...]
    class_rate: float = 0.0

    @property
    def rate(self) -> float:
        """KL(q(z|x) || p(z)), and with a classifier KL(q(y|x) || p(y))."""
        return sum(self.rate_per_dimension) + self.class_rate

    def figures(self) -> dict[str, float | None]:
        """As events carry them."""
        return {
            "loss": self.loss,
            "elbo": -(self.distortion + self.rate),
            "distortion": self.distortion,
            "rate": self.rate,
        }


class Trainer:
    """Weights, optimizer, data order and epoch sums, all of which `state` gives and `restore` takes, bit for bit.

    Each purpose has a generator of its own: data order, noise, binarising. Metrics are summed on the device and read
    only when asked for, so a step waits for nothing.
    """

    def __init__(
        self,
        recipe: Recipe,
        sets: ImageSets,
        device: torch.device,
        *,
        compiled: bool = False,
        ranks: Ranks | None = None,
    ) -> None:
        """With `compiled`, torch compiles the forward pass and its gradients when the first whole batch comes.

        Among several `ranks` each takes its share of every batch, and all come to the same weights and figures; all
        must step and validate side by side, as a `Course` has them do.
        """
        self._script = recipe
        """The recipe with all of its changes, those to come as well."""
        self.recipe = recipe.at(0)
        """The recipe by which the next step is taken."""
        self.ranks = ranks or Alone()
        self.device = device
        self.images, self._sets = sets.train, sets
        recipe = self.recipe
        _, channels, height, width = self.images.pixels.shape
        self._conditional = recipe.model.condition == "label"
        self._batches = Batches(
            self.images, device, recipe.train.batch_size, share=self.ranks.share, labelled=self._conditional
        )
        self._labelled_share = torch.ones((), device=device)
        if self._conditional and self.images.labels is not None:
            self._labelled_share.fill_((self.images.labels >= 0).float().mean())
        self._validation: AnyPixels | None = None
        if sets.validation is not None:
            there = on_device(sets.validation, device)
            self._validation = sets.validation.pixels if there is None else there
        seed = seed_for(recipe.train.seed, "weights")
        vae = build(
            recipe,
            (channels, height, width),
            class_count=len(sets.class_names),
            seed=seed,
            mean_image=self.images.mean_image,
            examples=self._examples() if recipe.prior.name == "vamp" and recipe.prior.start == "images" else None,
        )
        self.vae: VAE = vae.to(device).to(memory_format=memory_layout(recipe))
        if self.ranks.count > 1 and device.type == "cuda":
            self.vae = nn.SyncBatchNorm.convert_sync_batchnorm(self.vae)  # type: ignore[no-untyped-call]
        self.objective = build_objective(recipe.objective, latent_dim=self.vae.latent_dim, image_count=len(self.images))
        self._adversary = Adversary(self.objective, recipe, device) if self.objective.discriminator else None
        self.optimizer = build_optimizer(recipe.optimizer, self.vae.parameters())
        decay = recipe.optimizer.ema_decay
        self.averaged = AveragedWeights(self.vae, decay) if decay else None
        self.power_averages = PowerAverages(self.vae, TRACKED_WIDTHS) if recipe.optimizer.ema_snapshots else None
        self._generators = Generators(recipe.train.seed, device, self._purposes)
        precise = torch.float32 if device.type == "mps" else torch.float64
        self._sums = torch.zeros(2 + self.vae.rate_count, dtype=precise, device=device)
        """Loss, distortion and rates of this epoch so far."""
        self.stopwatch = Stopwatch(whole=device.type != "cpu")
        """What the parts of training take in this process."""
        self._parts = Parts(
            recipe,
            self.vae,
            self.objective,
            self._adversary,
            self.optimizer,
            self.ranks,
            device,
            self._generators.within_steps,
            Aside(device),
            self._sums,
            torch.zeros((), device=device),
            self.stopwatch,
        )
        self.compiled = compiled
        self._choose_step()
        self.patience = Patience()

        self.step_count = 0
        self._next_change = self._find_next_change(-1)
        self.epoch = 0
        self.position = len(self.images)
        """How many of this epoch's images have been trained on."""
        self._order_state = self._generators["order"].get_state()
        self._mark = (self._sums.clone(), self.position, 0)
        """Sums, position and step as of the last report; in the coordinates of this epoch, so they may be negative."""
        self._weight_tensors = {name: torch.full((), weight, device=device) for name, weight in self._weights.items()}
        self._weights_there = dict(self._weights)
        """What those tensors hold."""
        self._losses = torch.zeros(_LOSSES_KEPT, device=device)
        self._loss_index = torch.zeros(1, dtype=torch.int64, device=device)
        self._checked_step = 0

    @property
    def evaluated(self) -> VAE:
        """The VAE that validates and draws: with averaged weights where the recipe asks for them."""
        return self.averaged.vae if self.averaged else self.vae

    @property
    def epoch_is_over(self) -> bool:
        """Whether every image of this epoch has been trained on."""
        return self.position >= len(self.images)

    @property
    def epochs_done(self) -> float:
        """How many epochs were trained, the part of this one as well."""
        return self.epoch - 1 + self.position / len(self.images) if self.epoch else 0.0

    @property
    def script(self) -> Recipe:
        """The recipe with all of its changes, those to come as well."""
        return self._script

    @property
    def epochs_are_over(self) -> bool:
        """Whether all are trained that the recipe asks for, as it is once the changes that are due are made."""
        recipe = self._script.at(self.step_count) if self.change_is_due else self.recipe
        epochs = recipe.train.epochs
        return epochs is not None and self.epoch >= epochs and self.epoch_is_over

    @property
    def change_is_due(self) -> bool:
        """Whether the recipe changes before the next step."""
        return self._next_change is not None and self.step_count >= self._next_change

    @property
    def must_check(self) -> bool:
        """Whether `first_bad_step` must be asked now, before the losses it looks at are written over."""
        return self.step_count - self._checked_step >= _LOSSES_KEPT

    @property
    def lr(self) -> float:
        """The learning rate of this epoch."""
        scheduled = learning_rate(self.recipe.optimizer, max(1, self.epoch), self.recipe.train.epochs)
        return scheduled * self.patience.factor(self.recipe)

    @property
    def beta(self) -> float:
        """Beta as of the next step."""
        return self._weights["beta"]

    @property
    def _weights(self) -> dict[str, float]:
        return self.objective.weights(max(0, self.epoch - 1) + self.position / len(self.images))

    @property
    def _purposes(self) -> tuple[str, ...]:
        """Of random draws, each with a generator of its own."""
        mirroring = ("mirroring",) if self.recipe.data.mirror else ()
        varying = ("varying",) if draws_views(self.recipe.data) else ()
        dropping = ("labels",) if self._conditional and self.recipe.model.label_dropout else ()
        objective = ("objective",) if self.objective.takes_noise else ()
        return ("order", "noise", "binarizing", *mirroring, *varying, *objective, *dropping)

    def begin_epoch(self) -> None:
        """Shuffle the images and start from the first."""
        self.epoch += 1
        sums, position, step_count = self._mark
        self._mark = (sums - self._sums, position - self.position, step_count)
        self.position = 0
        self._sums.zero_()
        self._shuffle(self._generators["order"].get_state())

    def add_change(self, change: Change) -> None:
        """Have the recipe change from the next step on, or at a step to come."""
        self._script = add_change(self._script, change)
        self._next_change = change.step if self._next_change is None else min(self._next_change, change.step)

    def make_changes(self) -> list[Change]:
        """Make the changes that are due, and return them: the steps to come are those of the recipe as it then is."""
        made = [change for change in self._script.changes if self._next_change == change.step]
        self._follow(self._script.at(self.step_count))
        self._next_change = self._find_next_change(self.step_count)
        return made

    def _find_next_change(self, step: int) -> int | None:
        return min((change.step for change in self._script.changes if change.step > step), default=None)

    def _follow(self, recipe: Recipe) -> None:
        """Train on by a recipe that differs in what can be changed."""
        another_step = (recipe.optimizer.clip_norm, recipe.data) != (self.recipe.optimizer.clip_norm, self.recipe.data)
        if recipe.objective != self.recipe.objective:
            self.patience.begin_anew()
        self.recipe = recipe
        self._generators.add(self._purposes)
        self._parts = replace(self._parts, recipe=recipe, generators=self._generators.within_steps)
        if self.objective.change(recipe.objective) or another_step:
            self._choose_step()
        self._set_learning_rate()

    def _choose_step(self) -> None:
        self._step, self._record = choose_step(self._parts, compiled=self.compiled), choose_recorder(self._parts)

    def step(self) -> None:
        """Train on the next batch."""
        self.stopwatch.lap("rest")
        if self.recipe.own:
            # What one's own code draws, as dropout does, depends on the step alone: it is the same after a resume.
            torch.manual_seed(seed_for(self.recipe.train.seed, f"step {self.step_count}, rank {self.ranks.index}"))
        count = self._next_count
        for name, weight in self._weights.items():
            if weight != self._weights_there[name]:
                self._weight_tensors[name].fill_(weight)
                self._weights_there[name] = weight
        # Resident images are found within a recorded step, others are handed to it.
        given = {} if self._batches.resident is not None else self._batches.take(count)
        self.stopwatch.lap("data")
        if self._record is not None and count == self.recipe.train.batch_size:
            self._record(lambda given: self._take_step(count, given), given)
        else:
            self._take_step(count, given)
        self.step_count += 1
        self.position += count
        if self.averaged:
            self.averaged.update(self.step_count)
        if self.power_averages is not None:
            self.power_averages.update(self.step_count)
        self.stopwatch.lap("update")

    def _take_step(self, count: int, given: Batch) -> None:
        """Draw a batch and move the weights by it; counts in tensors alone, so that it can be recorded."""
        batch = self._draw_batch(count, given)
        self.stopwatch.lap("data")
        sums = self._step(count, batch, self._weights)
        with self._parts.aside("figures"):
            self._losses.scatter_(0, self._loss_index, sums[:1].to(self._losses.dtype))
            self._loss_index.add_(1).remainder_(_LOSSES_KEPT)
        self._parts.aside.join("figures")

    def gradient_norm(self) -> float:
        """That of the last step's gradients, before they were clipped; waits for the device."""
        return self._parts.gradient_norm()

    def validate(self) -> Elbo | None:
        """The ELBO of the validation images, on draws that are the same every time; waits for the device."""
        if self._validation is None:
            return None
        self.stopwatch.lap("rest")
        elbo = evaluate_elbo(
            self.evaluated,
            self._validation,
            labels=self._sets.validation.labels if self._sets.validation is not None else None,
            seed=self.recipe.train.seed,
            draws=self.objective.draws or 1,
            partners=self.ranks,
        )
        self.stopwatch.lap("validation")
        if self.epoch_is_over:
            self.patience.look(self.selection_loss(elbo), self.epoch, self.recipe)
        return elbo

    def selection_loss(self, validation: Elbo) -> float:
        """The loss by which checkpoints are chosen, in nats."""
        return self.objective.selection_loss(validation.distortion, validation.rate, validation.bound)

    def batch_that_fits(self) -> int | None:
        """The largest batch, of a half, a quarter, ... of the recipe's, whose gradients there is the memory for."""
        size, step = self.recipe.train.batch_size // 2, AutogradStep(self._parts)
        while size:
            pixels = torch.zeros((size, *self.vae.image_shape), dtype=torch.uint8, device=self.device)
            noise = torch.zeros((size, self.vae.latent_dim), device=self.device)
            epsilon = torch.zeros(self._noise_shape(size), device=self.device)
            labels = torch.zeros(size, dtype=torch.int64, device=self.device)
            share = self._labelled_share
            weights = {name: torch.ones((), device=self.device) for name in self._weights}
            try:
                batch = {
                    "pixels": pixels,
                    "labels": labels,
                    "labelled_share": share,
                    "epsilon": epsilon,
                    "noise": noise,
                    **weights,
                }
                loss, _ = step.forward(batch)
                torch.autograd.backward(loss)
                return size
            except Exception as error:
                if not is_out_of_memory(error):
                    raise
                traceback.clear_frames(error.__traceback__)
                size //= 2
            finally:
                self.optimizer.clear_gradients()
        return None

    def epoch_means(self) -> Means:
        """Means over this epoch so far; waits for the device."""
        return self._means(self._sums, self.position)

    def means_since_mark(self) -> tuple[Means, int]:
        """Means since the last call, and over how many steps; waits for the device."""
        sums, position, step_count = self._mark
        means = self._means(self._sums - sums, self.position - position)
        steps = self.step_count - step_count
        self._mark = (self._sums.clone(), self.position, self.step_count)
        return means, steps

    def first_bad_step(self) -> int | None:
        """The first step since the last call whose loss was not finite, or None; waits for the device."""
        since = range(self._checked_step, self.step_count)
        finite = torch.isfinite(self._losses).tolist()
        self._checked_step = self.step_count
        return next((step + 1 for step in since if not finite[step % _LOSSES_KEPT]), None)

    def state(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """What exact resume needs beside the weights: tensors, and numbers."""
        tensors = {f"generator.{purpose}": state for purpose, state in self._generators.states().items()}
        tensors["generator.order"] = self._order_state
        tensors["sums"] = self._sums
        tensors |= {f"optimizer.{name}": tensor for name, tensor in self.optimizer.state().items()}
        if self._adversary is not None:
            tensors |= {f"adversary.{name}": tensor for name, tensor in self._adversary.state().items()}
        if self.power_averages is not None:
            tensors |= {f"averages.{name}": tensor for name, tensor in self.power_averages.state().items()}
        numbers = {
            "step": self.step_count,
            "epoch": self.epoch,
            "position": self.position,
            "images_crc32": self._sets.checksums,
            "device": self.device.type,
            "moments": "shaped as weights",
            "patience": self.patience.state(),
        }
        return tensors, numbers

    def restore(self, tensors: dict[str, Tensor], numbers: dict[str, Any]) -> None:
        """Go on from what `state` gave; the weights are loaded apart.

        Raises RunError where the images are not those of the run.
        """
        if changed := self._sets.changed_splits(numbers["images_crc32"]):
            raise RunError(
                f"the {changed} images are not those of this run, so it cannot go on exactly; put them back, or start a "
                "new run from its weights with --set train.start_from=RUN"
            )
        moments = pick(tensors, "optimizer.")
        if "moments" not in numbers and memory_layout(self.recipe) is torch.channels_last:
            moments = {name: _from_channels_last(moment) for name, moment in moments.items()}
        self.optimizer.restore(moments)
        if self._adversary is not None:
            self._adversary.restore(pick(tensors, "adversary."))
        if self.power_averages is not None:
            self.power_averages.restore(pick(tensors, "averages."))
        self.step_count, self.epoch, self.position = numbers["step"], numbers["epoch"], numbers["position"]
        # A change at the very step it goes on from is made by then.
        self._follow(self._script.at(self.step_count))
        self._next_change = self._find_next_change(self.step_count)
        self.patience.restore(numbers.get("patience", {}))
        self._checked_step = self.step_count
        self._loss_index.fill_(self.step_count % _LOSSES_KEPT)
        if numbers["device"] == self.device.type:
            self._generators.restore(pick(tensors, "generator."))
        else:
            self._generators.begin_anew(self.step_count)
        if self.epoch:
            self._shuffle(self._generators["order"].get_state())
        self._sums.copy_(tensors["sums"])
        self._mark = (self._sums.clone(), self.position, self.step_count)
        self._set_learning_rate()

    def _shuffle(self, state: Tensor) -> None:
        """Order the images by the generator's `state`, which is kept: it stands for the whole order."""
        self._order_state = state
        order = torch.randperm(len(self.images), generator=self._generators["order"], device=self.device)
        self._batches.seek(order, self.position)
        self._set_learning_rate()

    def _set_learning_rate(self) -> None:
        self.optimizer.lr = self.lr

    @property
    def _next_count(self) -> int:
        """How many images the next batch has."""
        return min(self.recipe.train.batch_size, len(self.images) - self.position)

    def _draw_batch(self, count: int, given: Batch) -> Batch:
        """This rank's share of the next batch, with the `pixels` that are given or else the next of those resident.

        Beside these the `sides` from which they are seen, if some are to be mirrored, the `views` by which they are moved, cut or
        coloured, if they are to be, the random `bits` that make them
        black and white, if they are to be, the `labels` that a conditional model is given, of which some are dropped, the
        noise `epsilon` of the latents, and what the objective takes. The draws are made for the whole batch, so that they do
        not depend on the ranks.
        """
        share = self.ranks.share(count)
        epsilon = torch.randn(self._noise_shape(count), generator=self._generators["noise"], device=self.device)
        batch = {"epsilon": epsilon[share]} | self._weight_tensors
        if self.objective.takes_noise:
            sizes = (count, self.vae.latent_dim)
            batch["noise"] = torch.randn(sizes, generator=self._generators["objective"], device=self.device)
        if self.recipe.data.mirror:
            sides = torch.rand((count, 1, 1, 1), generator=self._generators["mirroring"], device=self.device)
            batch["sides"] = sides[share]
        if draws_views(self.recipe.data):
            views = torch.rand((count, VIEW_DRAWS), generator=self._generators["varying"], device=self.device)
            batch["views"] = views[share]
        if self.recipe.data.binarize == "dynamic":
            shape = torch.Size((count, *self.vae.image_shape))
            batch["bits"] = draw_bits(shape, self._generators["binarizing"])[share]
        batch |= given or self._batches.take(count)
        if self._conditional:
            batch["labelled_share"] = self._labelled_share
        if "labels" in self._generators:
            drawn = torch.rand(count, generator=self._generators["labels"], device=self.device)
            kept = drawn[share] >= self.recipe.model.label_dropout
            batch["labels"] = torch.where(kept, batch["labels"], NO_LABEL)
        return batch

    def _noise_shape(self, count: int) -> tuple[int, ...]:
        draws = self.objective.draws
        return (count, draws, self.vae.latent_dim) if draws else (count, self.vae.latent_dim)

    def _examples(self) -> Tensor:
        """As many training images, in [0, 1], as the prior has components, and no more than there are."""
        generator = torch.Generator().manual_seed(seed_for(self.recipe.train.seed, "pseudo-images"))
        chosen = torch.randperm(len(self.images), generator=generator)[: self.recipe.prior.components]
        return as_floats(self.images.pixels[chosen])

    def _means(self, sums: Tensor, images: int) -> Means:
        loss, distortion, *rates = (sums / max(1, images)).tolist()
        latent_dim = self.vae.latent_dim
        return Means(images, loss, distortion, tuple(rates[:latent_dim]), sum(rates[latent_dim:]))


def _from_channels_last(moment: Tensor) -> Tensor:
    """A moment of weights as they are shaped (O, I, H, W), whose memory a version before wrote in the order O, H, W, I."""
    if moment.dim() != 4:
        return moment
    outputs, inputs, height, width = moment.shape
    return moment.view(outputs, height, width, inputs).permute(0, 3, 1, 2)
