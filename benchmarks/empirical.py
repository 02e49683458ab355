"""How many of nine laws of history a search finds from few and noisy data: python benchmarks/empirical.py --time 30

The laws and the recipes of their data stand in `history`. Each is searched with several seeds, of the data and of the
search, which is not told the size of the noise, nor, without --units, any unit. The law that the search chooses
("best") and the laws of the front ("any") are judged by their form: with other numbers in the place of all their
numbers they are the true law, no part of them vanishes then, and the values that they have lie within their errors.
An exact number of a formula is a number like any other here. One row per search, a table of the laws, and with --out
the same as CSV or Parquet and, beside it, as Markdown. Ctrl-C ends the run and shows what is done so far.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from itertools import product
from pathlib import Path

import numpy as np
from common import print_table
from feynman import provenance, save
from history import HISTORY, HistoricalLaw
from judge import Judge
from parts import has_a_part_too_many
from runs import Row, runs

from balmer import Dataset, discover
from balmer.engines import Objective, SearchSpace
from balmer.errors import EngineError
from balmer.expressions import Expression
from balmer.expressions.operators import CONSTANT, LITERAL
from balmer.kernels.levenberg import MAX_CONSTANTS

__all__ = ["is_law", "main"]

Task = tuple[HistoricalLaw, int]


def main(arguments: Sequence[str] | None = None) -> None:
    options = _options().parse_args(arguments)
    unknown = set(options.only) - {law.name for law in HISTORY}
    if unknown:
        sys.exit(f"there is no law {', '.join(sorted(unknown))}: {', '.join(law.name for law in HISTORY)}")
    laws = [law for law in HISTORY if not options.only or law.name in options.only]
    tasks = list(product(laws, range(1, options.seeds + 1)))
    rows: list[Row] = []
    try:
        for row in runs(tasks, attempt, _warm, options):
            rows.append(row)
            print(_line(row, len(rows), len(tasks)), flush=True)
            save(rows, options.out, provenance() + "\n\n" + summary(rows))
    except KeyboardInterrupt:
        print("interrupted")
    if rows:
        print_table(summary(rows), ("law", "best", "any", "chosen"), table(rows))


def attempt(task: Task, options: argparse.Namespace, threads: int, judge: Judge) -> Row | None:
    """Search one law with one seed and judge what was found; None where the search was interrupted."""
    law, seed = task
    begin = time.perf_counter()
    found = discover(
        law.data(seed, with_units=options.units),
        time=None if options.evaluations else options.time,
        evaluations=options.evaluations,
        seed=seed,
        threads=threads,
        engine=options.engine,
        space=_space(options),
        objective=Objective(units="auto" if options.units else "ignore"),
    )
    seconds = time.perf_counter() - begin
    if found.stopped == "interrupted":
        return None
    try:
        chosen = found.best
        best = is_law(judge, chosen.expression, law)
    except EngineError:  # nothing at all was found
        chosen, best = None, False
    places = [k for k, other in enumerate(found.front) if is_law(judge, other.expression, law)]
    place = found.front.best_index if best else places[0] if places else -1
    return {
        "law": law.name,
        "seed": seed,
        "best": best,
        "any": place >= 0,
        "seconds": round(seconds, 3),
        "evaluations": found.provenance["evaluations"],
        "stopped": found.stopped,
        "formula": f"{law.target} = {law.formula}",
        "found": "" if chosen is None else chosen.text(),
        "found_any": "" if place < 0 else found.front[place].text(),
    }


def is_law(judge: Judge, found: Expression, law: HistoricalLaw) -> bool:
    """Whether a formula has the form of the law, no part more, and numbers within their errors."""
    forms = {found: None, _all_free(found): None}
    return any(
        judge.is_exact(form, law.truth, sigma=law.sigma, rows=law.rows)
        and not has_a_part_too_many(form, law.truth)
        for form in forms
    )


def _all_free(expression: Expression) -> Expression:
    """With a free constant in the place of every exact number."""
    exact = expression.ops == LITERAL
    if np.sum(exact) + expression.n_constants > MAX_CONSTANTS:
        return expression
    return Expression(np.where(exact, CONSTANT, expression.ops), expression.args, expression.values)


def summary(rows: Sequence[Row]) -> str:
    best, any_ = (sum(row[which] for row in rows) for which in ("best", "any"))
    return f"Of {len(rows)} searches {best} choose the law, {any_} have it on the front"


def table(rows: Sequence[Row]) -> list[tuple[object, ...]]:
    """One row per law: how often it is chosen, how often it is on the front, and what was chosen, by seed."""
    lines = []
    for name in dict.fromkeys(row["law"] for row in rows):
        own = sorted((row for row in rows if row["law"] == name), key=lambda row: row["seed"])
        counts = (f"{sum(row[which] for row in own)}/{len(own)}" for which in ("best", "any"))
        lines.append((name, *counts, "<br>".join(f"`{row['found']}`" for row in own)))
    return lines


def _line(row: Row, done: int, of: int) -> str:
    verdict = "best" if row["best"] else "any " if row["any"] else "-   "
    other = f"  [{row['found_any']}]" if row["any"] and not row["best"] else ""
    return (
        f"{done:>3}/{of} {row['law']:<10} seed {row['seed']} {verdict} {row['seconds']:6.1f} s  "
        f"{row['found']}{other}"
    )


def _space(options: argparse.Namespace) -> SearchSpace:
    return SearchSpace() if options.operators is None else SearchSpace.read({"operators": options.operators})


def _warm(options: argparse.Namespace, threads: int) -> None:
    """Compile, or load what is compiled, before the clock runs."""
    x = np.linspace(1.0, 2.0, 50)
    data = Dataset.from_arrays({"x": x}, np.exp(x) + x**2)
    discover(data, evaluations=2000, threads=threads, engine=options.engine, space=_space(options))


def _options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    add = parser.add_argument
    add("--time", type=float, default=30.0, metavar="S", help="wall seconds of each search (30)")
    add(
        "--evaluations",
        type=int,
        metavar="N",
        help="of formulas in each search, in place of seconds: the same result on every machine",
    )
    add("--seeds", type=int, default=3, metavar="N", help="searches of each law, seeds 1 to N (3)")
    add("--only", nargs="+", default=[], metavar="LAW", help="only these laws")
    add("--engine", default="embedded", help="embedded (default), julia or auto")
    add(
        "--units",
        action=argparse.BooleanOptionalAction,
        default=False,
        help="whether the search is told the units (no)",
    )
    add("--operators", help="of every search (Balmer's default)")
    add("--jobs", type=int, default=1, metavar="N", help="searches at once, on cores/N threads each (1)")
    add("--threads", type=int, metavar="N", help="threads of each search (cores/jobs)")
    add("--sympy-time", type=float, default=0.0, metavar="S", help="for each proof of the judge (0)")
    add("--out", type=Path, metavar="FILE", help="write FILE (.csv or .parquet) and the same as .md")
    return parser


if __name__ == "__main__":
    main()
