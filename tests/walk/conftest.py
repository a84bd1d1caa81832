from __future__ import annotations

from collections.abc import Callable

import pytest
from walking import Walking

from vae_tui.runs.layout import Run


@pytest.fixture
def start(followed: Run) -> Callable[[], Walking]:
    """Starts to walk in the run's checkpoint, and in every newer one; nothing has been replied to yet."""

    def start() -> Walking:
        walking = Walking(followed.latest().path, followed)
        walking.session.start()
        return walking

    return start


@pytest.fixture
def walking(start: Callable[[], Walking]) -> Walking:
    """A walk with its checkpoint open and room for pictures, at rest."""
    walking = start()
    walking.session.view.fit((120, 160))
    walking.deliver()
    walking.sent()
    return walking
