"""Julia in this process: started once, when it is first needed, on the main thread, with Ctrl-C left to Python."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import signal
import sys
import threading
import warnings
from collections.abc import Iterator, Mapping
from typing import Any

from balmer.engines.julia.installation import (
    NEEDED,
    first_line,
    installation,
    julia_option,
    source,
)
from balmer.errors import BalmerWarning, EngineError

__all__ = ["available", "julia", "require", "threads"]

_OLDEST = (1, 10)
_NO_BRIDGE = "the Python package juliacall is missing, the bridge to Julia: pip install juliacall"
# What Julia's signal thread takes for itself; Python has them back afterwards.
_SIGNALS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGQUIT") if hasattr(signal, name))
_HOW = (
    "PYTHON_JULIACALL_HANDLE_SIGNALS=yes and PYTHON_JULIACALL_THREADS=auto before anything imports juliacall"
)


class _Process:
    """What there is once in a process: a Julia cannot be stopped, and not be started a second time."""

    balmer: Any = None
    failure: str | None = None


def available() -> bool:
    """Whether Julia is set up here; it is neither started nor is juliacall imported."""
    try:
        require()
    except EngineError:
        return False
    return True


def require() -> None:
    """Refuse to go on where Julia is not set up; it is not started.

    Raises
    ------
    EngineError
        Saying what is missing and what to do.
    """
    if _running() is None:
        if importlib.util.find_spec("juliacall") is None:
            raise EngineError(_NO_BRIDGE)
        installation()


def julia(threads: int | None = None) -> Any:
    """The Julia module Balmer; Julia is started when this is called first, which takes some seconds.

    Parameters
    ----------
    threads : how many Julia shall start with; None for one per core. PYTHON_JULIACALL_THREADS and JULIA_NUM_THREADS
        go first, and what runs already keeps its number: see `threads`.

    Raises
    ------
    EngineError
        If Julia or a package is missing, too old or does not load, or this is not the main thread.
    """
    if threading.current_thread() is not threading.main_thread():
        raise EngineError(
            "Julia runs on the main thread only: call the Julia engine from there, or use engine='embedded'"
        )
    if _Process.failure is not None:
        raise EngineError(_Process.failure)
    if _Process.balmer is None:
        juliacall = _running()
        if juliacall is None:
            juliacall = _start(threads)
        else:
            _check_foreign(juliacall)
            _signals_to_python({number: signal.getsignal(number) for number in _SIGNALS})
        _Process.balmer = _load(juliacall)
    return _Process.balmer


def threads() -> int:
    """How many threads Julia computes on, which is fixed when it starts.

    Raises
    ------
    EngineError
        As for `julia`.
    """
    julia()
    return _nthreads(_running())


def _running() -> Any:
    """The juliacall module if Julia runs in this process, whoever started it."""
    module = sys.modules.get("juliacall")
    return module if module is not None and hasattr(module, "Main") else None


def _start(threads: int | None) -> Any:
    require()
    own = julia_option("threads") or os.environ.get("JULIA_NUM_THREADS")
    if julia_option("handle_signals") == "no" and own != "1":
        raise EngineError(
            "PYTHON_JULIACALL_HANDLE_SIGNALS=no lets Julia crash on several threads; unset it, or set "
            "PYTHON_JULIACALL_THREADS=1 too"
        )
    wanted = own or ("auto" if threads is None else str(threads))
    with _environment(wanted), _signals_kept():
        try:
            import juliacall
        except Exception as error:
            # What has been half started cannot be started again: the reason is kept.
            _Process.failure = f"Julia does not start: {first_line(error)}; see `balmer julia doctor`"
            raise EngineError(_Process.failure) from None
    return juliacall


@contextlib.contextmanager
def _environment(threads: str) -> Iterator[None]:
    """What Julia reads as it starts, where the user has not set it; processes started later do not inherit it."""
    settings = {
        "PYTHON_JULIACALL_HANDLE_SIGNALS": "yes",  # without it, several threads crash
        "PYTHON_JULIACALL_THREADS": threads,
        "PYTHON_JULIACALL_AUTOLOAD_IPYTHON_EXTENSION": "no",  # it would take over a notebook's magics
        "JULIA_NUM_GC_THREADS": str(_gc_threads(threads)),
    }
    added = [name for name in settings if name not in os.environ]
    os.environ.update({name: settings[name] for name in added})
    try:
        yield
    finally:
        for name in added:
            os.environ.pop(name, None)


def _gc_threads(threads: str) -> int:
    """Half as many as compute, for the collector runs while they stand still or nearly so."""
    first = threads.split(",")[0]
    if not first.isdecimal():
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
        return max(1, (cores or 1) // 2)
    return max(1, int(first) // 2)


@contextlib.contextmanager
def _signals_kept() -> Iterator[None]:
    """Signals that reached Python before the body reach it afterwards."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    blocked = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    handlers = {number: signal.getsignal(number) for number in _SIGNALS if number not in blocked}
    try:
        yield
    finally:
        _signals_to_python(handlers)


def _signals_to_python(handlers: Mapping[signal.Signals, Any]) -> None:
    """Give signals back that Julia has taken.

    Julia blocks them in every thread and waits for them in one of its own, where Ctrl-C becomes an exception in
    whatever Julia does at that moment, and SIGTERM ends the process. The kernel prefers the main thread wherever that
    does not block a signal: there Python's handler takes note of it. Where the main thread is busy with another signal,
    Julia's may still get a SIGINT; it then asks the handler that is installed, and that is Python's again.
    """
    if not hasattr(signal, "pthread_sigmask"):
        return
    for number, handler in handlers.items():
        if handler is not None:  # None: set by somebody outside Python, who shall have it
            signal.signal(number, handler)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, handlers)


def _check_foreign(juliacall: Any) -> None:
    """A Julia that somebody else has started has the number of threads and the signals that they chose."""
    count = _nthreads(juliacall)
    if (
        count > 1
        and juliacall.CONFIG.get("opt_handle_signals") != "yes"
        and juliacall.CONFIG.get("init", True)
    ):
        raise EngineError(
            f"Julia was started in this process on {count} threads without its signals, which crashes: set {_HOW}"
        )
    if count == 1 and (os.cpu_count() or 1) > 1:
        warnings.warn(
            f"Julia was started in this process with one thread, and a search uses no more: set {_HOW}",
            BalmerWarning,
            stacklevel=4,
        )


def _load(juliacall: Any) -> Any:
    main = juliacall.Main
    version = main.VERSION
    if (int(version.major), int(version.minor)) < _OLDEST:
        raise EngineError(f"Julia {version} is too old; Julia {_OLDEST[0]}.{_OLDEST[1]} or newer is needed")
    try:
        main.seval("path -> (path in LOAD_PATH || push!(LOAD_PATH, path); nothing)")(source())
        main.seval("import Balmer")
        return main.Balmer
    except juliacall.JuliaError as error:
        raise EngineError(
            f"the Julia package Balmer cannot be loaded: {first_line(error)}; it needs {' and '.join(NEEDED)}, see "
            f"`balmer julia doctor`"
        ) from None


def _nthreads(juliacall: Any) -> int:
    return int(juliacall.Main.seval("Threads.nthreads()"))
