"""Progress of a search on stderr: a bar in a terminal, plain lines elsewhere."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Protocol

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, SpinnerColumn, Task
from rich.text import Text

if TYPE_CHECKING:
    from balmer.engines.base import Progress as Report

__all__ = ["Watching", "watching"]

_LINE_EVERY = 10.0  # seconds between two plain lines of one stage
_LINE_AFTER = (
    1.0  # seconds that reading must take to be worth a plain line: a mistake in the file prints only itself
)


class Watching(Protocol):
    """Shows how far a search is."""

    def stage(self, text: str) -> None:
        """Say what is being done."""

    def report(self, report: Report, limit: float | None) -> None:
        """Show a report of the search; `limit` is the budget in seconds, if there is one."""


@contextlib.contextmanager
def watching(console: Console) -> Iterator[Watching]:
    """Show progress until the block is left; the bar then vanishes."""
    if not console.is_terminal or console.is_dumb_terminal:
        lines = _Lines(console)
        try:
            yield lines
        finally:
            lines.close()
        return
    columns = (SpinnerColumn(), _Words(), BarColumn(bar_width=16), _Numbers(), _Clock())
    with Progress(*columns, console=console, transient=True, refresh_per_second=8) as progress:
        yield _Bar(progress)


class _Bar:
    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._task = progress.add_task("starting", total=None, numbers="", left=None)

    def stage(self, text: str) -> None:
        self._progress.update(self._task, description=text, total=None, numbers="", left=None)

    def report(self, report: Report, limit: float | None) -> None:
        fraction = report.fraction
        self._progress.update(
            self._task,
            description=report.stage,
            total=None if fraction is None else 1.0,
            completed=fraction or 0.0,
            numbers=_numbers(report),
            left=_left(report, limit),
        )


class _Words(ProgressColumn):
    def render(self, task: Task) -> Text:
        return Text(task.description, style="bold", overflow="ellipsis", no_wrap=True)


class _Numbers(ProgressColumn):
    def render(self, task: Task) -> Text:
        return Text(task.fields["numbers"], no_wrap=True)


class _Clock(ProgressColumn):
    def render(self, task: Task) -> Text:
        left = task.fields["left"]
        text = _minutes(task.elapsed or 0.0) + ("" if left is None else f", {_minutes(left)} left")
        return Text(text, style="cyan", no_wrap=True)


class _Lines:
    def __init__(self, console: Console) -> None:
        self._console = console
        self._begin = time.monotonic()
        self._shown = ""
        self._at = 0.0
        self._with_front = False
        self._pending: threading.Timer | None = None

    def stage(self, text: str) -> None:
        self.close()
        if self._shown:
            self._show(text, text)
        else:
            self._pending = threading.Timer(_LINE_AFTER, self._show, (text, text))
            self._pending.daemon = True
            self._pending.start()

    def report(self, report: Report, limit: float | None) -> None:
        self.close()
        again = report.stage == self._shown and bool(report.front) == self._with_front
        if again and time.monotonic() - self._at < _LINE_EVERY:
            return
        self._with_front = bool(report.front)
        parts = [report.stage]
        if report.front:
            left = _left(report, limit)
            parts += [_numbers(report), *([f"{_minutes(left)} left"] if left is not None else [])]
        self._show(report.stage, ", ".join(parts))

    def close(self) -> None:
        """Say nothing more of what is now over."""
        if self._pending is not None:
            self._pending.cancel()
            self._pending = None

    def _show(self, stage: str, text: str) -> None:
        self._shown, self._at = stage, time.monotonic()
        self._console.print(Text(f"{_minutes(self._at - self._begin)} {text}"), soft_wrap=True)


def _numbers(report: Report) -> str:
    parts = [f"{_short(report.evaluations)} formulas"] if report.evaluations else []
    parts += [f"loss {report.front[-1].loss:.2e}"] if report.front else []
    return ", ".join(parts)


def _left(report: Report, limit: float | None) -> float | None:
    """Seconds that are left, by the clock or, for a budget in evaluations, by the pace so far."""
    if not report.fraction or report.seconds <= 0:
        return None
    by_pace = report.seconds * (1 / report.fraction - 1)
    return by_pace if limit is None else min(by_pace, max(limit - report.seconds, 0.0))


def _short(number: int) -> str:
    if number < 10_000:
        return str(number)
    return f"{number / 1e3:.0f}k" if number < 1e6 else f"{number / 1e6:.1f}M"


def _minutes(seconds: float) -> str:
    whole = int(seconds)
    if whole < 3600:
        return f"{whole // 60}:{whole % 60:02d}"
    return f"{whole // 3600}:{whole // 60 % 60:02d}:{whole % 60:02d}"
