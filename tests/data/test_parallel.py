import threading
import time
from collections.abc import Generator, Sequence
from contextlib import closing

import pytest

from vae_tui.data import parallel
from vae_tui.data.parallel import work_through


def test_results_come_in_the_order_of_their_items() -> None:
    def work(item: int) -> int:
        time.sleep(0.002 * (item % 3))
        return item * item

    assert list(work_through(work, range(200))) == [item * item for item in range(200)]
    assert list(work_through(work, [])) == []


@pytest.mark.parametrize("slow", [False, True], ids=["here", "in threads"])
def test_what_work_raises_is_raised_in_its_place(slow: bool) -> None:
    def work(item: int) -> int:
        if slow and item == 2:
            time.sleep(0.3)
        return 1 // item

    results = work_through(work, [2, 1, 0, 1])
    assert [next(results), next(results)] == [0, 1]
    with pytest.raises(ZeroDivisionError):
        next(results)


@pytest.mark.parametrize("seconds", [0.0001, 0.02], ids=["here", "in threads"])
def test_work_that_is_left_is_not_done(seconds: float) -> None:
    done: list[int] = []
    threads: set[int] = set()

    def work(item: int) -> None:
        time.sleep(seconds if item else 0.3)
        done.append(item)
        threads.add(threading.get_ident())

    some = 2 if seconds > 0.01 else 200
    with closing(work_through(work, range(100_000) if seconds > 0.01 else range(1, 100_000))) as results:
        for _ in range(some):
            next(results)
    assert len(done) <= some + 2 * parallel._WORKERS, "what was begun, and nothing that waited"
    assert (threads == {threading.get_ident()}) == (seconds < 0.01)


def test_much_that_takes_little_is_handed_to_processes_and_little_is_not() -> None:
    def work(item: int) -> int:
        time.sleep(0.0001)
        return item

    handed: list[int] = []

    def in_processes(items: Sequence[int]) -> Generator[int]:
        handed.extend(items)
        yield from items

    few, many = range(300), range(100_000)
    assert list(work_through(work, few, in_processes)) == list(few)
    assert handed == []
    assert list(work_through(work, many, in_processes)) == list(many)
    assert handed == list(many)[2 * parallel._BLOCK :]
