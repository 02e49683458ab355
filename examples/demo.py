"""Three laws from the measurements they were found in: hydrogen, the planets, the expansion of the universe."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.text import Text

from balmer.cli.fit import print_outcome
from balmer.cli.session import search
from balmer.cli.settings import Settings
from balmer.cli.tables import print_about
from balmer.errors import BalmerError
from balmer.search import Discovery
from balmer.search.rounding import number_with_error

DATA = Path(__file__).parent / "data"


@dataclass(frozen=True)
class Story:
    """A table, the law that is known to be in it, and what has been published of its constant.

    Attributes
    ----------
    evaluations : the budget; with a seed it gives the same laws on every machine, which seconds would not.
    law : the known law and its form without the constant.
    published : values of the constant in the unit of the fit, and what to say of each.
    remark : what explains the difference.
    """

    name: str
    evaluations: int
    law: str
    form: Callable[[NDArray[np.float64]], NDArray[np.float64]]
    symbol: str
    published: tuple[tuple[float, str], ...]
    remark: str


STORIES = (
    Story(
        name="hydrogen",
        evaluations=800_000,
        law="lambda = B n^2/(n^2 - 4)",
        form=lambda n: n**2 / (n**2 - 4),
        symbol="B",
        published=((364.56, "nm, Balmer (1885)"),),
        remark="Balmer had Angstrom's wavelengths of four lines.",
    ),
    Story(
        name="planets",
        evaluations=200_000,
        law="T = c a^(3/2), Kepler's third law",
        form=lambda a: a**1.5,
        symbol="c",
        published=((365.256, "day/AU^(3/2), the sidereal year of the Earth"),),
        remark="Without weights Neptune counts most, and its T/a^(3/2) is that much below.",
    ),
    Story(
        name="hubble",
        evaluations=200_000,
        law="v = H r",
        form=lambda r: r,
        symbol="H",
        published=(
            (465.0, "km/s/Mpc, +- 50, Hubble (1929), the motion of the Sun solved for"),
            (513.0, "km/s/Mpc, +- 60, Hubble (1929), the nebulae in nine groups"),
        ),
        remark="The velocities in this table still contain the motion of the Sun.",
    ),
)


def main() -> int:
    """Tell every story; 0 if each search found a law."""
    console, errors = Console(), Console(stderr=True)
    for number, story in enumerate(STORIES, start=1):
        if number > 1:
            console.print()
        console.rule(Text(f"{number}. {story.name}", style="bold"), align="left")
        settings = Settings(
            file=DATA / f"{story.name}.parquet",
            budget={"evaluations": story.evaluations},
            seed=1,
            engine="embedded",  # the same laws on every machine, with Julia or without
            out=Path("runs") / story.name,
        )
        try:
            print_about(console, settings.file)
            console.print()
            outcome = search(settings, console=errors, overwrite=True)
        except BalmerError as error:
            print(f"Error: {error}", file=sys.stderr)
            return 2
        print_outcome(console, outcome)
        if outcome.failure is not None:
            print(f"Error: {outcome.failure}", file=sys.stderr)
            return 2
        if outcome.code is not None:
            return outcome.code
        if not len(outcome.found.front):
            return 1
        console.print()
        for line in compare(story, outcome.found):
            console.print(Text(line))
    return 0


def compare(story: Story, found: Discovery) -> list[str]:
    """Whether the chosen law is the known one, however it is written, and its constant beside the published."""
    law, data = found.best, found.problem.dataset
    ratio = law.predict(data) / story.form(data.X[0])
    value = float(np.mean(ratio))
    if np.ptp(ratio) > 1e-9 * abs(value) or len(law.constants) != 1:
        return [f"This is not the known law, {story.law}."]
    error = law.constants[0].error * abs(value / law.constants[0].value)
    unit = law.constants[0].unit
    lines = [f"This is the known law, {story.law}:"]
    lines.append(
        f"  {story.symbol} = {number_with_error(value, error)} {unit or ''}, from these {data.n_rows} rows"
    )
    for known, what in story.published:
        side = "above" if value > known else "below"
        lines.append(f"  {story.symbol} = {known:g} {what}")
        lines.append(f"    the fit is {100 * abs(value / known - 1):.2g} % {side}")
    return [*lines, f"  {story.remark}"]


if __name__ == "__main__":
    sys.exit(main())
