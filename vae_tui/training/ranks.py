"""The processes that train one run together, each on a device of its own: who they are and what they exchange.

All run the same course side by side; rank 0 alone holds the run, and broadcasts what its user wants. Plans and states,
which must not wait for a GPU, go over gloo, gradients over the fastest there is.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal, NamedTuple, Protocol, get_args

import torch
from torch import Tensor, nn

import vae_tui
from vae_tui.data import Progress
from vae_tui.data.progress import paced
from vae_tui.device import choose_device, choose_devices
from vae_tui.errors import DeviceError, RunError
from vae_tui.recipe import Change

Halt = Literal["none", "now", "after validation"]
_HALTS: tuple[Halt, ...] = get_args(Halt)
_A_PAUSE = timedelta(days=3650)
"""How long a rank waits for rank 0 at a meeting: a paused run meets as it goes on."""
_TO_GATHER = timedelta(minutes=30)
"""How long the ranks wait for each other at the start."""
_SECONDS_TO_LEAVE = 10.0
_LOOPBACK = "127.0.0.1"
_POLL_SECONDS = 0.05

Batch = dict[str, Tensor]
"""What a step takes, by name."""
Forward = Callable[[Batch], tuple[Tensor, Tensor]]


class Plan(NamedTuple):
    """What the ranks agree on at a meeting: whether the run ends, after which step they meet again, and what changes."""

    halt: Halt
    meet_at: int
    changes: tuple[Change, ...] = ()


class Ranks(Protocol):
    """One process among `count`, `count_here` of them on its machine; `index` is its place, 0 the one that leads."""

    index: int
    count: int
    count_here: int

    def agree_on(self, plan: Plan) -> Plan:
        """Rank 0's plan, on each of them; raises RunError where rank 0 is gone."""

    def share(self, images: int) -> slice:
        """Which of that many images are this rank's."""

    def sum(self, tensor: Tensor) -> None:
        """Add up what all ranks have, in place, on each of them.

        Raises RunError where another rank is gone.
        """

    def average_gradients(self, forward: Forward, vae: nn.Module, *, all_take_part: bool) -> Forward:
        """A forward pass, through `vae`, after whose backward pass all ranks have the mean of all gradients."""

    def backward(self, loss: Tensor) -> None:
        """Go back from the loss of `average_gradients`' forward pass; raises RunError where another rank is gone."""

    def leave(self, *, failed: bool = False) -> None:
        """Part at the end of the course, or before it where something `failed`."""


class Alone:
    """A single process: there is nobody to agree with and nothing to add up."""

    index, count, count_here = 0, 1, 1

    def agree_on(self, plan: Plan) -> Plan:
        """The plan as it is."""
        return plan

    def share(self, images: int) -> slice:
        """All of them."""
        return slice(0, images)

    def sum(self, tensor: Tensor) -> None:
        """Nothing is added."""

    def average_gradients(self, forward: Forward, vae: nn.Module, *, all_take_part: bool) -> Forward:
        """The forward pass as it is."""
        return forward

    def backward(self, loss: Tensor) -> None:
        """Go back from the loss."""
        torch.autograd.backward(loss)

    def leave(self, *, failed: bool = False) -> None:
        """Nobody waits."""


