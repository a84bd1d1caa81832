"""The random generators of a run, one for each purpose, so that what one draws never moves what another does."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import torch
from torch import Tensor

from vae_tui.data import seed_for


class Generators:
    """Generators on one device by purpose, "order" being that of the images; each begins from the run's seed."""

    def __init__(self, seed: int, device: torch.device, purposes: Iterable[str]) -> None:
        self._seed, self._device = seed, device
        self._all: dict[str, torch.Generator] = {}
        self.add(purposes)

    def __getitem__(self, purpose: str) -> torch.Generator:
        return self._all[purpose]

    def __contains__(self, purpose: str) -> bool:
        return purpose in self._all

    def add(self, purposes: Iterable[str]) -> None:
        """Begin those that there are not yet."""
        for purpose in purposes:
            if purpose not in self._all:
                self._all[purpose] = torch.Generator(self._device).manual_seed(seed_for(self._seed, purpose))

    @property
    def within_steps(self) -> tuple[torch.Generator, ...]:
        """All that draw in a step."""
        return tuple(generator for purpose, generator in self._all.items() if purpose != "order")

    def states(self) -> dict[str, Tensor]:
        """What `restore` takes, by purpose."""
        return {purpose: generator.get_state() for purpose, generator in self._all.items()}

    def restore(self, states: Mapping[str, Tensor]) -> None:
        """Go on as on the same kind of device: those of purposes that are over too, and not those that begin only now."""
        self.add(states)
        for purpose, state in states.items():
            self._all[purpose].set_state(state)

    def begin_anew(self, step: int) -> None:
        """Go on from a step as on another kind of device, whose states say nothing here."""
        for purpose, generator in self._all.items():
            generator.manual_seed(seed_for(self._seed, f"{purpose} from step {step}"))
