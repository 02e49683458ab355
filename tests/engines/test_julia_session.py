"""Julia is found without being started, never downloaded by surprise, started once, and leaves Ctrl-C to Python."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from types import SimpleNamespace

import pytest

from balmer.engines.julia import installation as place
from balmer.engines.julia import session
from balmer.engines.julia.session import available
from balmer.errors import BalmerWarning, EngineError

posix = pytest.mark.skipif(sys.platform == "win32", reason="signals and scripts as on POSIX")


@pytest.fixture(autouse=True)
def nothing_started(monkeypatch):
    """The process as it was before Julia; what a test leaves behind goes with it."""
    fresh = type("Fresh", (), {"balmer": None, "failure": None})
    monkeypatch.setattr(session, "_Process", fresh)


def test_without_julia_it_says_what_to_do_and_makes_nothing(no_julia):
    assert not available()
    with pytest.raises(EngineError, match="run `balmer julia install`, or use --engine embedded"):
        session.julia()
    assert not no_julia.exists()
    assert "juliacall" not in sys.modules


@posix
def test_julia_named_by_the_environment_is_there(julia_on_paper):
    executable, project = julia_on_paper()
    assert available()
    found = place.installation()
    assert (found.executable, found.project, found.version) == (executable, project, "1.10.8")
    assert found.packages["SymbolicRegression"] == "2.7.2"
    assert "juliacall" not in sys.modules


@posix
@pytest.mark.parametrize(
    ("made", "message"),
    [
        ({"version": "1.9.4"}, r"Julia 1\.9\.4 at '.*' is too old; Julia 1\.10 or newer"),
        (
            {"packages": {"PythonCall": "0.9.36"}},
            "'.*project' has no package SymbolicRegression; add it there",
        ),
        ({"packages": {}}, "has no package PythonCall"),
        ({"version": "''; echo nothing"}, "is no Julia executable"),
    ],
)
def test_a_julia_that_cannot_serve_is_named(julia_on_paper, made, message):
    julia_on_paper(**made)
    assert not available()
    with pytest.raises(EngineError, match=message):
        session.require()


@posix
@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("PYTHON_JULIACALL_PROJECT", None, "PYTHON_JULIACALL_EXE is set without PYTHON_JULIACALL_PROJECT"),
        ("PYTHON_JULIACALL_EXE", None, "PYTHON_JULIACALL_PROJECT is set without PYTHON_JULIACALL_EXE"),
        ("PYTHON_JULIACALL_EXE", "/nowhere/julia", "'/nowhere/julia': there is no such executable"),
        ("PYTHON_JULIACALL_PROJECT", "/nowhere", "'/nowhere': there is no Julia project"),
    ],
)
def test_half_an_environment_is_refused_by_name(julia_on_paper, monkeypatch, name, value, message):
    julia_on_paper()
    if value is None:
        monkeypatch.delenv(name)
    else:
        monkeypatch.setenv(name, value)
    assert not available()
    with pytest.raises(EngineError, match=message):
        session.require()


@posix
@pytest.mark.parametrize("current", [True, False])
def test_what_juliapkg_has_set_up_is_taken_while_it_holds(no_julia, julia_on_paper, monkeypatch, current):
    import juliapkg

    executable, project = julia_on_paper()
    for name in ("EXE", "PROJECT"):
        monkeypatch.delenv(f"PYTHON_JULIACALL_{name}")
    (no_julia / "pyjuliapkg").mkdir(parents=True)
    (no_julia / "pyjuliapkg" / "meta.json").write_text(f'{{"executable": "{executable}"}}')
    (no_julia / "Manifest.toml").write_text((project / "Manifest.toml").read_text())
    asked = []
    monkeypatch.setattr(juliapkg, "resolve", lambda **options: asked.append(options) or current)
    assert available() == current
    if not current:
        with pytest.raises(EngineError, match=r"have changed .* run `balmer julia install` again"):
            session.require()
    assert all(options == {"dry_run": True} for options in asked)  # anything else may download


def test_every_juliapkg_file_is_one_that_juliapkg_finds():
    """In a checkout as in a wheel it lies in the package, and has no path that only one of them could have."""
    import json
    from pathlib import Path

    from juliapkg.deps import deps_files

    import balmer

    file = Path(balmer.__file__).with_name("juliapkg.json")
    assert str(file) in deps_files()
    asked = json.loads(file.read_text())
    assert set(asked["packages"]) == {"SymbolicRegression"}
    assert "path" not in asked["packages"]["SymbolicRegression"]
    source = Path(place.source())
    assert (source / "Project.toml").is_file()
    assert (source / "julia" / "Balmer.jl").is_file()


def test_only_the_main_thread_may_call_julia():
    caught = []

    def elsewhere():
        try:
            session.julia()
        except EngineError as error:
            caught.append(str(error))

    thread = threading.Thread(target=elsewhere)
    thread.start()
    thread.join()
    assert caught == [
        "Julia runs on the main thread only: call the Julia engine from there, or use engine='embedded'"
    ]


def foreign(threads, handle_signals):
    """juliacall as it looks when somebody else has started it."""
    answers = {"Threads.nthreads()": threads, "import Balmer": None}
    main = SimpleNamespace(
        seval=lambda text: answers.get(text, lambda path: None),
        VERSION=SimpleNamespace(major=1, minor=10),
        Balmer="the module",
    )
    return SimpleNamespace(Main=main, CONFIG={"opt_handle_signals": handle_signals}, JuliaError=RuntimeError)


def test_a_julia_on_one_thread_serves_with_one_warning(monkeypatch, recwarn):
    monkeypatch.setitem(sys.modules, "juliacall", foreign(1, None))
    monkeypatch.setattr(os, "cpu_count", lambda: 8)
    with pytest.warns(BalmerWarning, match="one thread, .* PYTHON_JULIACALL_THREADS=auto"):
        assert session.julia() == "the module"
    recwarn.clear()
    assert session.julia() == "the module"
    assert session.threads() == 1
    assert not recwarn.list


def test_a_julia_on_threads_without_its_signals_is_refused(monkeypatch):
    monkeypatch.setitem(sys.modules, "juliacall", foreign(4, "no"))
    with pytest.raises(
        EngineError, match=r"on 4 threads without its signals.* PYTHON_JULIACALL_HANDLE_SIGNALS=yes"
    ):
        session.julia()
    monkeypatch.setitem(sys.modules, "juliacall", foreign(4, "yes"))
    assert session.julia() == "the module"


@posix
def test_signals_off_with_threads_is_refused_before_the_start(julia_on_paper, monkeypatch):
    julia_on_paper()
    monkeypatch.setenv("PYTHON_JULIACALL_HANDLE_SIGNALS", "no")
    monkeypatch.delenv("PYTHON_JULIACALL_THREADS", raising=False)
    with pytest.raises(EngineError, match="PYTHON_JULIACALL_HANDLE_SIGNALS=no lets Julia crash"):
        session.julia()
    assert "juliacall" not in sys.modules


# Stands in for juliacall: notes the environment it was started in and takes the signals as Julia does.
STAND_IN = """
import os, signal
from types import SimpleNamespace
seen = {k: v for k, v in os.environ.items() if k.startswith(("PYTHON_JULIACALL", "JULIA_NUM"))}
signal.signal(signal.SIGINT, signal.SIG_DFL)
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT, signal.SIGTERM, signal.SIGQUIT])
CONFIG, JuliaError = {"opt_handle_signals": "yes"}, RuntimeError
Main = SimpleNamespace(seval=lambda text: lambda path: None, VERSION=SimpleNamespace(major=1, minor=10), Balmer=seen)
"""
USER = """
import os, signal, sys
from balmer.engines.julia import session
before = dict(os.environ)
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGQUIT])
seen = session.julia(threads=6)
assert dict(os.environ) == before
assert signal.pthread_sigmask(signal.SIG_BLOCK, ()) == {signal.SIGQUIT}  # as the user had it
assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL
try:
    signal.raise_signal(signal.SIGINT)
