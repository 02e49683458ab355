"""Ctrl-C and SIGTERM: the first asks the search to end and keep what it has, the second leaves at once."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Iterator
from types import FrameType, TracebackType
from typing import Any, Self

__all__ = ["Interrupted", "Interrupts"]

_CODES = {signal.SIGINT: 130, signal.SIGTERM: 143}


class Interrupted(BaseException):
    """Raised where nothing is worth keeping yet; like KeyboardInterrupt it passes by what catches errors."""

    def __init__(self, code: int) -> None:
        super().__init__("Interrupted; nothing was written.")
        self.code = code


class Interrupts:
    """Handles the two signals while it is entered.

    Python would raise KeyboardInterrupt between any two lines, amid a refit or while a file is written. Here a
    signal only leaves a note, which the search reads at its next report: the front is refitted and saved as always.

    Attributes
    ----------
    code : exit code of the signal that came, None if none did.
    """

    def __init__(self) -> None:
        self.code: int | None = None
        self._searching = False
        self._shielded = 0
        self._last_words = "nothing was written"
        self._leave = False
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            for number in _CODES:
                # A signal that the shell has set to be ignored (nohup, a background job) stays ignored.
                if signal.getsignal(number) is not signal.SIG_IGN:
                    self._before[number] = signal.signal(number, self._handle)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    @property
    def asked(self) -> bool:
        """Whether the search shall end."""
        return self.code is not None

    def searching(self) -> None:
        """From now on there is something to keep: a signal no longer raises."""
        self._searching = True

    def last_words(self, text: str) -> None:
        """What to say of the files when a second signal ends everything."""
        self._last_words = text

    @contextlib.contextmanager
    def shield(self) -> Iterator[None]:
        """Files are being written: a second signal waits until they are."""
        self._shielded += 1
        try:
            yield
        finally:
            self._shielded -= 1
            if self._leave and not self._shielded:
                self._exit()

    def _handle(self, number: int, frame: FrameType | None) -> None:
        again = self.asked
        self.code = _CODES[signal.Signals(number)]
        if not self._searching:
            raise Interrupted(self.code)
        # Nothing is printed here: the signal may have come amid a print, which cannot be entered twice.
        if again and self._shielded:
            self._leave = True
        elif again:
            self._exit()

    def _exit(self) -> None:
        # Not an exception: threads that compile or compute would be waited for.
        cursor = "\x1b[?25h" if sys.stderr.isatty() else ""
        with contextlib.suppress(OSError):
            os.write(2, f"{cursor}\nInterrupted again; {self._last_words}.\n".encode(errors="replace"))
        os._exit(self.code or 130)
