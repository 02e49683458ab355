"""How many physical equations a search finds from their data: python benchmarks/feynman.py PATH --time 10

PATH is a directory with equations.csv and variables.csv (`families.feynman`). Each equation is searched on rows drawn
uniformly in its ranges, with or without units; the law that the search chooses ("best") and the laws of the front
("any") are judged by `judge`. One row per equation, a summary, and with --out the same as CSV or Parquet and, beside
it, as Markdown. Ctrl-C ends the run and shows what is done so far.
"""

from __future__ import annotations

import argparse
import os
import platform
import shlex
import sys
import time
from collections.abc import Sequence
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from families import Equation, feynman, select
from judge import WRONG, Judge
from runs import Row, runs

from balmer import Dataset, discover
from balmer.engines import Objective, SearchSpace
from balmer.errors import EngineError

__all__ = ["OPERATORS", "SOLVED", "markdown", "median", "provenance", "save"]

OPERATORS = "+ - * / pow square sqrt exp log sin cos asin tanh"
"""The same for every equation: Balmer's default, and of the other elementary functions asin and tanh. tan, acos, sinh
and cosh are short formulas of these; abs, min and max are not analytic."""

SOLVED = 1e-20  # loss over mean square of the target at which a search without noise may stop: float64 itself


def main(arguments: Sequence[str] | None = None) -> None:
    options = _options().parse_args(arguments)
    try:
        equations = select(feynman(options.path), options.every, options.only)
    except (OSError, KeyError, ValueError) as error:
        sys.exit(f"the equations in {options.path} cannot be read: {error}")
    rows: list[Row] = []
    try:
        for row in runs(equations, attempt, _warm, options):
            rows.append(row)
            print(_line(row, len(rows), len(equations)), flush=True)
            save(rows, options.out, provenance() + "\n\n" + summary(rows))
    except KeyboardInterrupt:
        print("interrupted")
    if rows:
        print(summary(rows))


def attempt(equation: Equation, options: argparse.Namespace, threads: int, judge: Judge) -> Row | None:
    """Search one equation and judge what was found; None where the search was interrupted."""
    X, y, sigma = equation.sample(options.rows, options.seed, options.noise)
    data = equation.dataset(X, y, with_units=options.units)
    stop = SOLVED * float(np.mean(y**2)) if options.stop and sigma == 0 else None
    begin = time.perf_counter()
    found = discover(
        data,
        time=options.time,
        target_loss=stop,
        seed=options.seed,
        threads=threads,
        engine=options.engine,
        space=_space(options),
        objective=Objective(units="auto" if options.units else "ignore"),
    )
    seconds = time.perf_counter() - begin
    if found.stopped == "interrupted":
        return None
    truth = equation.truth
    try:
        law = found.best
        best = judge(law, truth, sigma=sigma, rows=options.rows)
    except EngineError:  # nothing at all was found
        law, best = None, WRONG
    any_, place = (best, found.front.best_index) if best.kind == "exact" else (WRONG, -1)
    if place < 0 and law is not None:
        any_, place = judge.any(found.front, truth, sigma=sigma, rows=options.rows)
    return {
        "equation": equation.name,
        "best": best.kind,
        "any": any_.kind,
        "seconds": round(seconds, 3),
        "stopped": found.stopped,
        "engine": found.provenance["engine"],
        "evaluations": found.provenance["evaluations"],
        "shown": (best if place < 0 else any_).how,
        "deviation": (best if place < 0 else any_).deviation,
        "formula": f"{equation.target} = {equation.formula}",
        "found": "" if law is None else law.text(),
        "found_any": "" if place < 0 else found.front[place].text(),
    }


def summary(rows: Sequence[Row]) -> str:
    """The figures: how many are solved, and how long it took."""
    n = len(rows)
    lines = ["| judged | exact | difference constant | ratio constant | wrong |", "|---|---|---|---|---|"]
    for which in ("best", "any"):
        count = [
            sum(row[which] == kind for row in rows) for kind in ("exact", "difference", "ratio", "wrong")
        ]
        lines.append(f"| {which} | {count[0]}/{n} | {count[1]} | {count[2]} | {count[3]} |")
    early = [row["seconds"] for row in rows if row["stopped"] == "target"]
    lines += [
        "",
        f"Wall seconds per equation: median {median([row['seconds'] for row in rows])}, "
        f"sum {sum(row['seconds'] for row in rows):.0f}. "
        f"Stopped at a solution: {len(early)}, after a median of {median(early)} s.",
    ]
    return "\n".join(lines)