except KeyboardInterrupt:
    for name in sorted(seen):
        print(name, seen[name])
"""


def started(tmp_path, monkeypatch, text=STAND_IN):
    (tmp_path / "juliacall.py").write_text(text)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    return subprocess.run(
        [sys.executable, "-c", USER], capture_output=True, text=True, check=False, preexec_fn=default_sigint
    )


def default_sigint():
    # A shell that runs the tests in the background has set SIGINT to be ignored, which children inherit.
    signal.signal(signal.SIGINT, signal.default_int_handler)


@posix
def test_julia_starts_with_signals_and_threads_and_python_keeps_ctrl_c(julia_on_paper, tmp_path, monkeypatch):
    executable, project = julia_on_paper()
    for name in ("THREADS", "HANDLE_SIGNALS", "AUTOLOAD_IPYTHON_EXTENSION"):
        monkeypatch.delenv(f"PYTHON_JULIACALL_{name}", raising=False)
    done = started(tmp_path, monkeypatch)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        "JULIA_NUM_GC_THREADS 3",
        "PYTHON_JULIACALL_AUTOLOAD_IPYTHON_EXTENSION no",
        f"PYTHON_JULIACALL_EXE {executable}",
        "PYTHON_JULIACALL_HANDLE_SIGNALS yes",
        f"PYTHON_JULIACALL_PROJECT {project}",
        "PYTHON_JULIACALL_THREADS 6",
    ]


@posix
def test_what_the_user_has_set_goes_first(julia_on_paper, tmp_path, monkeypatch):
    julia_on_paper()
    monkeypatch.setenv("PYTHON_JULIACALL_THREADS", "2")
    monkeypatch.setenv("JULIA_NUM_GC_THREADS", "7")
    done = started(tmp_path, monkeypatch)
    assert done.returncode == 0, done.stderr
    assert {"JULIA_NUM_GC_THREADS 7", "PYTHON_JULIACALL_THREADS 2"} <= set(done.stdout.splitlines())


@posix
def test_a_start_that_fails_is_one_sentence_and_is_not_tried_again(julia_on_paper, tmp_path, monkeypatch):
    julia_on_paper()
    (tmp_path / "juliacall.py").write_text(
        "raise Exception('PythonCall.jl did not start properly\\nStacktrace:')"
    )
    monkeypatch.syspath_prepend(tmp_path)
    wanted = "Julia does not start: PythonCall.jl did not start properly; see `balmer julia doctor`"
    with pytest.raises(EngineError) as first:
        session.julia()
    (tmp_path / "juliacall.py").write_text(STAND_IN)
    with pytest.raises(EngineError) as second:
        session.julia()
    assert str(first.value) == str(second.value) == wanted


def test_a_module_that_does_not_load_is_one_sentence(monkeypatch):
    def seval(text):
        if text == "import Balmer":
            raise RuntimeError("ArgumentError: Package Balmer not found in current path.\n- Run `import Pkg`")
        return 1 if text.startswith("Threads") else lambda path: None

    julia = foreign(1, "yes")
    julia.Main.seval = seval
    monkeypatch.setitem(sys.modules, "juliacall", julia)
    monkeypatch.setattr(os, "cpu_count", lambda: 1)
    with pytest.raises(EngineError) as caught:
        session.julia()
    assert "cannot be loaded: ArgumentError: Package Balmer not found in current path; it needs" in str(
        caught.value
    )
    assert "\n" not in str(caught.value)


# A real Julia: its threads compute and collect garbage while Python makes short calls into it, as an engine does.
BUSY = """
import sys
from balmer.engines.julia import session
balmer = session.julia()
julia = session._running().Main
julia.seval('''
const going = Threads.Atomic{Bool}(true)
const counted = Threads.Atomic{Int}(0)
churn() = while going[]
    Threads.atomic_add!(counted, length(unique(rand(1:100, 1000))))
    GC.safepoint()
end
const tasks = [Threads.@spawn(churn()) for _ in 1:max(1, Threads.nthreads() - 1)]
breathe() = (yield(); sleep(0.001); counted[])
''')
def wait():
    while True:
        julia.breathe()
for round in range(3):
    try:
        print("busy", flush=True)
        wait()
    except KeyboardInterrupt:
        print("interrupted", flush=True)
    julia.GC.gc(True)
before = int(julia.breathe())
while int(julia.breathe()) <= before:
    pass
julia.seval("going[] = false; foreach(wait, tasks)")
print("threads", session.threads(), "sum", julia.seval("sum(1:100)"), flush=True)
print("busy", flush=True)
wait()
"""


@posix
@pytest.mark.julia
def test_ctrl_c_reaches_python_while_julia_computes_and_julia_lives_on():
    command = [sys.executable, "-c", BUSY]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          preexec_fn=default_sigint) as process:  # fmt: skip
        lines = iter(process.stdout.readline, "")
        for _ in range(3):
            assert next(lines) == "busy\n"
            process.send_signal(signal.SIGINT)
            assert next(lines) == "interrupted\n"
        assert next(lines).endswith("sum 5050\n")
        assert next(lines) == "busy\n"
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate()
    assert process.returncode == -signal.SIGTERM, (
        err
    )  # by Python's handler, not by Julia's with its backtrace
    assert err == ""
