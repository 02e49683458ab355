"""How clean the laws are that a search finds in tables with few digits: python benchmarks/realistic.py PATH

PATH is a directory with realistic_equations.csv and realistic_variables.csv: physical laws whose variables range over
decades, after Matsubara et al., "Rethinking symbolic regression datasets and benchmarks for scientific discovery"
(arXiv:2206.10540). All columns are rounded after the target is computed; with --chance one to three columns that have
nothing to do with it stand among the others. A chosen law is "clean" where it is the true one and has no part that it
could do without, "dressed" where it can be made the true one by leaving parts out or deviates by less than a
millionth, else "wrong". One row per law, and with --out the same as CSV or Parquet and, beside it, as Markdown.
"""

from __future__ import annotations

import argparse
import csv
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from zlib import crc32

import numpy as np
from feynman import OPERATORS, median, provenance, save
from judge import Judge
from numpy.typing import NDArray
from parts import deviation, has_a_part_too_many, is_true
from ranges import DrawnTruth, Range
from runs import Row, runs

from balmer import Dataset, discover
from balmer.engines import Objective, SearchSpace
from balmer.errors import EngineError
from balmer.expressions import Expression

__all__ = ["Realistic", "as_written", "main", "realistic", "verdict"]

Floats = NDArray[np.float64]

DIGITS = ("float64", "float32", "significant", "decimals")
_WRITTEN = 7  # digits of a text
_CHANCE = (-32, 32)  # powers of ten about which columns of chance lie, over two decades
_NEAR = 1e-6  # relative deviation from the truth, where nothing is rounded, of what may be the truth with a part more


@dataclass(frozen=True)
class Realistic:
    """A law: its name, text and the ranges of its variables."""

    name: str
    formula: str
    ranges: dict[str, Range]

    def with_chance(self, rng: np.random.Generator) -> Realistic:
        """With one to three columns more, at random places."""
        names = list(self.ranges)
        ranges = dict(self.ranges)
        for k in range(int(rng.integers(1, 3, endpoint=True))):
            centre = 10.0 ** int(rng.integers(*_CHANCE, endpoint=True))
            ranges[f"chance{k}"] = Range(centre / 10, centre * 10, "logarithmic")
            names.insert(int(rng.integers(len(names), endpoint=True)), f"chance{k}")
        return Realistic(self.name, self.formula, {name: ranges[name] for name in names})

    @property
    def truth(self) -> DrawnTruth:
        """What is compared with."""
        return DrawnTruth.of(self.formula, tuple(self.ranges), self.ranges)


def realistic(path: Path, only: Sequence[str] = (), every: int = 1) -> list[Realistic]:
    """The laws of a directory.

    Raises
    ------
    ValueError
        If there is none of a name.
    """
    ranges: dict[str, dict[str, Range]] = {}
    kinds = {"default": "logarithmic", "simple": "uniform", "integer": "whole"}
    for row in _rows(path / "realistic_variables.csv"):
        signs = tuple(sign for sign, key in ((1, "positive"), (-1, "negative")) if int(row[key]))
        low, high = float(row["low"]), float(row["high"])
        ranges.setdefault(row["equation"], {})[row["variable"]] = Range(
            low,
            high,
            kinds[row["sampler"]],  # type: ignore[arg-type]
            signs,
        )
    laws = [
        Realistic(row["equation"], row["formula"], ranges[row["equation"]])
        for row in _rows(path / "realistic_equations.csv")
    ]
    unknown = set(only) - {law.name for law in laws}
    if unknown:
        raise ValueError(f"there is no equation {', '.join(sorted(unknown))}")
    return [law for law in laws if law.name in only] if only else laws[::every]


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def as_written(values: Floats, digits: str) -> Floats:
    """The numbers as they come out of a table of so many digits."""
    if digits == "float32":
        return values.astype(np.float32).astype(np.float64)
    if digits == "significant":
        return np.array([float(f"{v:.{_WRITTEN - 1}e}") for v in values.ravel().tolist()]).reshape(
            values.shape
        )
    return np.round(values, _WRITTEN) if digits == "decimals" else values


