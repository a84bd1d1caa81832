from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from vae_tui.errors import VaeTuiError
from vae_tui.sweep.claims import SECONDS_OF_SILENCE, Claims, this_worker


@pytest.fixture
def claims(tmp_path: Path) -> Claims:
    made = Claims(tmp_path)
    made.make_folders()
    return made


def hand_over(folder: Path, *, silent_for: float, **holder: object) -> None:
    """Make the first attempt at job 1 another worker's, which was last heard of so long ago."""
    path = folder / "claims" / "0001-01"
    path.write_text(json.dumps(asdict(replace(this_worker(), **holder))))  # type: ignore[arg-type]
    moment = time.time() - silent_for
    os.utime(path, (moment, moment))


def test_a_job_is_claimed_once_and_in_order(claims: Claims) -> None:
    assert [claims.claim((2, 1)), claims.claim((2, 1)), claims.claim((2, 1))] == [(2, 1), (1, 1), None]
    assert {job: standing.state for job, standing in claims.standings((1, 2, 3)).items()} == {
        1: "running",
        2: "running",
        3: "waiting",
    }


def test_of_many_workers_that_want_the_same_jobs_each_job_goes_to_one(tmp_path: Path) -> None:
    Claims(tmp_path).make_folders()

    def take_all(_: int) -> list[int]:
        mine, taken = Claims(tmp_path), []
        while claimed := mine.claim(range(40)):
            taken.append(claimed[0])
        return taken

    with ThreadPoolExecutor(8) as threads:
        taken = [job for of_one in threads.map(take_all, range(8)) for job in of_one]
    assert sorted(taken) == list(range(40))


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("completed", "completed"),
        ("failed", "failed"),
        ("stopped", "stopped"),
        ("released", "waiting"),
        ("died", "waiting"),
    ],
)
def test_how_an_attempt_ended_is_how_the_job_stands(claims: Claims, status: str, state: str) -> None:
    claims.claim([1])
    claims.end(1, 1, status, "for a reason")  # type: ignore[arg-type]
    assert claims.standings([1])[1].state == state
    assert claims.claim([1]) == ((1, 2) if state == "waiting" else None)


def test_why_a_job_failed_is_kept(claims: Claims) -> None:
    claims.claim([1])
    claims.end(1, 1, "failed", "the images are not there")
    assert claims.standings([1])[1].reason == "the images are not there"


def test_a_job_whose_trainer_is_killed_three_times_in_a_row_has_failed(claims: Claims) -> None:
    for attempt in (1, 2, 3):
        assert claims.claim([1]) == (1, attempt)
        claims.end(1, attempt, "died")
    assert claims.standings([1])[1].state == "failed"
    assert claims.claim([1]) is None


def test_what_failed_is_tried_again_when_it_is_asked_for(claims: Claims) -> None:
    claims.claim([1])
    claims.end(1, 1, "failed")
    claims.try_again(1)
    assert claims.claim([1]) == (1, 3)


def test_a_worker_of_this_machine_that_was_killed_holds_nothing(tmp_path: Path) -> None:
    code = (
        "import os, sys, pathlib; from vae_tui.sweep.claims import Claims\n"
        "claims = Claims(pathlib.Path(sys.argv[1])); claims.make_folders(); print(claims.claim([1]), flush=True)\n"
        "sys.stdin.read()"
    )
    worker = subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdin=-1, stdout=-1, text=True)
    assert worker.stdout is not None
    assert worker.stdout.readline() == "(1, 1)\n"
    mine = Claims(tmp_path)
    assert mine.claim([1]) is None
    worker.kill()
    assert mine.claim([1]) is None or worker.wait()  # a process that is not waited for yet is gone too
    worker.wait()
    assert mine.standings([1])[1].attempts in (1, 2)
    worker.communicate()


def test_a_worker_of_another_machine_holds_its_job_while_it_shows_itself(claims: Claims, tmp_path: Path) -> None:
    hand_over(tmp_path, silent_for=SECONDS_OF_SILENCE - 20, host="elsewhere")
    assert claims.claim([1]) is None
    hand_over(tmp_path, silent_for=SECONDS_OF_SILENCE + 1, host="elsewhere")
    assert claims.claim([1]) == (1, 2)


def test_the_process_number_of_another_machine_says_nothing_here(claims: Claims, tmp_path: Path) -> None:
    hand_over(tmp_path, silent_for=0, host="elsewhere", pid=2**22 + 1)
    assert claims.standings([1])[1].state == "running"


def test_a_process_that_has_the_number_of_one_that_is_gone_holds_nothing(claims: Claims, tmp_path: Path) -> None:
    hand_over(tmp_path, silent_for=0, began=1.0)
    assert claims.claim([1]) == (1, 2)


def test_a_claim_that_a_power_cut_left_empty_is_given_up_in_time(claims: Claims, tmp_path: Path) -> None:
    path = tmp_path / "claims" / "0001-01"
    path.write_bytes(b"")
    assert claims.claim([1]) is None
    os.utime(path, (1, 1))
    assert claims.claim([1]) == (1, 2)


def test_a_worker_sees_that_its_job_was_taken_over(claims: Claims, tmp_path: Path) -> None:
    claims.claim([1])
    assert claims.beat(1, 1)
    (tmp_path / "claims" / "0001-02").touch()
    assert not claims.beat(1, 1)


def test_a_beat_is_seen_by_others(claims: Claims, tmp_path: Path) -> None:
    claims.claim([1])
    path = tmp_path / "claims" / "0001-01"
    os.utime(path, (1, 1))
    claims.beat(1, 1)
    assert time.time() - path.stat().st_mtime < 60


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "claims").write_text("no folder")
    with pytest.raises(VaeTuiError, match="claims cannot be"):
        Claims(tmp_path).claim([1])
