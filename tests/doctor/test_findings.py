"""What is said of terminals, machines and disks, and what to do about them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from vae_tui.doctor.disk import examine_disk
from vae_tui.doctor.findings import Finding
from vae_tui.doctor.machine import examine_machine, judge_data, judge_device, judge_threads, probe_environment
from vae_tui.doctor.report import print_table
from vae_tui.doctor.terminal import judge
from vae_tui.imaging.replies import Answers
from vae_tui.imaging.tmux import Attached, Tmux

MACHINE: dict[str, Any] = {
    "torch": "2.15.0",
    "built_for_cuda": "13.2",
    "device": "cpu",
    "gpus": [],
    "nvidia_driver": False,
    "mps": False,
    "multiplies_bfloat16": False,
    "threads": 4,
    "waiting": "",
    "cores": 4,
    "physical_cores": 2,
    "processor": "AVX2",
    "busy_cores": 0.3,
    "variables": {},
    "memory_bytes": 16 * 2**30,
    "available_bytes": 8 * 2**30,
    "data_root": "/data",
    "sets": {"digits": True, "mnist": False, "binarized-mnist": True},
}
GPU = {"name": "H200", "memory_bytes": 140 * 2**30, "free_bytes": 139 * 2**30}
ANSWERED = Answers(complete=True, seconds=0.002)


def examine_terminal(
    environment: dict[str, str],
    answers: Answers = ANSWERED,
    window: tuple[int, int, int, int] = (40, 120, 0, 0),
    encoding: str = "UTF-8",
) -> dict[str, Finding]:
    return {
        found.subject: found for found in judge({"TERM": "xterm-256color"} | environment, answers, window, encoding)
    }


def test_a_terminal_that_lacks_nothing_needs_nothing() -> None:
    answers = Answers(complete=True, name="kitty(0.26.5)", kitty=True, truecolor=True, cell=(20, 10), seconds=0.002)
    said = examine_terminal({}, answers)
    assert [finding.state for finding in said.values()] == ["good"] * 5
    assert [finding.advice for finding in said.values()] == [""] * 5
    assert said["terminal"].found == "kitty(0.26.5), 120 x 40 cells"
    assert said["pictures"].found == "kitty graphics; also sextants, quadrants, half blocks, characters"
    assert said["cell size"].found == "10 x 20 pixels"


@pytest.mark.parametrize(
    ("environment", "subject", "advice"),
    [
        ({"TERM": "xterm"}, "colours", "COLORTERM=truecolor"),
        ({"TERM": "tmux-256color"}, "colours", "terminal-features ',*:RGB'"),
        ({"TERM": "tmux-256color"}, "pictures", "tmux 3.4"),
        ({"TERM": "screen"}, "pictures", "tmux"),
        ({"TERM": "tmux-256color"}, "copying", "set-clipboard on"),
        ({"TERM": "screen"}, "copying", "screen drops it"),
        ({"NO_COLOR": "1"}, "colours", "unset NO_COLOR"),
        ({"NO_COLOR": "1"}, "pictures", "unset NO_COLOR"),
        ({"TERM": "vt100"}, "pictures", "set TERM"),
        ({}, "pictures", "WezTerm"),
    ],
)
def test_what_could_be_better_comes_with_what_to_do(environment: dict[str, str], subject: str, advice: str) -> None:
    assert advice in examine_terminal(environment)[subject].advice


def test_inside_tmux_the_line_of_its_configuration_that_is_missing_is_named() -> None:
    kitty = Attached("kitty(0.41.1)", frozenset())
    for passes in (False, True):
        tmux = Tmux((kitty,), passes, "11")
        found = judge({"TERM": "tmux-256color", "TMUX": "x"}, ANSWERED, (40, 120, 0, 0), "UTF-8", tmux)[1]
        assert ("set -g allow-passthrough on" in found.advice) == (not passes)
        assert found.found.startswith("kitty graphics") == passes
        assert "kitty(0.41.1) draws them" in found.why


def test_a_small_window_and_a_locale_without_unicode_are_told() -> None:
    small = examine_terminal({}, window=(20, 60, 0, 0))["terminal"]
    assert (small.state, "80 x 24" in small.advice) == ("fair", True)
    foreign = examine_terminal({}, encoding="ISO-8859-1")["terminal"]
    assert (foreign.state, "LC_ALL" in foreign.advice) == ("fair", True)


def test_sixels_of_unknown_size_are_told() -> None:
    said = examine_terminal({}, Answers(complete=True, attributes=(62, 4)))["cell size"]
    assert (said.found, said.state) == ("not known", "fair")


@pytest.mark.parametrize(
    ("facts", "found", "advice"),
    [
        ({"gpus": [GPU]}, "cuda:0 H200, 139.0 of 140.0 GiB free", ""),
        ({}, "cpu (AVX2)", ""),
        ({"nvidia_driver": True, "built_for_cuda": None}, "cpu (AVX2)", "built for CUDA"),
        ({"nvidia_driver": True}, "cpu (AVX2)", "CUDA_VISIBLE_DEVICES"),
        ({"mps": True}, "cpu (AVX2)", "--device mps"),
        ({"multiplies_bfloat16": True}, "cpu (AVX2)", "train.precision=bf16"),
    ],
)
def test_the_device_and_why_it_is_not_a_better_one(facts: dict[str, Any], found: str, advice: str) -> None:
    said = judge_device(MACHINE | facts)
    assert found in said.found
    assert advice in said.advice
    assert bool(said.advice) == bool(advice)


def test_threads_that_are_held_down_or_crowded_out() -> None:
    assert judge_threads(MACHINE).advice == ""
    held = judge_threads(MACHINE | {"threads": 1, "variables": {"OMP_NUM_THREADS": "1"}})
    assert "OMP_NUM_THREADS=1 is set" in held.why
    assert "train.threads=4" in held.advice
    assert "makes way for them" in judge_threads(MACHINE | {"busy_cores": 3.8}).advice
    assert judge_threads(MACHINE | {"waiting": "4 threads spin"}).why.endswith("; 4 threads spin")


def test_sets_that_are_there_and_those_that_are_not() -> None:
    said = judge_data(MACHINE)
    assert said.found == "digits, binarized-mnist"
    assert said.advice.startswith("mnist: ")
    assert judge_data(MACHINE | {"sets": {"digits": True}}).advice == ""


def test_a_home_that_takes_nothing_is_told_with_what_keeps_caches(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("XDG_CACHE_HOME")
    (tmp_path / "home").touch()  # where even root can make no folder
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    said = judge_data(MACHINE | {"sets": {"digits": True}})
    assert said.why.endswith(
        f"the home {tmp_path / 'home'} cannot be written, so that what is downloaded or decoded goes to a temporary folder"
    )
    assert said.advice == "export XDG_CACHE_HOME=FOLDER to keep it"


def test_a_cache_of_ones_own_needs_no_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "home").touch()
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert judge_data(MACHINE | {"sets": {"digits": True}}).advice == ""


@pytest.mark.slow
@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_closed_streams_cost_what_is_written_to_them_and_no_more(tmp_path: Path, closed: str) -> None:
    done = subprocess.run(
        ["/bin/sh", "-c", f"exec {sys.executable} -m vae_tui doctor --runs-dir {tmp_path} {closed}"],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0
    assert "Traceback" not in done.stderr
    assert ("none to ask" in done.stdout) == (">&-" not in closed.replace("2>&-", ""))


@pytest.mark.slow
def test_a_machine_is_probed_for_real(tmp_path: Path) -> None:
    raw = tmp_path / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for name in ("train-images-idx3", "train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1"):
        (raw / f"{name}-ubyte.gz").touch()
    with probe_environment(tmp_path) as looking:
        device, threads, data = examine_machine(looking)
    assert device.facts["torch"] in device.why
    assert threads.found == str(threads.facts["threads"])
    assert data.found == "digits, sprites, mnist"


def test_a_torch_that_does_not_start_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "torch.py").write_text("raise ImportError('libtorch.so: not there')")
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}:{Path(sys.modules['vae_tui'].__path__[0]).parent}")
    with probe_environment(None) as looking:
        (said,) = examine_machine(looking)
    assert said.state == "bad"
    assert "libtorch.so: not there" in said.why


@pytest.mark.slow
def test_what_others_print_as_python_starts_is_not_the_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "sitecustomize.py").write_text("import sys; print('hello'); print('x' * 200_000, file=sys.stderr)")
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}:{Path(sys.modules['vae_tui'].__path__[0]).parent}")
    with probe_environment(None) as looking:
        assert examine_machine(looking)[0].state != "bad"


def test_a_disk_that_can_be_used_keeps_nothing_of_the_trial(tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    (said,) = examine_disk(runs / "deeper")
    assert said.state in ("good", "fair")
    assert "will be made" in said.why
    assert said.facts["locks"]
    assert list(tmp_path.iterdir()) == []
    run = runs / "one"
    run.mkdir(parents=True)
    (run / "recipe.toml").write_bytes(bytes(3 * 2**20))
    assert "1 run takes 3.0 MiB" in examine_disk(runs)[0].found


@pytest.mark.parametrize("place", ["file", "file/below"])
def test_a_file_where_runs_should_go_is_told(tmp_path: Path, place: str) -> None:
    (tmp_path / "file").touch()
    (said,) = examine_disk(tmp_path / place)
    assert said.state == "bad"
    assert "--runs-dir" in said.advice


def test_a_disk_that_cannot_be_written_is_told() -> None:
    (said,) = examine_disk(Path("/proc/runs"))
    assert said.state == "bad"
    assert "cannot be written" in said.found


def test_the_table_fits_its_width_and_says_all(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    print_table([Finding("disk", "fair", "little", "because " * 20, "do something " * 10)])
    said = capsys.readouterr().out
    assert said.startswith("! disk little")
    assert max(map(len, said.splitlines())) <= 60
    assert said.count("because") == 20
    assert said.count("something") == 10
