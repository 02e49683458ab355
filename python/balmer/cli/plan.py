"""What was made of a target's structure, as a tree in the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Console
from rich.text import Text
from rich.tree import Tree

if TYPE_CHECKING:
    from balmer.search.plan import Attempt, Plan

__all__ = ["print_plan"]

_SHOWN = 8  # findings named in one line


def print_plan(console: Console, plan: Plan) -> None:
    """The findings in a line, and under them what was tried and what came of it."""
    found = sorted((f for f in plan.findings if f.verdict), key=lambda f: f.statistic)
    said = [str(f).rsplit(": ", 1)[0] for f in found[:_SHOWN]]
    more = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
    tree = Tree(Text(f"Structure: {'; '.join(said)}{more}" if found else "Structure: none was found"))
    for attempt in plan.attempts:
        _grow(tree, attempt)
    console.print(tree)


def _grow(tree: Tree, attempt: Attempt) -> None:
    branch = tree.add(Text.assemble((attempt.what, "bold"), f": {attempt.outcome}"))
    for child in attempt.children:
        _grow(branch, child)
