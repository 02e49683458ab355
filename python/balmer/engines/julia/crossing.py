"""How requests go to Julia and arrays come back: numbers and texts by name, arrays by their address in memory."""

from __future__ import annotations

import contextlib
import ctypes
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from balmer.engines.julia.installation import first_line
from balmer.errors import EngineError

__all__ = ["Request", "copied", "julia_errors"]


class Request:
    """What Julia is asked.

    Attributes
    ----------
    inside : the request as Julia has it.
    """

    def __init__(
        self,
        julia: Any,
        settings: Mapping[str, int | float | str],
        arrays: Mapping[str, NDArray[Any]],
    ) -> None:
        # Julia reads the arrays where they are: they must live as long as what reads them.
        self._lent = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
        self.inside = julia.request()
        for name, value in settings.items():
            julia.set_b(self.inside, name, value)
        for name, array in self._lent.items():
            julia.lend_b(self.inside, name, str(array.dtype), array.ctypes.data, array.size)


def copied(julia: Any, arrays: Any) -> dict[str, NDArray[Any]]:
    """Arrays of Julia's by name, copied while Julia keeps them."""
    copies = {}
    for line in str(julia.describe(arrays)).splitlines():
        name, kind, address, length = line.split()
        array: NDArray[Any] = np.zeros(int(length), dtype=kind)
        ctypes.memmove(array.ctypes.data, int(address), array.nbytes)
        copies[name] = array
    return copies


@contextlib.contextmanager
def julia_errors(what: str) -> Iterator[None]:
    """What goes wrong in Julia as one sentence, with Julia's own account behind it."""
    from juliacall import JuliaError

    try:
        yield
    except JuliaError as error:
        raise EngineError(f"{what} in Julia failed: {first_line(error)}") from error
