"""A search as a user has it: watched in the terminal, written to a run, ended by Ctrl-C without loss."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.text import Text

from balmer.cli.interrupt import Interrupts
from balmer.cli.progress import watching
from balmer.cli.settings import Settings, file_name
from balmer.errors import BalmerError

if TYPE_CHECKING:
    from balmer.engines import Problem
    from balmer.engines.base import Progress
    from balmer.search import Discovery
    from balmer.search.run import Run

__all__ = ["Outcome", "search"]


@dataclass(frozen=True)
class Outcome:
    """What a search found and where it is written.

    Attributes
    ----------
    code : the exit code that a signal asks for; None if the search came to its end.
    failure : what kept the run from being written; None if it was.
    """

    found: Discovery
    path: Path
    code: int | None = None
    failure: BalmerError | None = None


def search(settings: Settings, *, console: Console, overwrite: bool = False) -> Outcome:
    """Read the table, search, and write the run; progress goes to the console.

    No file is written before the engine has begun, when nothing of what the user gave can be wrong any more.

    Raises
    ------
    BalmerError
        One sentence about the setting, column, unit or file.
    Interrupted
        On a signal before the search has begun.
    """
    with watching(console) as shown, Interrupts() as interrupts:
        shown.stage(f"reading {settings.file.name}")
        from balmer.search.discover import discover
        from balmer.search.run import Run, check_destination

        limits = settings.limits()
        if settings.out is not None:
            check_destination(settings.out, overwrite=overwrite)
        problem = settings.problem()
        for notice in problem.notices:
            console.print(Text(f"Note: {notice}.", style="yellow"))
        place = settings.out or _place(settings.file, problem)
        run: Run | None = None
        noted = False

        def begun() -> Run:
            return Run.create(
                place,
                problem,
                settings.record(),
                overwrite=overwrite,
                numbered=settings.out is None and not overwrite,
            )

        def on_progress(report: Progress) -> bool:
            nonlocal run, noted
            if run is None and report.fraction is not None:  # only an engine knows how far it is
                with interrupts.shield():
                    run = begun()
            if run is not None:
                with interrupts.shield():
                    run.record(report, save=interrupts.asked)
                    saved = "the laws saved last are" if run.has_front else "no law was saved yet"
                    interrupts.last_words(f"{saved} in {run.path}")
            if not interrupts.asked:
                shown.report(report, limits.seconds)  # what is shown is already on disk
            elif not noted:
                noted = True
                shown.stage("interrupted: finishing (Ctrl-C again leaves at once)")
            return interrupts.asked

        interrupts.searching()
        found = discover(
            problem,
            time=limits.seconds,
            evaluations=limits.evaluations,
            target_loss=limits.target_loss,
            patience=limits.patience,
            seed=settings.seed,
            threads=settings.threads,
            engine=settings.engine,
            precision=settings.precision,
            start=settings.start,
            on_progress=on_progress,
        )
        failure: BalmerError | None = None
        with interrupts.shield():
            try:
                run = run or begun()
                run.finish(found)
            except BalmerError as error:  # hours of search are shown even where they cannot be saved
                failure = error
        return Outcome(found, run.path if run else place, interrupts.code, failure)


def _place(file: Path, problem: Problem) -> Path:
    """runs/TABLE-TARGET."""
    return Path("runs") / file_name(f"{file.stem}-{problem.dataset.target.name}")