def attempt(law: Realistic, options: argparse.Namespace, threads: int, judge: Judge) -> Row | None:
    """Search one law and judge what was chosen; None where the search was interrupted."""
    rng = np.random.default_rng([options.seed, crc32(law.name.encode())])
    if options.chance:
        law = law.with_chance(rng)
    truth = law.truth
    X, y = truth.sample(options.rows, rng)
    X, y = as_written(X, options.digits), as_written(y, options.digits)
    row: Row = {"equation": law.name, "verdict": "not in these digits", "any": False, "seconds": 0.0}
    row |= {"stopped": "", "formula": law.formula, "found": ""}
    if len(y) < options.rows or not np.isfinite(y).all() or np.ptp(y) == 0 or np.any(np.ptp(X, axis=1) == 0):
        return row
    begin = time.perf_counter()
    found = discover(
        Dataset.from_arrays(dict(zip(law.ranges, X, strict=True)), y, target="f", name=law.name),
        time=None if options.evaluations else options.time,
        evaluations=options.evaluations,
        seed=options.seed,
        threads=threads,
        engine=options.engine,
        space=_space(options),
        objective=Objective(units="ignore"),
    )
    row["seconds"] = round(time.perf_counter() - begin, 3)
    if found.stopped == "interrupted":
        return None
    row["stopped"] = found.stopped
    try:
        chosen = found.best
    except EngineError:
        return row | {"verdict": "wrong"}
    verdicts = [verdict(other.expression, truth) for other in found.front]
    return row | {
        "verdict": verdicts[found.front.best_index],
        "any": "clean" in verdicts,
        "found": chosen.text(),
    }


def verdict(found: Expression, truth: DrawnTruth) -> str:
    """``clean``, ``dressed`` or ``wrong``."""
    X, y = truth.sample(1000, np.random.default_rng(0))
    if not deviation(found, X, y) < _NEAR:
        return "wrong"
    exact = is_true(found, X, y) and not has_a_part_too_many(found, truth, numbers=True)
    return "clean" if exact else "dressed"


def summary(rows: Sequence[Row]) -> str:
    """The figures."""
    tried = [row for row in rows if row["verdict"] != "not in these digits"]
    counts = {kind: sum(row["verdict"] == kind for row in tried) for kind in ("clean", "dressed", "wrong")}
    return (
        f"Of {len(tried)} laws: {', '.join(f'{n} {kind}' for kind, n in counts.items())}; on the front the clean law "
        f"{sum(row['any'] for row in tried)}. Seconds: median {median([row['seconds'] for row in tried])}."
    )


def main(arguments: Sequence[str] | None = None) -> None:
    options = _options().parse_args(arguments)
    try:
        laws = realistic(options.path, options.only, options.every)
    except (OSError, KeyError, ValueError) as error:
        sys.exit(f"the laws in {options.path} cannot be read: {error}")
    rows: list[Row] = []
    try:
        for row in runs(laws, attempt, _warm, options):
            rows.append(row)
            print(
                f"{len(rows):>3}/{len(laws)} {row['equation']:<12} {row['verdict']:<8} "
                f"{'any' if row['any'] else '-':<4} {row['seconds']:6.1f} s  {row['found']}",
                flush=True,
            )
            save(rows, options.out, provenance() + "\n\n" + summary(rows))
    except KeyboardInterrupt:
        print("interrupted")
    if rows:
        print(summary(rows))


def _space(options: argparse.Namespace) -> SearchSpace:
    return SearchSpace.read({"operators": options.operators})


def _warm(options: argparse.Namespace, threads: int) -> None:
    """Compile, or load what is compiled, before the clock runs."""
    x = np.linspace(1.0, 2.0, 50)
    data = Dataset.from_arrays({"x": x}, np.exp(x) + x**2)
    discover(data, evaluations=2000, threads=threads, engine=options.engine, space=_space(options))


def _options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    add = parser.add_argument
    add("path", type=Path, metavar="PATH", help="directory with realistic_equations.csv")
    add("--digits", choices=DIGITS, default="float32", help=f"of all columns; of texts {_WRITTEN} (float32)")
    add("--chance", action="store_true", help="with one to three columns of chance")
    add("--time", type=float, default=10.0, metavar="S", help="wall seconds of search per law (10)")
    add(
        "--evaluations",
        type=int,
        metavar="N",
        help="of formulas in each search, in place of seconds: the same result on every machine",
    )
    add("--rows", type=int, default=1000, help="rows of data per law (1000)")
    add("--seed", type=int, default=1, help="of the data and of the search (1)")
    add("--every", type=int, default=1, metavar="N", help="only every N-th law, from the first")
    add("--only", nargs="+", default=[], metavar="NAME", help="only these laws")
    add("--engine", default="embedded", help="embedded (default), julia or auto")
    add("--operators", default=OPERATORS, help=f"of every search ({OPERATORS})".replace("%", "%%"))
    add("--jobs", type=int, default=1, metavar="N", help="searches at once, on cores/N threads each (1)")
    add("--threads", type=int, metavar="N", help="threads of each search (cores/jobs)")
    add("--sympy-time", type=float, default=0.0, help=argparse.SUPPRESS)
    add("--out", type=Path, metavar="FILE", help="write FILE (.csv or .parquet) and the same as .md")
    return parser


if __name__ == "__main__":
    main()
