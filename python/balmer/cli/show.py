"""`balmer show`: the laws of a run, as a table, one in full, as LaTeX or as JSON."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.text import Text

from balmer.cli.settings import whole_number
from balmer.cli.text import print_front, print_law
from balmer.errors import ConfigError
from balmer.search.run import LoadedRun, load_run

if TYPE_CHECKING:
    from balmer.search import Law

__all__ = ["show_command"]


def show_command(path: Path, *, law: str | None, latex: bool, as_json: bool) -> None:
    """Print what is asked of a run.

    Raises
    ------
    ConfigError, DataError
        If it is no run, is damaged, or has no law of this number.
    """
    if latex and as_json:
        raise ConfigError("--latex and --json are two ways to print; give one of them")
    run = load_run(path)
    number = None if law is None else whole_number(law, "--law")
    last = len(run.front) - 1
    if number is not None and number > last:
        laws = f"0 to {last}" if last >= 0 else "none"
        raise ConfigError(f"option --law = {number}: the laws of the run '{path}' are {laws}")
    if as_json:
        print(json.dumps(_as_json(run, number), ensure_ascii=False, indent=1, allow_nan=False))
    elif latex:
        if last < 0:
            raise ConfigError(f"the run '{path}' has found no law")
        print((run.front.best if number is None else run.front[number]).latex())
    else:
        _print_run(Console(), run, number)


def _print_run(console: Console, run: LoadedRun, number: int | None) -> None:
    if number is not None:
        chosen = ", the chosen one" if number == run.front.best_index else ""
        print_law(console, run.front[number], f"Law {number} of {run.path}{chosen}")
        return
    schema, work = run.schema, run.provenance
    target = next((c["name"] for c in schema.get("columns", ()) if c.get("role") == "target"), "?")
    console.print(Text(f"{run.path}: {target} of {schema.get('name')}, {schema.get('n_rows')} rows"))
    if schema.get("description"):
        console.print(Text(schema["description"], style="dim"))
    if run.stopped is None:
        console.print(
            Text("The search still runs or was broken off: this is the front saved last.", style="yellow")
        )
    else:
        end = {"interrupted": ", interrupted"}.get(run.stopped, "")
        console.print(
            Text(
                f"{work['evaluations']:,} formulas evaluated in {work['seconds']:.1f} s, engine "
                f"{work['engine']}, seed {work['seed']}{end}"
            )
        )
    console.print()
    print_front(console, run.front)
    if len(run.front):
        console.print()
        print_law(console, run.front.best, "The chosen law")


def _as_json(run: LoadedRun, number: int | None) -> dict[str, Any]:
    best = run.front.best_index if len(run.front) else -1
    laws = [_law_as_json(i, law, i == best) for i, law in enumerate(run.front)]
    if number is not None:
        return laws[number]
    whole = {
        "run": str(run.path),
        "stopped": run.stopped,
        "data": run.schema,
        "config": run.config,
        "provenance": run.provenance,
        "laws": laws,
    }
    found: dict[str, Any] = _finite(whole)
    return found


def _law_as_json(number: int, law: Law, chosen: bool) -> dict[str, Any]:
    entry = {
        "law": number,
        "chosen": chosen,
        "target": law.target.name,
        "formula": law.text(digits=None),
        "latex": law.latex(),
        "complexity": law.complexity,
        "loss": law.loss,
        "description_length": law.score.description_length,
        "bic": law.score.bic,
        "aic": law.score.aic,
        "constants": [
            {
                "name": constant.name,
                "value": constant.value,
                "error": constant.error,
                "unit": None if constant.unit is None else constant.unit.text or "1",
                "wildcard": constant in law.wildcards,
            }
            for constant in law.constants
        ],
        "exact_numbers": [
            {"value": number.value, "estimate": number.estimate, "error": number.error}
            for number in law.exact
        ],
        "covariance": law.covariance.tolist(),
        "reading": law.reading,
        "units_hold": law.units_hold,
        "origin": law.origin,
    }
    found: dict[str, Any] = _finite(entry)
    return found


def _finite(value: Any) -> Any:
    """JSON has no infinity and no NaN: they become null."""
    if isinstance(value, dict):
        return {key: _finite(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
