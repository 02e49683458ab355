"""Nine laws as they were found in history, with few and noisy data: how these are drawn, and what the law is.

After the EmpiricalBench of M. Cranmer, "Interpretable machine learning for science with PySR and
SymbolicRegression.jl" (arXiv:2305.01582), section 5. Kepler's and Bode's numbers are those of the planets; of the
others each seed draws its own. Where a target spans decades its logarithm is searched, in which relative noise has one
size.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from zlib import crc32

import numpy as np
from judge import Truth
from numpy.typing import NDArray
from ranges import Columns, DrawnTruth, Range, drawn

from balmer import Dataset

__all__ = ["HISTORY", "HistoricalLaw"]


@dataclass(frozen=True)
class HistoricalLaw:
    """A law and the recipe of its data.

    Attributes
    ----------
    name, target, formula : of the law, of what is searched, and what that is, with the constants of the recipe.
    ranges : of the inputs, in the order in which they are drawn.
    units : of the inputs and the target; a logarithm is a number.
    rows : how many the data have.
    noise : standard deviation, of the target or relative.
    relative : whether the target is the logarithm of what has that relative noise.
    numbers : inputs and target where they are given and not drawn.
    compared : ranges in which formulas are compared, where they differ from those of the data.
    within : which of these rows count.
    """

    name: str
    target: str
    formula: str
    ranges: Mapping[str, Range]
    units: Mapping[str, str]
    rows: int
    noise: float = 0.0
    relative: bool = False
    numbers: Mapping[str, tuple[float, ...]] | None = None
    compared: Mapping[str, Range] | None = None
    within: Callable[[Columns], NDArray[np.bool_]] | None = None

    @cached_property
    def truth(self) -> Truth:
        """What the judge compares with."""
        ranges = self.ranges if self.compared is None else self.compared
        return DrawnTruth.of(self.formula, tuple(ranges), ranges, self.within)

    @cached_property
    def sigma(self) -> float:
        """Standard deviation of the target's noise; of given numbers how far they are from the law."""
        if self.numbers is None:
            return self.noise
        X = np.array([self.numbers[name] for name in self.ranges])
        return float(np.sqrt(np.mean((self.truth.expression.evaluate(X) - self.numbers[self.target]) ** 2)))

    def data(self, seed: int, *, with_units: bool = False) -> Dataset:
        """The rows as a search gets them; one seed gives one table, whatever other laws are drawn."""
        if self.numbers is not None:
            columns = {name: np.array(self.numbers[name]) for name in self.ranges}
            y = np.array(self.numbers[self.target])
        else:
            rng = np.random.default_rng([seed, crc32(self.name.encode())])
            columns = drawn(self.ranges, self.rows, rng)
            noise = self.noise * rng.normal(size=self.rows)
            y = self.truth.expression.evaluate(np.array(list(columns.values())))
            y = y + (np.log1p(noise) if self.relative else noise)
        units = self.units if with_units else None
        return Dataset.from_arrays(columns, y, target=self.target, units=units, name=self.name)


_MASS = Range(1.3e22, 2e30, "logarithmic")  # from Pluto to the Sun
# In SI units: logarithms of the constant of gravitation and of the gas constant; of Planck's law 2 h/c^2 and h/k.
_LOG_G, _LOG_R = math.log(6.6743e-11), math.log(8.314462618)
_2H_C2, _H_K = 1.4744994647625417e-50, 4.799243073366221e-11


def _without_overflow(columns: Columns) -> NDArray[np.bool_]:
    """Where exp(h nu/(k T)) is a number: every spelling of the law is compared where it has a value."""
    return _H_K * columns["nu"] / columns["T"] < 700.0


HISTORY = (
    HistoricalLaw(
        "Hubble",
        "v",
        "73.3*D",
        {"D": Range(1, 20)},
        {"D": "Mpc", "v": "km/s"},
        rows=30,
        noise=100.0,
    ),
    HistoricalLaw(
        "Kepler",
        "P",
        "365.25*a^(3/2)",
        {"a": Range(0.389, 9.51)},
        {"a": "au", "P": "day"},
        rows=6,
        numbers={
            "a": (0.389, 0.724, 1.0, 1.524, 5.20, 9.510),
            "P": (87.77, 224.70, 365.25, 686.95, 4332.62, 10759.2),
        },
    ),
    HistoricalLaw(
        "Newton",
        "log_F",
        f"log(m1) + log(m2) - 2*log(r) + {_LOG_G!r}",
        {"r": Range(3.7e8, 7.376e12, "logarithmic"), "m1": _MASS, "m2": _MASS},
        {"r": "m", "m1": "kg", "m2": "kg", "log_F": "1"},
        rows=30,
        noise=0.1,
        relative=True,
    ),
    HistoricalLaw(
        "Leavitt",
        "M",
        "15.65 - 2.084*log(P)/log(10)",
        {"P": Range(1.25, 158, "logarithmic")},
        {"P": "day", "M": "mag"},
        rows=26,
        noise=0.4,
    ),
    HistoricalLaw(
        "Schechter",
        "log_n",
        "log(0.002/2.5e8) - 1.2*log(L/2.5e8) - L/2.5e8",
        {"L": Range(1e6, 3e9, "logarithmic")},
        {"L": "L_sun", "log_n": "1"},
        rows=27,
        noise=0.2,
        relative=True,
    ),
    HistoricalLaw(
        "Bode",
        "log_a",
        "log(0.4 + 0.3*2^n)",
        {"n": Range(-1000, 6)},
        {"n": "1", "log_a": "1"},
        rows=8,
        numbers={
            "n": (-1000.0, 0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0),
            "log_a": tuple(math.log(a) for a in (0.39, 0.72, 1.00, 1.52, 2.77, 5.20, 9.58, 19.22)),
        },
        compared={"n": Range(-6, 6)},
    ),
    HistoricalLaw(
        "ideal-gas",
        "log_P",
        f"log(n) + log(T) - log(V) + {_LOG_R!r}",
        {"n": Range(1, 100), "T": Range(300, 400), "V": Range(1, 100)},
        {"n": "mol", "T": "K", "V": "m^3", "log_P": "1"},
        rows=30,
        noise=0.1,
        relative=True,
    ),
    HistoricalLaw(
        "Planck",
        "log_B",
        # In this spelling nothing overflows.
        f"{math.log(_2H_C2)!r} + 3*log(nu) - {_H_K!r}*nu/T - log(1 - exp(-{_H_K!r}*nu/T))",
        {"nu": Range(1e9, 1e16, "logarithmic"), "T": Range(100, 6000, "logarithmic")},
        {"nu": "Hz", "T": "K", "log_B": "1"},
        rows=100,
        noise=0.1,
        relative=True,
        within=_without_overflow,
    ),
    HistoricalLaw(
        "Rydberg",
        "log_lambda",
        "-log(1.0973731568e7*(1/n1^2 - 1/n2^2))",
        {"n1": Range(1, 6, "whole"), "n2": Range(1, 7, "whole", beyond="n1")},
        {"n1": "1", "n2": "1", "log_lambda": "1"},
        rows=50,
        noise=0.01,
        relative=True,
        compared={"n1": Range(1, 6), "n2": Range(0.5, 6, beyond="n1")},  # between whole numbers, too
    ),
)
"""In the order of the paper."""
