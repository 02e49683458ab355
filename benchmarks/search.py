"""Time to solution against pyoperon and PySR at equal CPU seconds: python benchmarks/search.py --families nguyen

The families are `families.nguyen`, `families.strogatz` and, with a PATH, the equations there, without units. All
methods get the same rows, operators, largest size, threads and CPU seconds, one after the other on the same machine,
and one judge. Balmer goes first, and where refits after its search take it beyond --cpu, the others get what it used.
A family counts as many runs as it has equations times --seeds.

Without noise every method may stop at a formula that is as good as float64 allows (`feynman.SOLVED`). pyoperon has no
such option: it runs in pieces of doubling length, each a warm start of the last, and its clock stands still between
them. With noise no search can know that it is done: the judge looks at the front, its constants fitted anew, and ends
the run, at a Balmer that goes on meanwhile, and at PySR between pieces as of pyoperon. Its constants are float32, so
its formulas, and PySR's, are refitted in float64 before they are judged; they are judged with and without the
intercept that pyoperon adds to every formula. Time to solution is the wall time of a run with an exact formula
anywhere on its front; with noise the time until the judge saw it there.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from families import Equation, feynman, nguyen, select, strogatz
from feynman import OPERATORS, SOLVED, Row, markdown, median, provenance, save
from judge import Judge
from numpy.typing import NDArray

from balmer import Dataset, Front, Problem, discover
from balmer.engines import Objective, Progress, SearchSpace
from balmer.errors import BalmerError, DataError
from balmer.expressions import Expression, parse
from balmer.expressions.operators import CONSTANT
from balmer.expressions.operators import OPERATORS as TABLE
from balmer.kernels import fit

Floats = NDArray[np.float64]

_FIRST_PIECE = 2.0  # seconds, of a PySR that is looked at between pieces of doubling length


@dataclass(frozen=True)
class Task:
    """One run: the rows, what may be used, and when to stop: CPU seconds, and a mean square or None."""

    data: Dataset
    space: SearchSpace
    cpu: float
    threads: int
    seed: int
    stop: float | None
    engine: str
    exact: Callable[[list[Expression]], bool] | None = (
        None  # with noise: whether the judge finds the law among these
    )

    @property
    def seconds(self) -> float:
        """Wall seconds on a machine with nothing else to do."""
        return self.cpu / self.threads


Answer = tuple[list[Expression], float]  # the front, and the wall seconds it took
Method = Callable[[Task], Answer]


def main(arguments: Sequence[str] | None = None) -> None:
    options = _options().parse_args(arguments)
    families: dict[str, list[Equation]] = {}
    try:
        if "nguyen" in options.families:
            families["nguyen"] = select(nguyen(), options.every)
        if "strogatz" in options.families:
            families["strogatz"] = select(strogatz(), options.every)
        if options.path is not None:
            families["feynman"] = select(feynman(options.path), options.every)
    except (OSError, KeyError) as error:
        sys.exit(f"the equations in {options.path} cannot be read: {error}")
    if options.only:
        families = {f: [e for e in es if e.name in options.only] for f, es in families.items()}
        families = {f: es for f, es in families.items() if es}
    methods = _methods(options)
    if not families or not methods:
        sys.exit("there is nothing to run: give --families or a PATH, and --methods that are installed")
    rows: list[Row] = []
    try:
        for row in runs(families, methods, options):
            rows.append(row)
            print(
                f"{row['equation']:<18} {row['method']:<9} seed {row['seed']}  {row['any']:<10} "
                f"{row['seconds']:7.1f} s wall {row['cpu']:7.1f} s CPU  {row['found']}",
                flush=True,
            )
            save(rows, options.out, provenance() + "\n\n" + markdown(summary(rows)))
    except KeyboardInterrupt:
        print("interrupted")
    if rows:
        print(markdown(summary(rows)))


def runs(
    families: dict[str, list[Equation]], methods: dict[str, Method], options: argparse.Namespace
) -> Iterator[Row]:
    """One row per equation, seed and method."""
    space = SearchSpace.read({"operators": options.operators, "max_complexity": options.max_complexity})
    for method in methods.values():
        method(_warm_up(space, options))
    with Judge(options.sympy_time) as judge:
        for family, equations in families.items():
            for equation in equations:
                for seed in range(1, options.seeds + 1):
                    n = options.rows or equation.rows or 1000
                    X, y, sigma = equation.sample(n, seed, options.noise)
                    stop = SOLVED * float(np.mean(y**2)) if sigma == 0 else None
                    data = equation.dataset(X, y, with_units=False)
                    exact = _looker(judge, equation, sigma, n) if sigma > 0 else None
                    task = Task(data, space, options.cpu, options.threads, seed, stop, options.engine, exact)
                    for name, method in methods.items():
                        cpu = _cpu_seconds()
                        front, seconds = method(task)
                        cpu = _cpu_seconds() - cpu
                        if (
                            name == "balmer"
                        ):  # whose refits come after the search: the others get that time too
                            task = replace(task, cpu=max(task.cpu, cpu))
                        kind, place = _verdict(judge, front, equation, sigma, n)
                        yield {
                            "family": family,
                            "equation": equation.name,
                            "method": name,
                            "seed": seed,
                            "any": kind,
                            "seconds": round(seconds, 3),
                            "cpu": round(cpu, 3),
                            "found": front[place].text(tuple(equation.ranges), 6) if place >= 0 else "",
                        }


def _verdict(
    judge: Judge, front: list[Expression], equation: Equation, sigma: float, n: int
) -> tuple[str, int]:
    """The best kind of the front and its place; with noise, where judging is slow, only whether one is exact."""
    if sigma == 0:
        verdict, place = judge.any(front, equation.truth, sigma=sigma, rows=n)
        return verdict.kind, place
    for place, expression in enumerate(front):
        if judge.is_exact(expression, equation.truth, sigma=sigma, rows=n):
            return "exact", place
    return "wrong", -1


def _looker(judge: Judge, equation: Equation, sigma: float, rows: int) -> Callable[[list[Expression]], bool]:
    return lambda front: any(judge.is_exact(e, equation.truth, sigma=sigma, rows=rows) for e in front)


def summary(rows: Sequence[Row]) -> list[Row]:
    """Per family and method: what is solved, and the time on those runs that every method solved."""
    table: list[Row] = []
    for family in dict.fromkeys(row["family"] for row in rows):
        mine = [row for row in rows if row["family"] == family]
        methods = list(dict.fromkeys(row["method"] for row in mine))
        solved = {m: {_run(r) for r in mine if r["method"] == m and r["any"] == "exact"} for m in methods}
        by_all = set.intersection(*solved.values())
        for method in methods:
            own = [row for row in mine if row["method"] == method]
            table.append(
                {
                    "family": family,
                    "method": method,
                    "runs solved": f"{len(solved[method])}/{len(own)}",
                    "equations solved once": len({name for name, _ in solved[method]}),
                    "median s to solution": median([r["seconds"] for r in own if _run(r) in solved[method]]),
                    "runs that all solve": len(by_all),
                    "median s on these": median([r["seconds"] for r in own if _run(r) in by_all]),
                    "mean CPU s of a run": f"{np.mean([r['cpu'] for r in own]):.2f}",
                }
            )
    return table


def _run(row: Row) -> tuple[str, int]:
    return row["equation"], row["seed"]


# -- the methods ---------------------------------------------------------------------------------------------------


def _balmer(task: Task) -> Answer:
    begin = time.perf_counter()
    seen: list[float] = []  # when the judge did
    looked: set[Expression] = set()

    def watch(progress: Progress) -> bool:
        new = [c.expression for c in progress.front if c.expression not in looked]
        looked.update(new)
        if task.exact is not None and task.exact([_refitted(e, task) for e in new]):
            seen.append(time.perf_counter() - begin)
        return bool(seen)

    found = discover(
        task.data,
        time=task.seconds,
        target_loss=task.stop,
        seed=task.seed,
        threads=task.threads,
        engine=task.engine,
        space=task.space,
        objective=Objective(units="ignore"),
        on_progress=watch,
    )
    if found.stopped == "interrupted" and not seen:
        raise KeyboardInterrupt
    return [law.expression for law in found.front], seen[0] if seen else time.perf_counter() - begin


def _pyoperon(task: Task) -> Answer:
    """NSGA-II on R2 and length, five steps of Levenberg-Marquardt per formula, else pyoperon's defaults."""
    from pyoperon.sklearn import SymbolicRegressor

    model = SymbolicRegressor(
        allowed_symbols=",".join([*task.space.operators, "constant", "variable"]),
        objectives=["r2", "length"],
        optimizer_iterations=5,
        max_length=task.space.max_complexity,
        max_depth=task.space.max_depth,
        max_evaluations=2**62,
        n_threads=task.threads,
        warm_start=True,
        uncertainty=[1.0],
    )
    names = [f"X{k + 1}" for k in range(task.data.n_features)]  # what pyoperon calls the columns
    X, y = np.array(task.data.X.T), np.array(task.data.y)  # it takes no read-only arrays
    seconds, generations, front = 0.0, 5, []
    cpu = 0.0
    while cpu < task.cpu:
        left = max(1, round((task.cpu - cpu) / task.threads))
        model.set_params(max_time=left, generations=generations, random_state=task.seed + generations)
        begin, cpu_begin = time.perf_counter(), _cpu_seconds()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model.fit(X, y)
        seconds, cpu = seconds + time.perf_counter() - begin, cpu + _cpu_seconds() - cpu_begin
        found = [parse(model.get_model_string(p["tree"], 9), names) for p in model.pareto_front_]
        front = [_refitted(e, task) for e in (*found, *map(_without_offset, found))]
        if task.stop is not None and any(_loss(e, task) <= task.stop for e in front):
            break
        if task.exact is not None and task.exact(front):
            break
        generations *= 2
    return front, seconds


