"""Threads that are kept for the next call: to start them anew takes as long as evaluating a hundred formulas."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache

__all__ = ["portions", "run"]


def run(work: Callable[[], None], threads: int) -> None:
    """Call `work` in this thread and in others at the same time, and wait for all.

    `work` takes what there is to do piece by piece, so that it does not matter which of the threads comes to any.
    """
    others = [_pool(threads - 1).submit(work) for _ in range(threads - 1)]
    try:
        work()
    finally:
        # What has not begun by now would find nothing to do.
        for other in others:
            if not other.cancel():
                other.result()


def portions(n: int, threads: int, least: int) -> list[tuple[int, int]]:
    """Ranges that cover 0 ... n and get smaller, each a share of what is left.

    They are for whoever is free, as one thread begins later than another.
    """
    if threads == 1:
        return [(0, n)]
    found, first = [], 0
    while first < n:
        last = min(n, first + max(least, -(-(n - first) // (2 * threads))))
        found.append((first, last))
        first = last
    return found


@cache
def _pool(threads: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(threads, thread_name_prefix="balmer")


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_pool.cache_clear)  # the threads stay behind in the parent
