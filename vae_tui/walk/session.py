"""A session of walking: all that a screen needs, and nothing of a screen."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from vae_tui.errors import CheckpointError
from vae_tui.runs.layout import Run
from vae_tui.runs.metadata import read_metadata
from vae_tui.walk.actions.directions import DirectionActions
from vae_tui.walk.actions.motion import MotionActions
from vae_tui.walk.actions.place import PlaceActions
from vae_tui.walk.actions.storage import StorageActions
from vae_tui.walk.actions.time import TimeActions
from vae_tui.walk.actions.view import ViewActions
from vae_tui.walk.beneath import OtherModel
from vae_tui.walk.decoder import Decoder
from vae_tui.walk.link import DecoderLink
from vae_tui.walk.messages import DecoderDied, Reply
from vae_tui.walk.walk import Notice, Walk

_MOST_LATENTS = 4096


class WalkSession:
    """Walks through the latent space of a checkpoint; with `follow`, of a run's newest one, whenever there is another.

    Everything a key does is a method of `place`, `directions`, `time`, `view`, `motion` or `storage`; what is to be seen then stands in `walk`,
    which is to be read alone. `start` starts a decoder, whose replies are to be handed to `receive`; until one is there
    everything but the pictures is up to date. `note` is to be read first.
    """

    def __init__(
        self,
        checkpoint: Path,
        start: Callable[[], Decoder],
        *,
        follow: Run | None = None,
        note: str = "",
        beside: tuple[Path, Callable[[], Decoder]] | None = None,
    ) -> None:
        """`beside` is the checkpoint of another model and what starts its decoder.

        Raises CheckpointError for a file that holds no VAE.
        """
        latent_dim, rates = _read_space(checkpoint)
        other = None
        if beside is not None:
            other = OtherModel(beside[0], DecoderLink(beside[1]), _read_space(beside[0])[0])
        self.walk = Walk(
            checkpoint, DecoderLink(start), latent_dim=latent_dim, rates=rates, follow=follow, note=note, other=other
        )
        self.place, self.view = PlaceActions(self.walk), ViewActions(self.walk)
        self.motion, self.storage = MotionActions(self.walk), StorageActions(self.walk)
        self.time, self.directions = TimeActions(self.walk), DirectionActions(self.walk)

    def start(self) -> None:
        """Start the decoders."""
        self.walk.update()

    def receive(self, number: int, reply: Reply) -> None:
        """Take what the decoder replied to the request of that number."""
        if isinstance(reply, DecoderDied):
            self.walk.lose_decoder()
            self.walk.fail(f"the decoder died: {reply.message}; the next key starts another")
        else:
            self.walk.link.receive(number, reply)
            self.walk.open_chosen()

    def receive_from_other(self, number: int, reply: Reply) -> None:
        """Take what the other model's decoder replied."""
        other = self.walk.beneath.other
        if other is not None and isinstance(reply, DecoderDied):
            other.link.reset()
            self.walk.fail(f"the decoder of {other.name} died: {reply.message}; the next key starts another")
        elif other is not None:
            other.link.receive(number, reply)

    def advance(self, seconds: float) -> bool:
        """Let a time pass; whether there is anything new to see."""
        return self.walk.advance(seconds)

    def look_for_newer(self) -> None:
        """Open a newer checkpoint, where there is one to follow."""
        self.walk.look_for_newer()

    def notify(self, text: str) -> None:
        """Let the user read something in passing."""
        self.walk.notify(text, "plain")

    def end_notice(self, notice: Notice) -> None:
        """Take it that a notice was seen for long enough."""
        if self.walk.notice is notice:
            self.walk.notice = None

    def close(self) -> None:
        """End the decoders."""
        self.walk.link.close()
        if self.walk.beneath.other is not None:
            self.walk.beneath.other.link.close()


def _read_space(checkpoint: Path) -> tuple[int, list[float]]:
    """The number of latents, and the rate of each in nats; none where the checkpoint does not tell."""
    metadata = read_metadata(checkpoint)
    try:
        latent_dim = metadata["recipe"]["model"]["latent_dim"]
        if type(latent_dim) is not int or not 1 <= latent_dim <= _MOST_LATENTS:
            raise ValueError(latent_dim)
    except (KeyError, TypeError, ValueError):
        raise CheckpointError(f"{checkpoint} holds no VAE: expected a step-*.safetensors of a run") from None
    rates: Any = metadata.get("rate_per_dimension", [])
    known = isinstance(rates, list) and len(rates) == latent_dim and None not in rates
    return latent_dim, rates if known else []
