"""A function that can be called as a source of data: its box, its values on many points, a table of them."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from balmer.data.dataset import Dataset
from balmer.data.metadata import UnitLike
from balmer.errors import BalmerError, ConfigError

__all__ = ["Bounds", "Box", "author_named", "evaluator", "finite", "ordered", "sample_function"]

Floats = NDArray[np.float64]
Bounds = tuple[float, float] | tuple[float, float, UnitLike]
Function = Callable[..., Any]

_FEW = 3  # points in a second call with arrays, which must say the same of them


@dataclass(frozen=True, eq=False)
class Box:
    """Where a function is looked at.

    Attributes
    ----------
    names : of the variables.
    lower, upper : shape (n_variables,).
    units : by name; what has none is left out.
    """

    names: tuple[str, ...]
    lower: Floats
    upper: Floats
    units: Mapping[str, UnitLike]

    @staticmethod
    def read(box: object) -> Box:
        """From a mapping of name to (low, high) or (low, high, unit).

        Raises
        ------
        ConfigError
            Naming the variable, what was found and what is accepted.
        """
        if not isinstance(box, Mapping) or not box:
            raise ConfigError(
                f"the box is {box!r}: accepted is a mapping of each variable to (low, high) or (low, high, unit)"
            )
        bounds, units = [], {}
        for name, given in box.items():
            if not isinstance(name, str) or not name:
                raise ConfigError(f"the box has a variable {name!r}: accepted are names as texts")
            size = len(given) if isinstance(given, Sequence) and not isinstance(given, str) else 0
            if size not in (2, 3):
                raise ConfigError(
                    f"the box of {name!r} is {given!r}: accepted are (low, high) or (low, high, unit)"
                )
            try:
                low, high = float(given[0]), float(given[1])
            except (TypeError, ValueError):
                low = high = float("nan")
            if not (np.isfinite([low, high]).all() and low < high):
                raise ConfigError(
                    f"the box of {name!r} is ({given[0]}, {given[1]}): a lower and a larger bound are accepted"
                )
            bounds.append((low, high))
            if size == 3:
                units[name] = given[2]
        lower, upper = np.array(bounds).T
        return Box(tuple(box), lower, upper, units)

    def draw(self, n: int, rng: np.random.Generator) -> Floats:
        """Points drawn evenly, shape (n_variables, n)."""
        return self.lower[:, None] + (self.upper - self.lower)[:, None] * rng.random((len(self.names), n))


def evaluator(function: Function, names: Sequence[str]) -> Callable[[Floats], Floats]:
    """The values of a function at points, an array of shape (n_variables, n_points), as an array of shape (n_points,).

    The function is called by name where its parameters are the variables, else in their order; with arrays if it
    takes them and says of each point what it says of it alone, else with one point after another. What it raises is
    raised, with a note of where.

    Raises
    ------
    ConfigError
        If the function cannot be called with as many arguments, or a value is not a real number.
    """
    call = ordered(function, names)
    with_arrays: list[bool] = []

    def one(point: Floats) -> float:
        try:
            value = call(*(float(v) for v in point))
        except Exception as error:
            error.add_note(f"raised at {_where(names, point)}")
            raise
        array = np.asarray(value)
        if array.size != 1 or array.dtype.kind not in "fiub":
            found = f"an array of shape {array.shape}" if array.size != 1 else repr(value)
            raise ConfigError(
                f"the function gives {found} at {_where(names, point)}; one real number is accepted"
            )
        return float(array.reshape(()))

    def together(points: Floats) -> Floats | None:
        try:
            with np.errstate(all="ignore"):
                values = np.asarray(call(*points.copy()))
        except Exception:  # whether it takes arrays is what is to be found out
            return None
        fits = values.shape == points.shape[1:] and values.dtype.kind in "fiu"
        return values.astype(float) if fits else None

    def evaluate(points: Floats) -> Floats:
        if not with_arrays and points.shape[1] > _FEW:
            values, few = together(points), together(points[:, :_FEW])
            same = values is not None and few is not None and np.allclose(values[:_FEW], few, 1e-12, 0, True)
            with_arrays.append(same)
        if with_arrays and with_arrays[0]:
            values = together(points)
            if values is not None:
                return values
        return np.array([one(point) for point in points.T])

    return evaluate


def ordered(function: Function, names: Sequence[str]) -> Function:
    """The function with its arguments in the order of the names: by name where its parameters are these names.

    Raises
    ------
    ConfigError
        If it cannot be called with as many arguments.
    """
    try:
        parameters = inspect.signature(function).parameters
    except (TypeError, ValueError):  # compiled functions do not say what they take
        return function
    named = [p.name for p in parameters.values() if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)]
    if set(named) == set(names) and len(parameters) == len(names):
        return lambda *values: function(**dict(zip(names, values, strict=True)))
    try:
        inspect.signature(function).bind(*names)
    except TypeError:
        raise ConfigError(
            f"the box has the variables {', '.join(names)} and the function takes "
            f"({', '.join(parameters)}): they must be as many"
        ) from None
    return function


def finite(names: Sequence[str], points: Floats, values: Floats) -> Floats:
    """The values, where all are finite.

    Raises
    ------
    ConfigError
        Naming the first point where one is not.
    """
    bad = np.flatnonzero(~np.isfinite(values))
    if len(bad):
        raise ConfigError(
            f"the function is {values[bad[0]]} at {_where(names, points[:, bad[0]])}; give a box where it is finite"
        )
    return values


@contextmanager
def author_named() -> Iterator[None]:
    """What a user's function raises in here becomes a ConfigError that says what and where."""
    try:
        yield
    except BalmerError:
        raise
    except Exception as error:
        where = " ".join(getattr(error, "__notes__", ()))
        raise ConfigError(f"the function raised {type(error).__name__}: {error} ({where})") from error


def sample_function(
    function: Function,
    box: Mapping[str, Bounds],
    *,
    rows: int = 1000,
    seed: int = 0,
    target: str | None = None,
    unit: UnitLike | None = None,
) -> Dataset:
    """A table of a function's values at points drawn evenly in a box.

    Parameters
    ----------
    function : of as many numbers as the box has variables, see `evaluator`.
    box : (low, high) or (low, high, unit) of each variable.
    target, unit : name and unit of the values; the name is the function's own if none is given.

    Raises
    ------
    ConfigError
        If the box is none, or the function raises, or a value is not a finite number.
    """
    where = Box.read(box)
    if rows < 1:
        raise ConfigError(f"rows = {rows}: a whole number from 1 is accepted")
    points = where.draw(rows, np.random.default_rng([seed, rows]))
    with author_named():
        values = evaluator(function, where.names)(points)
    finite(where.names, points, values)
    own = getattr(function, "__name__", "f")
    name = target or (own if own.isidentifier() and own not in where.names else "f")
    if name in where.names:
        name = "value"
    units = dict(where.units) | ({name: unit} if unit is not None else {})
    return Dataset.from_arrays(
        dict(zip(where.names, points, strict=True)),
        values,
        target=name,
        units=units,
        source=f"function {own}",
    )


def _where(names: Sequence[str], point: Floats) -> str:
    return ", ".join(f"{name} = {value:.6g}" for name, value in zip(names, point, strict=True))
