"""Work side by side: results in order, never far ahead, the first error stops what has not begun."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from napari_relict.errors import UsageError
from napari_relict.jobs import executors
from napari_relict.jobs.executors import Workforce, workforce


@pytest.fixture
def crew() -> Iterator[Workforce]:
    with ThreadPoolExecutor(2) as pool:
        yield Workforce(pool, 2)


def test_results_come_in_the_order_of_the_items(crew: Workforce) -> None:
    def slow_at_first(item: int) -> int:
        time.sleep(0.01 * max(0, 5 - item))
        return item * item

    assert list(crew.in_order(slow_at_first, range(20))) == [item * item for item in range(20)]
    assert list(crew.in_order(slow_at_first, [])) == []
    assert list(crew.in_order(slow_at_first, [3])) == [9]


def test_no_more_than_twice_the_crew_ahead(crew: Workforce) -> None:
    asked: list[int] = []

    def items() -> Iterator[int]:
        for item in range(30):
            asked.append(item)
            yield item

    for taken, result in enumerate(crew.in_order(lambda item: item, items())):
        assert result == taken
        assert len(asked) <= taken + 2 * crew.count


def test_the_first_error_is_raised_in_its_place_and_the_rest_is_dropped(crew: Workforce) -> None:
    begun: list[int] = []
    hold = threading.Event()

    def work(item: int) -> int:
        begun.append(item)
        if item in (2, 3):
            raise ValueError(f"item {item}")
        if item > 3:
            hold.wait(5)
        return item

    results = crew.in_order(work, range(1000))
    assert [next(results), next(results)] == [0, 1]
    with pytest.raises(ValueError, match="item 2"):
        next(results)
    hold.set()
    assert len(begun) <= 2 + 2 * crew.count
    with pytest.raises(StopIteration):
        next(results)


def test_an_error_of_the_items_themselves_comes_out(crew: Workforce) -> None:
    def items() -> Iterator[int]:
        yield 1
        raise KeyError("no more")

    with pytest.raises(KeyError, match="no more"):
        list(crew.in_order(lambda item: item, items()))


def test_stopping_early_drops_what_has_not_begun() -> None:
    with ThreadPoolExecutor(1) as pool:
        crew = Workforce(pool, 3)
        begun: list[int] = []
        hold = threading.Event()

        def work(item: int) -> int:
            begun.append(item)
            if item:
                hold.wait(5)
            return item

        results = crew.in_order(work, range(100))
        assert next(results) == 0
        results.close()  # type: ignore[attr-defined]
        hold.set()
    assert len(begun) <= 2


def test_without_a_scheduler_it_is_this_machine_s_threads() -> None:
    with workforce() as crew:
        assert crew.count == executors.workers() >= 1
        assert not crew.remote
        assert set(crew.in_order(lambda _: threading.get_ident(), range(5))).isdisjoint({threading.get_ident()})


def test_a_scheduler_that_is_not_there_is_said_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("distributed")
    monkeypatch.setattr(executors, "CONNECT_SECONDS", 1)
    for address in ("nonsense:1", "tcp://127.0.0.1:1", "no address at all"):
        begun = time.monotonic()
        with pytest.raises(UsageError, match="no Dask scheduler answers"), workforce(address):
            pytest.fail("there is nobody")
        assert time.monotonic() - begun < 15


def test_without_the_package_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "distributed", None)
    with pytest.raises(UsageError, match="napari-relict\\[cluster\\]"), workforce("tcp://127.0.0.1:1"):
        pytest.fail("there is no package")
