from __future__ import annotations

import pytest

from vae_tui import headless
from vae_tui.headless import StageTeller


def test_what_is_done_within_a_second_is_not_told(capsys: pytest.CaptureFixture[str]) -> None:
    teller = StageTeller()
    teller.tell("encoding", 1, 2)
    teller.close()
    assert capsys.readouterr().err == ""


def test_what_takes_longer_is_told_once_a_stage(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(headless, "_SECONDS_BETWEEN_LINES", 0.0)
    teller = StageTeller()
    for done in range(3):
        teller.tell("encoding", done, 2)
    teller.tell("t-SNE", 0, None)
    teller.close()
    assert capsys.readouterr().err == "encoding\nt-SNE\n"


def test_a_terminal_is_shown_how_far_it_is_in_one_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(headless, "_SECONDS_BETWEEN_LINES", 0.0)
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    teller = StageTeller()
    teller.tell("encoding", 1, 2)
    teller.tell("encoding", 2, 2)
    teller.close()
    assert capsys.readouterr().err == "\r\x1b[2Kencoding  50%\r\x1b[2Kencoding 100%\r\x1b[2K"
