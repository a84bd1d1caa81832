from __future__ import annotations

import pytest

from vae_tui import headless
from vae_tui.headless import StageProgress


def test_what_is_done_within_a_second_is_not_shown(capsys: pytest.CaptureFixture[str]) -> None:
    stages = StageProgress()
    stages.update("encoding", 1, 2)
    stages.close()
    assert capsys.readouterr().err == ""


def test_what_takes_longer_is_shown_once_a_stage(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(headless, "_SECONDS_BETWEEN_LINES", 0.0)
    stages = StageProgress()
    for done in range(3):
        stages.update("encoding", done, 2)
    stages.update("t-SNE", 0, None)
    stages.close()
    assert capsys.readouterr().err == "encoding\nt-SNE\n"


def test_a_terminal_is_shown_how_far_it_is_in_one_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(headless, "_SECONDS_BETWEEN_LINES", 0.0)
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    stages = StageProgress()
    stages.update("encoding", 1, 2)
    stages.update("encoding", 2, 2)
    stages.close()
    assert capsys.readouterr().err == "\r\x1b[2Kencoding  50%\r\x1b[2Kencoding 100%\r\x1b[2K"
