"""How laws read in a terminal: formulas broken at operators, constants with errors, fronts as tables."""

from __future__ import annotations

import math
import re
from itertools import accumulate
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from balmer.search import Constant, Front, Law

__all__ = ["formula_lines", "print_front", "print_law"]

_NUMBER = r"\d+\.?\d*(?:e[+-]?\d+)?"
# Pieces that stay whole: a quoted name, a number, a word with its opening parenthesis, an operator with blanks.
_PIECE = re.compile(rf"`(?:``|[^`])*`|{_NUMBER}|\w+\(?| [+-] |\*\*|, |.", re.DOTALL)


def formula_lines(text: str, width: int, indent: int = 2) -> list[str]:
    """Break a formula before + and -, and after *, / and commas, outside parentheses where that is possible.

    Parameters
    ----------
    text : a formula as `Law.text` writes it.
    width : characters of a line at most; only a longer name or number is cut.
    indent : blanks before every line but the first.

    Returns
    -------
    list of str, which are the text again when joined without the indentation.
    """
    lines: list[str] = []
    parts = _parts(text)
    while parts:
        room = width - (indent if lines else 0)
        total, fitting = 0, 0  # characters and number of the parts that fit into this line
        for part, _ in parts:
            if total + len(part.rstrip()) > room:
                break
            total, fitting = total + len(part), fitting + 1
        if fitting == 0:  # one long word
            lines.append(parts[0][0][:room])
            parts[0] = (parts[0][0][room:], parts[0][1])
            continue
        if fitting < len(parts):
            fitting = _best_break(parts, fitting, room)
        lines.append("".join(part for part, _ in parts[:fitting]))
        parts = parts[fitting:]
    return [(" " * indent if i else "") + line for i, line in enumerate(lines)]


def _best_break(parts: list[tuple[str, int]], fitting: int, room: int) -> int:
    """How many parts to put on a line: up to where parentheses are nested least, if that fills half of it."""
    lengths = accumulate(len(part) for part, _ in parts[:fitting])
    options = [count for count, length in enumerate(lengths, start=1) if length >= room / 2] or [fitting]
    return min(options, key=lambda count: (parts[count][1], -count))


def _parts(text: str) -> list[tuple[str, int]]:
    """The pieces between two places where a line may end, each with the depth of parentheses where it begins."""
    parts = [("", 0)]
    depth = 0

    def extend(piece: str) -> None:
        parts[-1] = (parts[-1][0] + piece, parts[-1][1])

    for match in _PIECE.finditer(text):
        piece = match.group()
        if piece in (" + ", " - "):
            extend(" ")
            parts.append((piece[1:], depth))
        else:
            extend(piece)
            if piece[0] != "`":
                depth += piece.count("(") - piece.count(")")
            if piece in ("*", "/", ", "):
                parts.append(("", depth))
    return [part for part in parts if part[0]]


def front_table(front: Front, width: int) -> Table:
    """The front as a table that fits into a terminal of this width."""
    target = front[0].target
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="bold", show_edge=False)
    narrow = width < 100
    heads = [
        "#",
        "com-\nplexity" if narrow else "complexity",
        "con-\nstants" if narrow else "constants",
        "loss",
        "criterion",
    ]
    for head in heads:
        table.add_column(head, justify="right", vertical="top", no_wrap=True)
    table.add_column(Text(f"{target.label} ="), overflow="fold", vertical="top")
    taken = 3 + sum(max(len(line) for line in head.split("\n")) + 2 for head in heads[1:3]) + 2 * 11 + 2
    room = max(width - taken, 20)
    for i, law in enumerate(front):
        chosen = i == front.best_index
        cells = (
            f"{'*' if chosen else ' '}{i}",
            str(law.complexity),
            str(len(law.constants)),
            f"{law.loss:.3e}",
            f"{law.score.description_length:.2f}",
            "\n".join(formula_lines(law.text(), room)),
        )
        table.add_row(*(Text(cell) for cell in cells), style="bold green" if chosen else "")
    return table


def print_front(console: Console, front: Front) -> None:
    """The table, and how to read it."""
    if not len(front):
        console.print(Text("No law was found."))
        return
    console.print(front_table(front, console.width))
    key = "* chosen: the smallest criterion, which is the length of data and law in nats"
    console.print(Text(key, style="dim"))


def print_law(console: Console, law: Law, title: str) -> None:
    """One law in full: with symbols for its constants, their values, errors and units, and what else is known."""
    from balmer.expressions import is_bare_name, to_text
    from balmer.search.rounding import number_with_error

    name = law.target.name if is_bare_name(law.target.name) else f"`{law.target.name}`"
    taken = set(law.names)
    symbols = [c.name if c.name not in taken else f"{c.name}_" for c in law.constants]
    formula = f"{name} = {to_text(law.expression, law.names, constants=symbols)}"
    console.print(Text(title, style="bold"))
    for line in formula_lines(formula, console.width - 2, indent=4):
        console.print(Text(f"  {line}", style="bold green"))
    for symbol, constant in zip(symbols, law.constants, strict=True):
        value = number_with_error(constant.value, constant.error)
        if not math.isfinite(constant.error):
            value += "  (the data do not fix it)"
        console.print(Text(f"    {symbol} = {value}{_unit_of(constant, law)}"))
    for number in law.exact:
        if not number.implied:
            console.print(Text(f"    {number}"))
    for note in (law.carried_by(symbols), law.reading and f"with {law.reading}"):
        if note:
            console.print(Text(f"  {note}"))
    units = {True: "the units hold", False: "the units do not hold", None: "units not checked"}[
        law.units_hold
    ]
    if law.units_hold and any(law.features[i].unit is None for i in law.expression.variables):
        units = "the units hold as far as they are known"
    console.print(Text(f"  complexity {law.complexity}, loss {law.loss:.4g}, {units}, found by {law.origin}"))
    score = law.score
    console.print(
        Text(
            f"  description length {score.description_length:.2f}, BIC {score.bic:.2f}, AIC {score.aic:.2f}",
            style="dim",
        )
    )


def _unit_of(constant: Constant, law: Law) -> str:
    if constant.unit is None:
        if law.units_hold is None:
            return ""
        unknown = [law.features[i].name for i in law.expression.variables if law.features[i].unit is None]
        if unknown:
            return f"  (its unit hangs on that of {unknown[0]}, which has none)"
        fitted = law.has_fitted_exponent
        return "  (its unit goes with a fitted exponent)" if fitted else "  (its unit is not fixed)"
    return "" if constant.unit.text in ("", "1") else f" {constant.unit}"
