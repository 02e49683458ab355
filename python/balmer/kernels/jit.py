"""How Balmer compiles: numba without the GIL, cached on disk, NaN and infinity kept visible."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import numba
from numba import types

__all__ = ["bare_entry_jit", "bare_jit", "entry_jit", "inline_jit", "jit", "loops_jit"]

F = TypeVar("F", bound=Callable[..., Any])

# Sums may be reordered and products fused, but nnan/ninf would let LLVM assume away the very values by which a
# candidate outside its domain is recognised.
_LOOP_FLAGS = {"reassoc", "contract", "nsz"}


def entry_jit(function: F) -> F:
    """Compile a function that Python calls: no GIL, IEEE arithmetic, cached."""
    return _compile(function, no_cpython_wrapper=False, fastmath=False)


def jit(function: F) -> F:
    """Like `entry_jit`, for functions that only compiled code calls; without wrappers they compile twice as fast."""
    # fastmath is switched off by name: what is not set is inherited from whichever caller comes first.
    return _compile(function, no_cpython_wrapper=True, fastmath=False)


def bare_jit(function: F) -> F:
    """Like `jit`, for functions that neither make arrays nor return any: without reference counts.

    numba counts whenever a function takes an array out of a tuple, with instructions that lock the memory bus: where
    a candidate is bred in microseconds that was a fifth of the time, and threads waited for each other's counts.
    """
    return _compile(function, no_cpython_wrapper=True, fastmath=False, counted=False)


def bare_entry_jit(function: F) -> F:
    """Like `bare_jit`, for functions that Python calls."""
    return _compile(function, no_cpython_wrapper=False, fastmath=False, counted=False)


def inline_jit(function: F) -> F:
    """Like `jit`, for functions of one row: compiled into the loops, as none with a call is vectorised."""
    return _compile(function, no_cpython_wrapper=True, fastmath=False, forceinline=True)


def loops_jit(function: F) -> F:
    """Like `bare_jit`, for inner loops over rows: sums may be reordered and a*b + c fused."""
    return _compile(function, no_cpython_wrapper=True, fastmath=_LOOP_FLAGS, counted=False)


def _compile(function: F, *, counted: bool = True, **options: Any) -> F:
    # Reference counts are asked for by name too, as they would be inherited likewise.
    decorate = numba.njit(
        cache=True, nogil=True, error_model="numpy", no_cfunc_wrapper=True, _nrt=counted, **options
    )
    compiled = decorate(function)
    # To numba a bare number in a call has a type of its own, for which the function is compiled once more.
    take = compiled.get_call_template
    compiled.get_call_template = lambda args, kws: take(
        tuple(map(types.unliteral, args)), {name: types.unliteral(kind) for name, kind in kws.items()}
    )
    return compiled  # type: ignore[no-any-return]


def _forget_stale(package: Path) -> None:
    """Drop cached machine code older than the newest compiled source that it may contain.

    Numba checks only the file of the outermost function: a caller would go on using the old code of a helper
    that was edited in another file.
    """
    kernels, embedded = package / "kernels", package / "engines" / "embedded"
    sources = [package / "expressions" / "operators.py"]
    for rooms in ((kernels, embedded), (embedded / "probing",)):
        sources += [source for room in rooms for source in room.glob("*.py")]
        newest = max(source.stat().st_mtime for source in sources)
        for index in (index for room in rooms for index in room.glob("__pycache__/*.nbi")):
            with contextlib.suppress(OSError):  # another process may be at it too
                if index.stat().st_mtime < newest:
                    index.unlink()


_forget_stale(Path(__file__).parent.parent)