def _pysr(task: Task) -> Answer:
    """PySR's defaults in float64, with the largest size and a free constant's cost of ours."""
    from pysr import PySRRegressor

    problem = Problem(task.data, task.space, Objective(units="ignore"))
    with tempfile.TemporaryDirectory() as folder:
        model = PySRRegressor(
            binary_operators=[TABLE[o].symbol or o for o in task.space.operators if TABLE[o].arity == 2],
            unary_operators=[o for o in task.space.operators if TABLE[o].arity == 1],
            niterations=10**9,
            early_stop_condition=task.stop,
            maxsize=task.space.max_complexity,
            complexity_of_constants=task.space.complexity_of_constants,
            precision=64,
            parallelism="multithreading",
            random_state=task.seed,
            progress=False,
            verbosity=0,
            output_directory=folder,
            warm_start=task.exact is not None,
        )
        seconds, piece, front = 0.0, task.seconds if task.exact is None else _FIRST_PIECE, list[Expression]()
        while seconds < task.seconds:
            model.set_params(timeout_in_seconds=min(piece, task.seconds - seconds))
            begin = time.perf_counter()
            model.fit(
                task.data.X.T, task.data.y, variable_names=[f"x{k}" for k in range(task.data.n_features)]
            )
            seconds += time.perf_counter() - begin
            piece *= 2
            with suppress(DataError):  # it had no time for a single equation
                front = [law.expression for law in Front.from_pysr(model, problem)]
            if task.exact is None or task.exact(front):
                break
        return front, seconds


