"""Where in the training of its run a walk is."""

from __future__ import annotations

from collections.abc import Sequence

from vae_tui.runs.layout import Checkpoint


class TrainingTime:
    """Which of its run's weights a walk was taken to by hand, and which it is to open next."""

    def __init__(self) -> None:
        self.chosen: Checkpoint | None = None
        """The weights one went to; None: those that the walk opened by itself."""
        self.wanted: Checkpoint | None = None
        """The same, until they are being opened."""
        self.number, self.count = 0, 0
        """Which of how many weights the chosen ones are, the first being 1."""

    @property
    def is_past(self) -> bool:
        """Whether there are newer weights than the chosen ones, which are not to be gone on to."""
        return self.chosen is not None and self.number < self.count

    def choose(self, weights: Sequence[Checkpoint], index: int) -> None:
        """Choose one of the weights there are."""
        self.chosen = self.wanted = weights[index]
        self.number, self.count = index + 1, len(weights)

    def take_wanted(self) -> Checkpoint | None:
        """The weights to open now, once."""
        wanted, self.wanted = self.wanted, None
        return wanted

    def follow(self) -> None:
        """Let the walk open by itself what is newer."""
        self.chosen = self.wanted = None
