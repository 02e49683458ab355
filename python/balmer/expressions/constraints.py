"""Constraints on the shape of a formula: how large arguments are, and what may stand inside which operator."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from balmer.expressions.complexity import Complexity
from balmer.expressions.expression import Expression
from balmer.expressions.operators import OPERATORS_BY_CODE

__all__ = ["Constraints"]


@dataclass(frozen=True)
class Constraints:
    """What the operators of a formula may be applied to; they mean what PySR's of these names do.

    Attributes
    ----------
    arguments : by operator, the largest complexity of each argument; -1 where there is no limit.
    nested : by outer and inner operator, how often the inner one may occur on any way from an argument of the outer
        one down to a leaf.
    """

    arguments: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    nested: Mapping[str, Mapping[str, int]] = field(default_factory=dict)

    def broken_by(self, expression: Expression, complexity: Complexity) -> str:
        """Which constraint a formula breaks, as a clause such as ``sin occurs inside sin``; empty if it breaks none."""
        if not self.arguments and not self.nested:
            return ""
        costs = complexity.of_nodes(expression)
        broken: list[str] = []
        inner = sorted({name for limits in self.nested.values() for name in limits})

        def node(i: int, below: list[tuple[int, dict[str, int]]]) -> tuple[int, dict[str, int]]:
            name = OPERATORS_BY_CODE[int(expression.ops[i])].name
            for size, most in zip((size for size, _ in below), self.arguments.get(name, ()), strict=False):
                if 0 <= most < size:
                    broken.append(f"an argument of {name} has the complexity {size}, above {most}")
            counts = {word: max(found[word] for _, found in below) for word in inner}
            for word, most in self.nested.get(name, {}).items():
                if counts[word] > most:
                    often = f"{counts[word]} times, above {most}," if most else "once or more"
                    broken.append(f"{word} occurs {often} inside {name}")
            if name in counts:
                counts[name] += 1
            return int(costs[i]) + sum(size for size, _ in below), counts

        expression.fold(lambda i: (int(costs[i]), dict.fromkeys(inner, 0)), node)
        return broken[0] if broken else ""
