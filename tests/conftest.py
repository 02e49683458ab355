"""Settings of the whole suite, and what it does with and without Julia."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

# Compilation and a busy machine make single examples slow; a test says what is true, never how fast. The examples
# are the same in every run, so that a green main stays green.
settings.register_profile(
    "balmer",
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
settings.load_profile("balmer")

_NO_JULIA = "Julia is not set up here"
_HOW = "  .venv/bin/balmer julia install && .venv/bin/pytest -m julia"
# A shell that runs the tests in the background has Ctrl-C ignored, for which some of them would wait forever.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
# One Julia serves all tests of a process, whichever asks for it first.
os.environ.setdefault("PYTHON_JULIACALL_THREADS", "4")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests marked `julia` are skipped where there is none."""
    marked = [item for item in items if item.get_closest_marker("julia")]
    if not marked:
        return
    from balmer.engines.julia import session

    if not session.available():
        for item in marked:
            item.add_marker(pytest.mark.skip(reason=_NO_JULIA))


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Say how many tests were skipped for want of Julia, and how to run them."""
    reasons = (str(report.longrepr) for report in terminalreporter.stats.get("skipped", ()))
    skipped = sum(_NO_JULIA in reason for reason in reasons)
    if skipped:
        tests = "1 test needs" if skipped == 1 else f"{skipped} tests need"
        terminalreporter.section("Julia")
        terminalreporter.line(f"{tests} Julia, which is not set up here, and did not run; to run them:")
        terminalreporter.line(_HOW)


@pytest.fixture(autouse=True)
def embedded_without_the_mark(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """With "auto" a test that is not marked searches with the embedded engine, so that it is the same everywhere."""
    if not request.node.get_closest_marker("julia"):
        from balmer.engines.julia import session

        monkeypatch.setattr(session, "available", lambda: False)


@pytest.fixture
def no_julia(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A machine on which Julia was never set up; gives the place where juliapkg would set it up."""
    from juliapkg.state import STATE

    place = tmp_path / "julia_env"
    for name in ("PYTHON_JULIACALL_EXE", "PYTHON_JULIACALL_PROJECT", "JULIA_NUM_THREADS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PYTHON_JULIAPKG_PROJECT", str(place))  # for processes that the test starts
    monkeypatch.setitem(STATE, "project", str(place))
    monkeypatch.setitem(STATE, "meta", str(place / "pyjuliapkg" / "meta.json"))
    monkeypatch.setitem(STATE, "resolved", False)
    monkeypatch.delitem(sys.modules, "juliacall", raising=False)
    return place


PACKAGES = {"PythonCall": "0.9.36", "SymbolicRegression": "2.7.2"}


@pytest.fixture
def julia_on_paper(
    no_julia: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Callable[..., tuple[Path, Path]]:
    """A julia that only says its version, and a project whose packages are only listed; named by the environment."""

    def make(version: str = "1.10.8", packages: dict[str, str] = PACKAGES) -> tuple[Path, Path]:
        executable, project = tmp_path / "julia", tmp_path / "project"
        executable.write_text(f"#!/bin/sh\necho julia version {version}\n")
        executable.chmod(0o755)
        project.mkdir(exist_ok=True)
        (project / "Project.toml").write_text("")
        entries = "".join(f'[[deps.{name}]]\nversion = "{v}"\n' for name, v in packages.items())
        (project / "Manifest.toml").write_text(f'julia_version = "{version}"\n{entries}')
        monkeypatch.setenv("PYTHON_JULIACALL_EXE", str(executable))
        monkeypatch.setenv("PYTHON_JULIACALL_PROJECT", str(project))
        return executable, project

    return make
