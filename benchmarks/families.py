"""The equations that searches are measured on: Nguyen, Strogatz, and tables such as the AI-Feynman set.

Formulas are text, read by `balmer.expressions.parse`; ranges are uniform boxes. Nothing here knows a solver.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import pi
from pathlib import Path
from zlib import crc32

import numpy as np
from judge import Truth
from numpy.typing import NDArray

from balmer import Dataset

__all__ = ["Equation", "feynman", "nguyen", "select", "strogatz"]


@dataclass(frozen=True)
class Equation:
    """A formula to be found, and where its data lie.

    Attributes
    ----------
    name, target, formula : how it is called, what it gives, and its text.
    ranges : name of each variable to (low, high), of a uniform distribution.
    units : of the variables and the target, in SI; empty where there are none.
    rows : how many the source uses; None where it leaves that open.
    """

    name: str
    target: str
    formula: str
    ranges: Mapping[str, tuple[float, float]]
    units: Mapping[str, str]
    rows: int | None = None

    @property
    def truth(self) -> Truth:
        """What the judge compares with."""
        low, high = zip(*self.ranges.values(), strict=True)
        return Truth.read(self.formula, tuple(self.ranges), low, high)

    def sample(
        self, rows: int, seed: int, noise: float = 0.0
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], float]:
        """Rows of data.

        Parameters
        ----------
        rows : how many; where the formula has no real value, the row is drawn again.
        seed : one seed gives one table, whatever other equations are drawn.
        noise : standard deviation of the Gaussian noise on the target, in units of its rms.

        Returns
        -------
        X, shape (n_variables, rows); y, shape (rows,); and the standard deviation of the noise.
        """
        rng = np.random.default_rng([seed, crc32(self.name.encode())])
        X, y = self.truth.sample(rows, rng)
        if len(y) < rows:
            raise ValueError(f"{self.name}: the formula has a real value in too few rows of its ranges")
        sigma = noise * float(np.sqrt(np.mean(y**2)))
        return X, y + sigma * rng.normal(size=rows), sigma

    def dataset(self, X: NDArray[np.float64], y: NDArray[np.float64], *, with_units: bool) -> Dataset:
        """The rows as a search gets them."""
        columns = dict(zip(self.ranges, X, strict=True))
        return Dataset.from_arrays(
            columns, y, target=self.target, units=self.units if with_units else None, name=self.name
        )


def feynman(path: str | Path) -> list[Equation]:
    """The equations of a directory with ``equations.csv`` and ``variables.csv``.

    Parameters
    ----------
    path : the directory, or its ``equations.csv``. The first table has the columns equation, target, formula, the
        second equation, variable, low, high; both have the exponents of m, s, kg, T (temperature) and V (volt).

    Returns
    -------
    One Equation per line, in the order of the file.
    """
    folder = Path(path)
    folder = folder.parent if folder.is_file() else folder
    variables: dict[str, list[dict[str, str]]] = {}
    for row in _rows(folder / "variables.csv"):
        variables.setdefault(row["equation"], []).append(row)
    return [
        Equation(
            name=row["equation"],
            target=row["target"],
            formula=row["formula"],
            ranges={v["variable"]: (float(v["low"]), float(v["high"])) for v in variables[row["equation"]]},
            units={v["variable"]: _unit(v) for v in variables[row["equation"]]} | {row["target"]: _unit(row)},
        )
        for row in _rows(folder / "equations.csv")
    ]


# The set's five base quantities; T is a temperature there, and the volt stands in for the ampere.
_BASE = {"m": "m", "s": "s", "kg": "kg", "T": "K", "V": "V"}


def _unit(row: Mapping[str, str]) -> str:
    return "*".join(f"{unit}^({row[key]})" for key, unit in _BASE.items() if float(row[key]) != 0) or "1"


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def nguyen() -> list[Equation]:
    """Nguyen-1 to 12: Uy et al., Genet. Program. Evolvable Mach. 12 (2011) 91, table 4, without free constants.

    Ranges, the 20 rows and number 12 as in Petersen et al., ICLR 2021 (arXiv:1912.04871), appendix.
    """
    one = {"x": (-1.0, 1.0)}
    two = {"x": (0.0, 1.0), "y": (0.0, 1.0)}
    listed = [
        ("x**3 + x**2 + x", one),
        ("x**4 + x**3 + x**2 + x", one),
        ("x**5 + x**4 + x**3 + x**2 + x", one),
        ("x**6 + x**5 + x**4 + x**3 + x**2 + x", one),
        ("sin(x**2)*cos(x) - 1", one),
        ("sin(x) + sin(x + x**2)", one),
        ("log(x + 1) + log(x**2 + 1)", {"x": (0.0, 2.0)}),
        ("sqrt(x)", {"x": (0.0, 4.0)}),
        ("sin(x) + sin(y**2)", two),
        ("2*sin(x)*cos(y)", two),
        ("x**y", two),
        ("x**4 - x**3 + y**2/2 - y", two),
    ]
    return [
        Equation(f"Nguyen-{k}", "f", formula, ranges, {}, 20) for k, (formula, ranges) in enumerate(listed, 1)
    ]


def strogatz() -> list[Equation]:
    """Right-hand sides of seven systems in Strogatz, Nonlinear Dynamics and Chaos, chosen by La Cava et al. (2016).

    Constants as in doi:10.1016/j.engappai.2016.07.004 (repository ode-strogatz). That benchmark draws 400 rows along
    trajectories; here they are uniform in a box of about the size that the trajectories fill, so that no simulation
    is needed. Both states are offered as variables, also where one of them does not enter.
    """
    systems = [
        ("respiration", {"x": (1, 20), "y": (1, 20)}, "20 - x - x*y/(1 + x**2/2)", "10 - x*y/(1 + x**2/2)"),
        (
            "bar-magnets",
            {"x": (0, 2 * pi), "y": (0, 2 * pi)},
            "sin(x - y)/2 - sin(x)",
            "sin(y - x)/2 - sin(y)",
        ),
        ("glider", {"x": (1, 8), "y": (-pi, pi)}, "-x**2/20 - sin(y)", "x - cos(y)/x"),
        (
            "lotka-volterra",
            {"x": (0.1, 8), "y": (0.1, 4)},
            "3*x - 2*x*y - x**2",
            "2*y - x*y - y**2",
        ),
        (
            "predator-prey",
            {"x": (0.1, 8), "y": (0.1, 15)},
            "x*(4 - x - y/(1 + x))",
            "y*(x/(1 + x) - 3*y/40)",
        ),
        (
            "shear-flow",
            {"x": (-pi, pi), "y": (0.1, 1.5)},
            "cos(y)/sin(y)*cos(x)",
            "(cos(y)**2 + sin(y)**2/10)*sin(x)",
        ),
        ("van-der-pol", {"x": (-2, 2), "y": (-2, 2)}, "10*(y - (x**3/3 - x))", "-x/10"),
    ]
    return [
        Equation(f"{name}-{k}", "dx" if k == 1 else "dy", formula, ranges, {}, 400)
        for name, ranges, *formulas in systems
        for k, formula in enumerate(formulas, 1)
    ]


def select(equations: Sequence[Equation], every: int = 1, only: Sequence[str] = ()) -> list[Equation]:
    """The first of every so many equations, or those of these names.

    Raises
    ------
    ValueError
        If there is none of a name.
    """
    if not only:
        return list(equations[::every])
    unknown = set(only) - {e.name for e in equations}
    if unknown:
        raise ValueError(f"there is no equation {', '.join(sorted(unknown))}")
    return [e for e in equations if e.name in only]
