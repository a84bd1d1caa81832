"""What keys on the screen of a walk send to the decoder."""

from __future__ import annotations

import numpy as np
import pytest
from fake_decoder import FakeDecoder

from vae_tui.runs.layout import Run
from vae_tui.tui.app import VaeTuiApp
from vae_tui.tui.screens import walk
from vae_tui.tui.screens.walk import WalkScreen
from vae_tui.walk.messages import Decode
from vae_tui.walk.views.view import VIEW_NAMES


@pytest.mark.slow
@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_every_key_sends_one_decode_at_most_and_none_twice(
    followed: Run, monkeypatch: pytest.MonkeyPatch, size: tuple[int, int]
) -> None:
    decoders: list[FakeDecoder] = []

    class Listed(FakeDecoder):
        def __init__(self, *given: object, **more: object) -> None:
            super().__init__(*given, **more)  # type: ignore[arg-type]
            decoders.append(self)

    monkeypatch.setattr(walk, "DecoderProcess", Listed)
    app = VaeTuiApp(WalkScreen(followed.latest().path))
    async with app.run_test(size=size) as pilot:

        async def press(key: str) -> list[Decode]:
            decoders[0].sent.clear()
            await pilot.press(key)
            for _ in range(3):
                await pilot.pause()
            return [request for request in decoders[0].sent if isinstance(request, Decode)]

        await pilot.pause()
        await pilot.pause()
        screen = app.screen
        assert isinstance(screen, WalkScreen)
        for view in VIEW_NAMES:
            decoded = await press(str(1 + VIEW_NAMES.index(view)))
            assert len(decoded) == (1 if view in ("strip", "table", "map", "scatter", "codes") else 0), view
            current = screen.session.walk.views.current
            for key in ("right", "L", "shift+left", "u", "U", "t", "r", "p", "A", "O"):
                before = screen.session.walk.z
                decoded = await press(key)
                moved = not np.array_equal(before, screen.session.walk.z)
                assert len(decoded) == moved, (view, key)
                if moved and view in ("strip", "table", "map", "codes"):
                    assert current.tiles is not None
                    assert len(decoded[0].points) == 1 + len(current.tiles.points)
