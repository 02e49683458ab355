"""How Balmer compiles: numba without the GIL, cached on disk, NaN and infinity kept visible."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import numba

__all__ = ["jit", "loops_jit"]

F = TypeVar("F", bound=Callable[..., Any])

# Sums may be reordered and products fused, but nnan/ninf would let LLVM assume away the very values by which a
# candidate outside its domain is recognised.
_LOOP_FLAGS = {"reassoc", "contract", "nsz"}


def jit(function: F) -> F:
    """Compile a module-level function: no GIL, IEEE arithmetic, cached."""
    return numba.njit(cache=True, nogil=True, error_model="numpy", no_cpython_wrapper=True, no_cfunc_wrapper=True)(function)  # type: ignore[no-any-return]


def loops_jit(function: F) -> F:
    """Like `jit`, for inner loops over rows: sums may be reordered and a*b + c fused."""
    return numba.njit(cache=True, nogil=True, error_model="numpy", no_cpython_wrapper=True, no_cfunc_wrapper=True, fastmath=_LOOP_FLAGS)(function)  # type: ignore[no-any-return]


def _forget_stale(package: Path) -> None:
    """Drop cached machine code older than the newest compiled source.

    Numba checks only the file of the outermost function: a caller would go on using the old code of a helper
    that was edited in another file.
    """
    rooms = [package / room for room in ("expressions", "kernels", "engines", "search")]
    newest = max(source.stat().st_mtime for room in rooms for source in room.rglob("*.py"))
    for room in rooms:
        for index in room.rglob("__pycache__/*.nbi"):
            if index.stat().st_mtime < newest:
                with contextlib.suppress(OSError):
                    index.unlink()


_forget_stale(Path(__file__).parent.parent)
def entry_jit(function):
    return numba.njit(cache=True, nogil=True, error_model="numpy", no_cfunc_wrapper=True)(function)
