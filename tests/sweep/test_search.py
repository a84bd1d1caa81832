from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import optuna
import pytest
from conftest import Cli
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend

from vae_tui.errors import RecipeError, VaeTuiError
from vae_tui.runs.layout import Run
from vae_tui.runs.lock import lock_holder
from vae_tui.sweep.folder import Sweep
from vae_tui.sweep.plan import read_plan
from vae_tui.sweep.search import Search
from vae_tui.sweep.study import JOURNAL, Study

SPACE = "[space]\noptimizer.lr = { low = 1e-4, high = 0.1, log = true }\n"


def write(folder: Path, text: str) -> Path:
    path = folder / "mine.toml"
    path.write_text(text)
    return path


def test_a_search_is_trials_of_ranges_and_choices(tmp_path: Path) -> None:
    plan = read_plan(
        write(
            tmp_path,
            f'recipe = "digits"\n[search]\ntrials = 7\n{SPACE}model.hidden = [[16], [32, 16]]\nbeta = {{ low = 1, high = 4 }}\n',
        )
    )
    assert plan.search is not None
    assert (plan.run_count, plan.keys) == (7, ("optimizer.lr", "model.hidden", "objective.beta"))
    assert plan.search.space["model.hidden"] == {"choices": [[16], [32, 16]]}
    assert {"optimizer.lr": 1e-4, "model.hidden": [32, 16], "objective.beta": 1} in plan.search.corners()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[search]\n" + SPACE, "[search] trials: how many runs"),
        ("[search]\ntrials = 0\n" + SPACE, "[search] trials: expected an integer, at least 1"),
        ("[search]\ntrials = 3\n", "[space]: expected what is searched"),
        ('[search]\ntrials = 3\nsampler = "tpee"\n' + SPACE, "[search] sampler: expected one of tpe, random, cmaes"),
        ("[search]\ntrials = 3\ntrails = 3\n" + SPACE, "did you mean trials?"),
        ("[search]\ntrials = 3\n[space]\noptimizer.lr = { low = 0, high = 1, log = true }\n", "both above 0"),
        ("[search]\ntrials = 3\n[space]\noptimizer.lr = { low = 2, high = 1 }\n", "expected low < high"),
        ("[search]\ntrials = 3\n[space]\noptimizer.lr = 3\n", "expected { low = ..."),
        ("[search]\ntrials = 3\n[grid]\ntrain.seed = [1]\n" + SPACE, "do not go with [search]"),
        ("[search]\ntrials = 3\n[set]\noptimizer.lr = 1e-3\n" + SPACE, "set for all runs, and searched too"),
    ],
)
def test_what_is_wrong_with_a_search_is_said(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(RecipeError) as raised:
        read_plan(write(tmp_path, f'recipe = "digits"\n{text}'))
    assert message in str(raised.value)


def test_trials_are_values_within_the_space_and_workers_share_them(tmp_path: Path) -> None:
    space: dict[str, dict[str, Any]] = {
        "optimizer.lr": {"low": 1e-4, "high": 1e-1, "log": True},
        "model.latent_dim": {"low": 2, "high": 9, "log": False},
        "model.hidden": {"choices": [[16], [32]]},
    }
    search = Search(4, space, sampler="random")
    first, second = (Study(tmp_path, "mine", search) for _ in range(2))
    asked = [first.ask(), second.ask(), first.ask()]
    assert [number for number, _ in asked] == [0, 1, 2]
    for _, values in asked:
        assert 1e-4 <= values["optimizer.lr"] <= 0.1
        assert values["model.latent_dim"] in range(2, 10)
        assert values["model.hidden"] in ([16], [32])
    second.tell(0, 3.0)
    first.tell(0, 4.0)  # told already
    first.tell(1, None)
    first.tell(2, 5.0, pruned=True)
    storage = JournalStorage(JournalFileBackend(str(tmp_path / JOURNAL)))
    study = optuna.load_study(study_name="mine", storage=storage)
    assert [trial.state.name for trial in study.trials] == ["COMPLETE", "FAIL", "PRUNED"]
    assert study.best_value == 3.0


def test_a_trial_that_lags_behind_is_to_be_stopped(tmp_path: Path) -> None:
    study = Study(tmp_path, "mine", Search(9, {"optimizer.lr": {"low": 1e-4, "high": 1e-1, "log": True}}))
    for _ in range(5):
        number, _values = study.ask()
        assert not any(study.report(number, epoch, 100.0 - epoch) for epoch in (1, 2, 3))
        study.tell(number, 97.0)
    number, _values = study.ask()
    assert not study.report(number, 1, 500.0)
    assert study.report(number, 2, 500.0)


def test_a_worker_that_was_killed_while_it_wrote_to_the_journal_is_in_nobodys_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    folder, search = Path(), Search(9, {"optimizer.lr": {"low": 1e-4, "high": 1e-1, "log": True}})
    study = Study(folder, "mine", search)
    study.ask()
    holds_it = (
        "import fcntl, sys, time; lock = open('study.lock', 'a+'); fcntl.lockf(lock, fcntl.LOCK_EX); "
        "open('study.journal', 'ab').write(b'{\"op_co'); print('held', flush=True); time.sleep(600)"
    )
    with subprocess.Popen([sys.executable, "-c", holds_it], stdout=subprocess.PIPE) as killed:
        assert killed.stdout is not None
        assert killed.stdout.readline() == b"held\n"
        killed.kill()
    Path(f"{JOURNAL}.lock").symlink_to(JOURNAL)  # as Optuna's own lock leaves one
    assert Study(folder, "mine", search).ask()[0] == 1
    assert Study(folder, "mine", search).ask()[0] == 2


def test_a_damaged_journal_is_named(tmp_path: Path) -> None:
    (tmp_path / JOURNAL).write_text("no journal\nat all\n")
    with pytest.raises(VaeTuiError, match=r"study\.journal is damaged"):
        Study(tmp_path, "mine", Search(1, {"optimizer.lr": {"low": 1e-4, "high": 1e-1, "log": True}}))


@pytest.mark.slow
def test_a_search_that_is_killed_goes_on_and_comes_to_its_trials(cli: Cli, recipe: Path, tmp_path: Path) -> None:
    path = write(
        tmp_path,
        f'recipe = "{recipe.name}"\n[set]\ntrain.epochs = 700\n[search]\ntrials = 4\nsampler = "random"\npruner = "none"\n{SPACE}',
    )
    command = [sys.executable, "-m", "vae_tui", "sweep", str(path), "--jobs", "1"]
    worker = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while not (found := list((tmp_path / "checkpoints").glob("mine-*/step-*.safetensors"))):
        time.sleep(0.05)
    worker.send_signal(signal.SIGKILL)
    worker.wait()
    if (pid := lock_holder(found[0].parent)) is not None:
        os.kill(pid, signal.SIGKILL)
    done = cli("sweep", path)
    assert done.returncode == 0
    assert f"goes on        {found[0].parent.name}" in done.stderr
    assert "importance: optimizer.lr 1.00" in done.stderr
    jobs = Sweep(tmp_path / "checkpoints" / "sweeps" / "mine").read().jobs
    assert [job.trial for job in jobs] == [0, 1, 2, 3]
    assert all(Run(tmp_path / "checkpoints" / job.run).latest() for job in jobs)
    values = [run["figures"]["nelbo"] for run in json.loads(cli("sweep", "mine", "--json").stdout)["runs"]]
    storage = JournalStorage(JournalFileBackend(str(tmp_path / "checkpoints" / "sweeps" / "mine" / JOURNAL)))
    study = optuna.load_study(study_name="mine", storage=storage)
    assert study.best_value == pytest.approx(min(values))
    assert all(40 <= len(trial.intermediate_values) <= 50 for trial in study.trials)  # of 700 epochs
    shown = [float(line.split()[1]) for line in done.stdout.splitlines()[1:]]
    assert shown == sorted(shown)
    assert cli("sweep", "mine", "--out", "search.svg").returncode == 0
    assert f"best: {min(values):.2f}" in (tmp_path / "search.svg").read_text()


def test_a_search_without_optuna_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(Exception, match=r"pip install 'vae-tui\[search\]'"):
        Study(tmp_path, "mine", Search(1, {"optimizer.lr": {"low": 1e-4, "high": 1e-1, "log": True}}))
