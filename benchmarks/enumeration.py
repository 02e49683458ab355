"""How many physical equations the enumeration finds by itself: python benchmarks/enumeration.py PATH

PATH is the directory of `feynman.py`, and so are rows, noise, units and operators. No engine runs: the formulas of
`small_formulas` are refitted on all rows. Without noise, those that are as good as float64 allows are judged by
`judge`, the simplest first; with noise, the eight of smallest description length. "seed" counts equations of which
some formula leaves less than a tenth of the variance beyond the noise: a place from which to evolve.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from families import Equation, feynman, select
from feynman import OPERATORS, SOLVED, median, provenance, save
from judge import WRONG, Judge

from balmer.engines import Objective, Problem, SearchSpace
from balmer.search.enumeration import small_formulas
from balmer.search.refine import refit

_JUDGED = 8  # formulas of an equation


def main(arguments: Sequence[str] | None = None) -> None:
    options = _options().parse_args(arguments)
    try:
        equations = select(feynman(options.path), options.every, options.only)
    except (OSError, KeyError, ValueError) as error:
        sys.exit(f"the equations in {options.path} cannot be read: {error}")
    small_formulas(_problem(equations[0], options)[0])  # compiles, or loads what is compiled
    rows: list[dict[str, Any]] = []
    with Judge(options.sympy_time) as judge:
        for equation in equations:
            rows.append(attempt(equation, options, judge))
            print(*(f"{value:.3g}" if isinstance(value, float) else value for value in rows[-1].values()),
                  sep="  ", flush=True)  # fmt: skip
    print(summary(rows))
    save(rows, options.out, provenance() + "\n\n" + summary(rows))


def attempt(equation: Equation, options: argparse.Namespace, judge: Judge) -> dict[str, Any]:
    """Enumerate for one equation and judge the best formulas."""
    problem, sigma = _problem(equation, options)
    begin = time.process_time()
    formulas = small_formulas(problem)
    seconds = time.process_time() - begin
    refitted = [refit(e, problem, "enumeration") for e in formulas]
    scale = float(np.mean(problem.y**2))
    cost = problem.space.complexity.of
    if sigma == 0:
        chosen = [r for r in refitted if r.loss <= SOLVED * scale]
        chosen.sort(key=lambda r: cost(r.expression))
    else:
        chosen = sorted(refitted, key=lambda r: r.length)
    kinds = [judge(r.expression, equation.truth, sigma=sigma, rows=options.rows) for r in chosen[:_JUDGED]]
    exact = [k for k, verdict in enumerate(kinds) if verdict.kind == "exact"]
    least = min((r.loss for r in refitted), default=float("inf"))
    return {
        "equation": equation.name,
        "exact": bool(exact),
        "solved": bool(chosen) and sigma == 0,
        "seed": bool(least - sigma**2 < 0.1 * problem.variance),
        "seconds": round(seconds, 3),
        "formulas": len(formulas),
        "complexity": cost(chosen[exact[0]].expression) if exact else 0,
        "relative_loss": least / scale,
        "shown": (kinds[exact[0]] if exact else WRONG).how,
        "found": chosen[exact[0]].expression.text(problem.dataset.feature_names, 5) if exact else "",
    }


def summary(rows: Sequence[dict[str, Any]]) -> str:
    """The figures: how many are exact, and in what time."""
    seconds = [row["seconds"] for row in rows]
    return (
        f"exact {sum(row['exact'] for row in rows)}/{len(rows)}, "
        f"as good as float64 {sum(row['solved'] for row in rows)}, "
        f"seed {sum(row['seed'] for row in rows)}; seconds: median {median(seconds)}, "
        f"largest {max(seconds):.2f}, sum {sum(seconds):.1f}"
    )


def _problem(equation: Equation, options: argparse.Namespace) -> tuple[Problem, float]:
    X, y, sigma = equation.sample(options.rows, options.seed, options.noise)
    space = SearchSpace.read({"operators": options.operators, "max_complexity": options.max_complexity})
    objective = Objective(units="auto" if options.units else "ignore")
    return Problem(equation.dataset(X, y, with_units=options.units), space, objective), sigma


def _options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    add = parser.add_argument
    add("path", type=Path, metavar="PATH", help="directory with equations.csv and variables.csv")
    add("--rows", type=int, default=1000, help="rows of data per equation (1000)")
    add("--noise", type=float, default=0.0, help="standard deviation over the rms of the target (0)")
    add("--units", action=argparse.BooleanOptionalAction, default=True,
        help="whether the search is told the units")  # fmt: skip
    add("--seed", type=int, default=1, help="of the data (1)")
    add("--every", type=int, default=1, metavar="N", help="only every N-th equation, from the first")
    add("--only", nargs="+", default=[], metavar="NAME", help="only these equations")
    add("--operators", default=OPERATORS, help=f"of every search ({OPERATORS})")
    add("--max-complexity", type=int, default=40, metavar="N", help="of a formula (40)")
    add("--sympy-time", type=float, default=2.0, metavar="S", help="for each proof of the judge (2)")
    add("--out", type=Path, metavar="FILE", help="write FILE (.csv or .parquet) and the same as .md")
    return parser


if __name__ == "__main__":
    main()