def _without_offset(expression: Expression) -> Expression:
    """What pyoperon evolved: it adds an intercept to every formula, which a law without one need not answer for."""
    operands = expression.children()
    if expression.ops[-1] == TABLE["add"].code and operands[0].ops.tolist() == [CONSTANT]:
        return operands[1]
    return expression


def _refitted(expression: Expression, task: Task) -> Expression:
    n = task.data.n_rows
    found = fit(expression, task.data.X, task.data.y, np.full(n, 1 / n))
    return found.expression if np.isfinite(found.loss) else expression


def _loss(expression: Expression, task: Task) -> float:
    loss = float(np.mean((expression.evaluate(task.data.X) - task.data.y) ** 2))
    return loss if np.isfinite(loss) else float("inf")


def _methods(options: argparse.Namespace) -> dict[str, Method]:
    """Those asked for that are here; of any other, why it is left out."""
    chosen: dict[str, Method] = {}
    for name in sorted(options.methods):  # balmer first: see runs
        missing = None
        if name == "pyoperon" and importlib.util.find_spec("pyoperon") is None:
            missing = "it is not installed (pip install pyoperon)"
        if name == "pysr":
            from balmer.engines.julia import session

            try:  # importing PySR where there is no Julia would download one
                session.require()
            except BalmerError as error:
                missing = str(error)
            else:
                os.environ.setdefault("PYTHON_JULIACALL_THREADS", str(options.threads))
                os.environ.setdefault("PYTHON_JULIACALL_HANDLE_SIGNALS", "yes")
        if missing is None:
            chosen[name] = {"balmer": _balmer, "pyoperon": _pyoperon, "pysr": _pysr}[name]
        else:
            print(f"{name} is left out: {missing}", file=sys.stderr)
    return chosen


def _warm_up(space: SearchSpace, options: argparse.Namespace) -> Task:
    """A short run, in which what is compiled at first use is compiled."""
    x = np.linspace(1.0, 2.0, 50)
    data = Dataset.from_arrays({"x": x}, np.exp(x) + x**2)
    return Task(data, space, 1.0, options.threads, 0, 1e-9, options.engine)


def _cpu_seconds() -> float:
    return sum(os.times()[:4])  # of all threads, and of processes that have ended


def _options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    add = parser.add_argument
    add("path", type=Path, nargs="?", metavar="PATH", help="directory with equations.csv and variables.csv")
    add("--families", nargs="*", default=[], choices=["nguyen", "strogatz"], help="of equations")
    add("--methods", nargs="+", default=["balmer", "pyoperon", "pysr"], choices=["balmer", "pyoperon", "pysr"],
        help="to compare; those that are not installed are left out")  # fmt: skip
    add("--engine", default="embedded", help="of balmer: embedded (default), julia or auto")
    add("--cpu", type=float, default=60.0, metavar="S", help="CPU seconds of a run (60)")
    add("--threads", type=int, default=os.cpu_count() or 1, metavar="N", help="of a run (all cores)")
    add("--seeds", type=int, default=2, metavar="N", help="runs of each equation, on rows of their own (2)")
    add("--rows", type=int, metavar="N", help="of data (those of the family's source, else 1000)")
    add(
        "--noise",
        type=float,
        default=0.0,
        help="standard deviation of the noise over the rms of the target (0)",
    )
    add("--every", type=int, default=1, metavar="N", help="only every N-th equation of a family")
    add("--only", nargs="+", default=[], metavar="NAME", help="only these equations")
    add("--operators", default=OPERATORS, help=f"of every method ({OPERATORS})")
    add("--max-complexity", type=int, default=40, metavar="N", help="largest formula (40)")
    add("--sympy-time", type=float, default=5.0, metavar="S", help="for each proof of the judge (5)")
    add("--out", type=Path, metavar="FILE", help="write FILE (.csv or .parquet) and the same as .md")
    return parser


if __name__ == "__main__":
    main()