class Together:
    """One of several processes, joined by torch.distributed."""

    def __init__(
        self,
        device: torch.device,
        *,
        index: int,
        count: int,
        count_here: int,
        store: Any | None = None,
        started: Sequence[subprocess.Popen[bytes]] = (),
    ) -> None:
        """Meet the others, `count_here` of them on this machine, at `store` or where torchrun's environment says.

        `started` are those that this process started. Raises RunError where they do not come.
        """
        import torch.distributed as dist  # noqa: PLC0415 - one process alone has no use for it

        self.index, self.count, self.count_here = index, count, count_here
        self._started = started
        self._dist = dist
        backend = "nccl" if device.type == "cuda" else "gloo"
        if device.type == "cuda":
            torch.cuda.set_device(device)
        try:
            dist.init_process_group(backend, store=store, rank=index, world_size=count, timeout=_TO_GATHER)
            self._control: Any = dist.new_group(backend="gloo", timeout=_A_PAUSE)
        except (RuntimeError, ValueError) as error:
            raise RunError(f"the {count} processes of this run did not find each other: {error}") from error

    def agree_on(self, plan: Plan) -> Plan:
        """Rank 0's plan, on each of them; raises RunError where rank 0 is gone."""
        agreed = torch.tensor([_HALTS.index(plan.halt), plan.meet_at, len(plan.changes)])
        self._broadcast(agreed)
        halt, meet_at, count = agreed.tolist()
        changes = plan.changes
        if count and self.index == 0:
            self.broadcast(json.dumps([change.model_dump() for change in changes]).encode())
        elif count:
            changes = tuple(Change(**given) for given in json.loads(self.receive()))
        return Plan(_HALTS[halt], meet_at, changes)

    def share(self, images: int) -> slice:
        """Which of that many images are this rank's."""
        return slice(self.index * images // self.count, (self.index + 1) * images // self.count)

    def sum(self, tensor: Tensor) -> None:
        """Add up what all ranks have, in place, on each of them."""
        with self._errors_of_partners():
            self._dist.all_reduce(tensor)

    def average_gradients(self, forward: Forward, vae: nn.Module, *, all_take_part: bool) -> Forward:
        """A forward pass, through `vae`, after whose backward pass all ranks have the mean of all gradients."""
        whole: Forward = nn.parallel.DistributedDataParallel(
            _Pass(forward, vae), find_unused_parameters=not all_take_part
        )
        return whole

    def backward(self, loss: Tensor) -> None:
        """Go back from the loss of `average_gradients`' forward pass; raises RunError where another rank is gone."""
        with self._errors_of_partners():
            torch.autograd.backward(loss)

    def broadcast(self, content: bytes) -> None:
        """Give the others what `receive` returns there."""
        self._broadcast(torch.tensor(len(content)))
        self._broadcast(torch.frombuffer(bytearray(content), dtype=torch.uint8))

    def receive(self) -> bytes:
        """What rank 0 broadcasts; waits for it."""
        size = torch.tensor(0)
        self._broadcast(size)
        content = torch.empty(int(size), dtype=torch.uint8)
        self._broadcast(content)
        return content.numpy().tobytes()

    def agree(self, problem: str = "") -> None:
        """Wait until all are here; raises RunError on each of them where one has a problem."""
        problems = torch.zeros(self.count, 512, dtype=torch.uint8)
        text = problem.encode()[:512]
        problems[self.index, : len(text)] = torch.tensor(list(text), dtype=torch.uint8)
        with self._errors_of_partners():
            self._dist.all_reduce(problems, group=self._control)
        for index, row in enumerate(problems.tolist()):
            if found := bytes(row).rstrip(b"\0").decode(errors="replace"):
                raise RunError(f"rank {index} of {self.count}: {found}")

    def leave(self, *, failed: bool = False) -> None:
        """Part at the end of the course; where something `failed` before it, end the processes that this one started."""
        self._dist.destroy_process_group()
        for process in self._started:
            if failed:
                process.kill()
            try:
                process.wait(_SECONDS_TO_LEAVE)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    @contextlib.contextmanager
    def _errors_of_partners(self) -> Iterator[None]:
        """Turn torch's errors for a connection that broke into ours."""
        try:
            yield
        except RuntimeError as error:
            if not (isinstance(error, self._dist.DistError) or "gloo" in str(error)):
                raise
            raise RunError(
                f"{self._missing()}; go on from the last checkpoint with --resume"
                if self.index == 0
                else "rank 0 is gone"
            ) from error

    def _missing(self) -> str:
        """Who broke the connection, as far as rank 0 knows."""
        for index, process in enumerate(self._started, 1):
            with contextlib.suppress(subprocess.TimeoutExpired):
                status = process.wait(_POLL_SECONDS)
                how = f"was killed by signal {-status}" if status < 0 else f"ended with exit status {status}"
                return f"rank {index} of {self.count} {how}"
        return f"another of the {self.count} processes of this run is gone"

    def _broadcast(self, tensor: Tensor) -> None:
        with self._errors_of_partners():
            self._dist.broadcast(tensor, 0, group=self._control)


class _Pass(nn.Module):
    """A forward pass with the parameters it goes through."""

    def __init__(self, forward: Forward, vae: nn.Module) -> None:
        super().__init__()
        self._pass, self.vae = forward, vae

    def forward(self, batch: Batch) -> tuple[Tensor, Tensor]:
        return self._pass(batch)


def gather(wanted: str, devices: int, progress: Progress) -> tuple[torch.device, Ranks]:
    """The device of this process and the ranks it leads: torchrun's, `devices` that it starts itself, or it alone.

    `wanted` is a device as --device takes it. Raises DeviceError where there are not as many, RunError where they do
    not come.
    """
    if started_by_torchrun():
        if devices > 1:
            raise DeviceError(
                "--devices: torchrun has started the processes of this run already; leave one of the two out"
            )
        progress("waiting for the other ranks", 0, None)
        return join_torchrun(wanted)
    if devices == 1:
        return choose_device(wanted), Alone()
    names = choose_devices(wanted, devices)
    import torch.distributed as dist  # noqa: PLC0415 - one process alone has no use for it

    _stay_on_loopback()
    # A store that is given an address alone listens on every interface, whatever the address.
    listening = socket.create_server((_LOOPBACK, 0))
    port = listening.getsockname()[1]
    store = dist.TCPStore(  # type: ignore[attr-defined]
        _LOOPBACK,
        port,
        is_master=True,
        wait_for_workers=False,
        timeout=_TO_GATHER,
        master_listen_fd=listening.detach(),
    )
    command = [sys.executable, "-m", "vae_tui.training.follower", str(os.getpid()), str(port)]
    started = [
        subprocess.Popen(
            [*command, str(index), str(devices), names[index]],
            stdin=subprocess.DEVNULL,
            cwd=Path(vae_tui.__file__).parent.parent,  # where this package is found, installed or not
        )
        for index in range(1, devices)
    ]
    try:
        _wait_for(started, store, progress)
    except BaseException:
        for process in started:
            process.kill()
        for process in started:
            process.wait()
        raise
    device = torch.device(names[0])
    return device, Together(device, index=0, count=devices, count_here=devices, store=store, started=started)


def _stay_on_loopback() -> None:
    """Have gloo and NCCL, which meet nobody but processes of this machine, listen nowhere else."""
    for variable in ("GLOO_SOCKET_IFNAME", "NCCL_SOCKET_IFNAME"):
        os.environ[variable] = "lo0" if sys.platform == "darwin" else "lo"


def _wait_for(started: Sequence[subprocess.Popen[bytes]], store: Any, progress: Progress) -> None:
    """Until the ranks that this process started have come to `store`; raises RunError where one ends before."""
    progress, come = paced(progress, interval_seconds=1.0), 0
    while come < len(started):
        progress("starting the other ranks", come, len(started))
        time.sleep(_POLL_SECONDS)
        for index, process in enumerate(started, 1):
            if process.poll() is not None:
                raise RunError(f"rank {index} of {len(started) + 1} ended as it was started; worker.log says why")
        come = sum(store.check([_come(index)]) for index in range(1, len(started) + 1))
    progress("starting the other ranks", come, come)


def _come(index: int) -> str:
    return f"rank {index} has come"


def join_started(port: int, index: int, count: int, device: torch.device) -> Together:
    """Join the ranks that rank 0 started on this machine; raises RunError where it is gone."""
    import torch.distributed as dist  # noqa: PLC0415 - one process alone has no use for it

    _stay_on_loopback()
    try:
        store = dist.TCPStore(  # type: ignore[attr-defined]
            _LOOPBACK, port, is_master=False, timeout=_TO_GATHER
        )
        store.set(_come(index), "")
    except RuntimeError as error:
        raise RunError("rank 0 is gone") from error
    return Together(device, index=index, count=count, count_here=count, store=store)


def started_by_torchrun() -> bool:
    """Whether the environment names a rank among several."""
    return int(os.environ.get("WORLD_SIZE", "1")) > 1 and "RANK" in os.environ


def join_torchrun(wanted: str) -> tuple[torch.device, Together]:
    """The device and the ranks of a process that torchrun started; raises DeviceError and RunError as `gather` does."""
    local, here = int(os.environ.get("LOCAL_RANK", "0")), int(os.environ.get("LOCAL_WORLD_SIZE", "1"))
    device = torch.device(choose_devices(wanted, here)[local])
    index, count = int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"])
    return device, Together(device, index=index, count=count, count_here=here)
