"""A line to type into that takes keys in the order they come."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from textual.binding import Binding
from textual.events import Key
from textual.widgets import Input


class Line(Input):
    """An input whose editing keys act at once.

    Textual lets a key that is bound bubble up to the app first: what is typed right behind it, as over a slow line all of
    it comes at once, is taken before. `keys` are further ones, and their actions.
    """

    def __init__(self, value: str = "", *, keys: Mapping[str, str], **given: Any) -> None:
        super().__init__(value, **given)
        own = (binding for binding in Input.BINDINGS if isinstance(binding, Binding))
        self._actions = {key: binding.action for binding in own for key in binding.key.split(",")} | dict(keys)

    async def on_key(self, event: Key) -> None:
        """Do what the key is bound to, before the next one is looked at."""
        if action := self._actions.get(event.key):
            event.stop()
            event.prevent_default()
            await self.run_action(action)