def provenance() -> str:
    """What a table is worth: the command, the versions, the machine and the day."""
    command = shlex.join(["python", "benchmarks/" + Path(sys.argv[0]).name, *sys.argv[1:]])
    return (
        f"`{command}`\n\nBalmer {version('balmer')}, Python {platform.python_version()}, NumPy {np.__version__}; "
        f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores; {date.today().isoformat()}."
    )


def save(rows: Sequence[Row], out: Path | None, heading: str) -> None:
    """Write the rows as CSV or Parquet, and with the heading as Markdown beside it; whole or not at all."""
    if out is None:
        return
    out.parent.mkdir(parents=True, exist_ok=True)
    new = out.with_name(out.name + ".part")
    table = pd.DataFrame(list(rows))
    table.to_parquet(new) if out.suffix == ".parquet" else table.to_csv(new, index=False)
    new.replace(out)
    new.write_text(heading + "\n\n" + markdown(rows) + "\n", encoding="utf-8")
    new.replace(out.with_suffix(".md"))


def markdown(rows: Sequence[Row]) -> str:
    """A Markdown table."""
    lines = ["| " + " | ".join(rows[0]) + " |", "|---" * len(rows[0]) + "|"]
    lines += ["| " + " | ".join(map(_cell, row.values())) + " |" for row in rows]
    return "\n".join(lines)


def median(numbers: Sequence[float]) -> str:
    return f"{np.median(numbers):.2f}" if len(numbers) else "-"


def _cell(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value).replace("|", r"\|")


def _line(row: Row, done: int, of: int) -> str:
    return (
        f"{done:>3}/{of} {row['equation']:<12} best {row['best']:<10} any {row['any']:<10} "
        f"{row['seconds']:7.1f} s  {row['found_any'] or row['found']}"
    )


def _space(options: argparse.Namespace) -> SearchSpace:
    return SearchSpace.read({"operators": options.operators, "max_complexity": options.max_complexity})


def _warm(options: argparse.Namespace, threads: int) -> None:
    """Compile, or load what is compiled, before the clock runs."""
    x = np.linspace(1.0, 2.0, 50)
    data = Dataset.from_arrays(
        {"x": x}, np.exp(x) + x**2, units={"x": "m", "y": "m"} if options.units else None
    )
    discover(data, evaluations=2000, threads=threads, engine=options.engine, space=_space(options))


def _options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    add = parser.add_argument
    add("path", type=Path, metavar="PATH", help="directory with equations.csv and variables.csv")
    add("--engine", default="embedded", help="embedded (default), julia or auto")
    add("--time", type=float, default=60.0, metavar="S", help="wall seconds of search per equation (60)")
    add("--rows", type=int, default=1000, help="rows of data per equation (1000)")
    add(
        "--noise",
        type=float,
        default=0.0,
        help="standard deviation of the noise over the rms of the target (0)",
    )
    add(
        "--units",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="whether the search is told the units",
    )
    add("--seed", type=int, default=1, help="of the data and of the search (1)")
    add("--every", type=int, default=1, metavar="N", help="only every N-th equation, from the first")
    add("--only", nargs="+", default=[], metavar="NAME", help="only these equations")
    add(
        "--jobs",
        type=int,
        default=1,
        metavar="N",
        help="equations searched at once, on cores/N threads each (1)",
    )
    add("--threads", type=int, metavar="N", help="threads of each search (cores/jobs)")
    add("--operators", default=OPERATORS, help=f"of every search ({OPERATORS})".replace("%", "%%"))
    add(
        "--max-complexity",
        type=int,
        default=40,
        metavar="N",
        help="of a formula; free constants count twice (40)",
    )
    add("--stop", action=argparse.BooleanOptionalAction, default=True,
        help="without noise, end a search at a formula that is as good as float64 allows")  # fmt: skip
    add("--sympy-time", type=float, default=5.0, metavar="S", help="for each proof of the judge (5)")
    add("--out", type=Path, metavar="FILE", help="write FILE (.csv or .parquet) and the same as .md")
    return parser


if __name__ == "__main__":
    main()
