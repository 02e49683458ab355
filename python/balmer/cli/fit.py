"""`balmer fit`: from a table to a front on the terminal and a run on disk."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.text import Text

from balmer.cli.plan import print_plan
from balmer.cli.session import Outcome, search
from balmer.cli.settings import read_settings
from balmer.cli.text import print_front, print_law

__all__ = ["fit_command", "print_outcome"]


def fit_command(options: Mapping[str, Any], *, config: Path | None, overwrite: bool) -> int:
    """Search and show, target by target; returns the exit code.

    Raises
    ------
    BalmerError
        One sentence about what to mend.
    """
    console = Console()
    for place, settings in enumerate(read_settings(options, config).each()):
        outcome = search(settings, console=Console(stderr=True), overwrite=overwrite)
        if place:
            console.print()
        print_outcome(console, outcome)
        if outcome.failure is not None:
            sys.stdout.flush()
            raise outcome.failure
        if outcome.code is not None:
            return outcome.code
    return 0


def print_outcome(console: Console, outcome: Outcome) -> None:
    """The front, the chosen law in full, how it was found and where it is."""
    found, work = outcome.found, outcome.found.provenance
    if outcome.code is not None:
        console.print(Text("Interrupted: these are the laws found until then.", style="bold yellow"))
    print_front(console, found.front)
    if len(found.front):
        console.print()
        print_law(console, found.best, "The chosen law")
    for notice in (found.notice, *found.notices):
        if notice and notice not in found.problem.notices:  # which were said before the search
            console.print()
            console.print(Text(f"Note: {notice}.", style="yellow"))
    if found.plan is not None:
        console.print()
        print_plan(console, found.plan)
    console.print()
    console.print(
        Text(
            f"{work['evaluations']:,} formulas evaluated in {work['seconds']:.1f} s, engine {work['engine']}, "
            f"seed {work['seed']}"
        )
    )
    if outcome.failure is None:
        console.print(Text(f"Written to {outcome.path}; see balmer show {outcome.path}"), soft_wrap=True)
