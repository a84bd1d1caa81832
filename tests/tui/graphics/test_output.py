"""What a screen writes before it is left: all that the terminal takes, however slowly, and no more."""

from __future__ import annotations

import os
import threading
import time

import pytest

from vae_tui.tui.graphics.output import Output

_BYTES = 200_000


def start_output(monkeypatch: pytest.MonkeyPatch) -> tuple[Output, int]:
    monkeypatch.setattr("vae_tui.tui.graphics.output._SECONDS_OF_STANDSTILL", 0.5)
    reading, writing = os.pipe()
    output = Output(writing, lambda: None)
    output.start()
    output.put("x" * _BYTES)
    return output, reading


def test_a_terminal_that_takes_nothing_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    output, reading = start_output(monkeypatch)
    output.stop()
    assert output.is_alive(), "it still has something to write"
    os.close(reading)
    output.join(10)
    assert not output.is_alive()


def test_a_slow_terminal_gets_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    output, reading = start_output(monkeypatch)
    taken = 0

    def take() -> None:
        nonlocal taken
        while taken < _BYTES:
            taken += len(os.read(reading, 8192))
            time.sleep(0.05)

    reader = threading.Thread(target=take)
    reader.start()
    output.stop()
    reader.join()
    assert not output.is_alive()
    assert taken == _BYTES
