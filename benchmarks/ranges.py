"""How the inputs of a law are drawn, and the rows on which the judge compares."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from judge import Truth
from numpy.typing import NDArray

__all__ = ["Columns", "DrawnTruth", "Range", "drawn"]

Floats = NDArray[np.float64]
Columns = dict[str, Floats]

_REACH = 2.0  # how much further the wider box of the judge reaches


@dataclass(frozen=True)
class Range:
    """How an input is drawn.

    Attributes
    ----------
    low, high : the ends, which a whole number may take.
    kind : uniform, uniform in the logarithm, or a whole number.
    signs : the signs that it gets, at random.
    beyond : another input; this one is by `low` larger than it at least, and where it is no whole number by `high` at
        most.
    """

    low: float
    high: float
    kind: Literal["uniform", "logarithmic", "whole"] = "uniform"
    signs: tuple[int, ...] = (1,)
    beyond: str = ""

    def draw(self, rows: int, rng: np.random.Generator, columns: Columns) -> Floats:
        """So many numbers, given the columns that have been drawn before."""
        base = columns[self.beyond] if self.beyond else np.zeros(rows)
        if self.kind == "whole":
            values = rng.integers(base + self.low, self.high, endpoint=True).astype(float)
        elif self.kind == "logarithmic":
            values = np.exp(rng.uniform(math.log(self.low), math.log(self.high), rows))
        else:
            values = base + rng.uniform(self.low, self.high, rows)
        return values if self.signs == (1,) else values * rng.choice(self.signs, rows)

    @property
    def wider(self) -> Range:
        low = self.low / _REACH if self.low > 0 else _REACH * self.low
        if self.kind == "whole":
            low = self.low
        return replace(self, low=low, high=_REACH * self.high)


def drawn(ranges: Mapping[str, Range], rows: int, rng: np.random.Generator) -> Columns:
    """Columns of these ranges."""
    columns: Columns = {}
    for name, given in ranges.items():
        columns[name] = given.draw(rows, rng, columns)
    return columns


@dataclass(frozen=True)
class DrawnTruth(Truth):
    """A true formula whose rows are drawn so; `within` tells which of them count."""

    ranges: Mapping[str, Range]
    within: Callable[[Columns], NDArray[np.bool_]] | None = None

    @classmethod
    def of(
        cls,
        text: str,
        names: Sequence[str],
        ranges: Mapping[str, Range],
        within: Callable[[Columns], NDArray[np.bool_]] | None = None,
    ) -> DrawnTruth:
        """From text in terms of the names, in the order of the columns; all numbers in it are exact."""
        low = [r.low if -1 not in r.signs else -r.high for r in (ranges[name] for name in names)]
        read = Truth.read(text, names, low, [ranges[name].high for name in names])
        return cls(read.expression, read.names, read.low, read.high, ranges, within)

    @property
    def wider(self) -> Truth:
        """The same formula on ranges that reach further."""
        return replace(self, ranges={name: r.wider for name, r in self.ranges.items()})

    def sample(self, rows: int, rng: np.random.Generator) -> tuple[Floats, Floats]:
        """X, shape (n_variables, rows), and y, shape (rows,); fewer rows if the formula is rarely real."""
        parts = []
        for _ in range(20):
            columns = drawn(self.ranges, rows, rng)
            X = np.array([columns[name] for name in self.names])
            with np.errstate(all="ignore"):
                y = self.expression.evaluate(X)
            good = np.isfinite(y) if self.within is None else np.isfinite(y) & self.within(columns)
            parts.append((X[:, good], y[good]))
            if sum(len(y) for _, y in parts) >= rows:
                break
        X, y = (np.concatenate(arrays, axis=-1) for arrays in zip(*parts, strict=True))
        return np.ascontiguousarray(X[:, :rows]), y[:rows]
