"""Searches one after the other, or several at once in processes of their own, each with its judge."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from multiprocessing import get_context
from threading import Event
from typing import Any

from judge import Judge

__all__ = ["Row", "runs"]

Row = dict[str, Any]
Attempt = Callable[[Any, argparse.Namespace, int, Judge], Row | None]
"""Of a task, the options and the number of threads: a row of the table; None where the search was interrupted."""
Warm = Callable[[argparse.Namespace, int], None]

_INTERRUPTED = Event()  # of one process of the pool


def runs(tasks: Sequence[Any], attempt: Attempt, warm: Warm, options: argparse.Namespace) -> Iterator[Row]:
    """One row per task, as they come; `options` has jobs, threads and sympy_time.

    Parameters
    ----------
    attempt, warm : functions of a module, so that a process can be told of them; `warm` runs before any clock does.

    Raises
    ------
    KeyboardInterrupt
        After Ctrl-C, also where the search caught it; an interrupted search counts for nothing.
    """
    threads = options.threads or max(1, (os.cpu_count() or 1) // options.jobs)
    if options.jobs == 1:
        warm(options, threads)
        with Judge(options.sympy_time) as judge:
            for task in tasks:
                row = attempt(task, options, threads, judge)
                if row is None:
                    raise KeyboardInterrupt
                yield row
        return
    pool = ProcessPoolExecutor(
        options.jobs, mp_context=get_context("spawn"), initializer=warm, initargs=(options, threads)
    )
    futures: list[Future[Row | None]] = []
    try:
        futures = [pool.submit(_alone, attempt, task, options, threads) for task in tasks]
        for future in as_completed(futures):
            row = future.result()
            if row is None:
                raise KeyboardInterrupt
            yield row
    except BrokenProcessPool:
        sys.exit("a process of the pool has died: is there memory for so many --jobs?")
    finally:
        pool.shutdown(cancel_futures=True)


def _alone(attempt: Attempt, task: Any, options: argparse.Namespace, threads: int) -> Row | None:
    """In a process of the pool, which Ctrl-C reaches too, and which may hold one task more in its queue."""
    row = None
    if not _INTERRUPTED.is_set():
        with suppress(KeyboardInterrupt), Judge(options.sympy_time) as judge:
            row = attempt(task, options, threads, judge)
    if row is None:
        _INTERRUPTED.set()
    return row
