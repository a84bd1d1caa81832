import threading
import time
from contextlib import closing

import pytest

from vae_tui.data.parallel import work_through


def test_results_come_in_the_order_of_their_items() -> None:
    def work(item: int) -> int:
        time.sleep(0.002 * (item % 3))
        return item * item

    assert list(work_through(work, range(200))) == [item * item for item in range(200)]
    assert list(work_through(work, [])) == []


def test_what_a_worker_raises_is_raised_in_its_place() -> None:
    results = work_through(lambda item: 1 // item, [1, 1, 0, 1])
    assert [next(results), next(results)] == [1, 1]
    with pytest.raises(ZeroDivisionError):
        next(results)


def test_work_that_is_left_is_not_done() -> None:
    done: list[int] = []
    go_on = threading.Event()

    def work(item: int) -> None:
        go_on.wait(0.001 if item else 10)
        done.append(item)

    with closing(work_through(work, range(100_000))) as results:
        go_on.set()
        next(results)
    assert len(done) < 1000
