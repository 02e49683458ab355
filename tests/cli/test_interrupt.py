"""Ctrl-C and SIGTERM: what was found is shown and saved, the exit code says which it was, no file is torn."""

import os
import signal
import subprocess
import sys

import pytest

from balmer.cli.interrupt import Interrupted, Interrupts
from balmer.search.run import load_run

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals as on POSIX")


def default_sigint():
    # A shell that runs the tests in the background has set SIGINT to be ignored, which children inherit.
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def fit(planets, folder, engine="embedded"):
    command = [sys.executable, "-m", "balmer", "fit", str(planets), "--time", "1h", "--out", "run"]
    command += ["--engine", engine]
    return subprocess.Popen(
        command,
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=default_sigint,
    )


def wait_for(stream, text):
    for line in stream:
        if text in line:
            return
    raise AssertionError(f"the process ended without saying {text!r}")


@pytest.mark.parametrize("engine", ["embedded", pytest.param("julia", marks=pytest.mark.julia)])
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_the_front_so_far_is_shown_and_saved(planets, tmp_path, number, code, engine):
    with fit(planets, tmp_path, engine) as process:
        wait_for(process.stderr, "evolution, ")
        process.send_signal(number)
        out, err = process.communicate()
    assert process.returncode == code, err
    run = load_run(tmp_path / "run")
    assert run.stopped == "interrupted"
    assert run.front.best.text() == "365.035*a**(3/2)"
    assert run.state()
    assert "Interrupted: these are the laws found until then." in out
    assert "T = c1*a**(3/2)" in out
    assert "Traceback" not in err
    assert not list(tmp_path.rglob("*.tmp"))


def test_a_second_ctrl_c_leaves_whole_files(planets, tmp_path):
    with fit(planets, tmp_path) as process:
        wait_for(process.stderr, "evolution, ")
        process.send_signal(signal.SIGINT)
        wait_for(process.stderr, "interrupted: finishing")
        process.send_signal(signal.SIGINT)
        _, err = process.communicate()
    assert process.returncode == 130
    assert "Traceback" not in err
    run = load_run(tmp_path / "run")  # at the latest the first Ctrl-C has saved a front
    assert len(run.front) > 0
    assert not list(tmp_path.rglob("*.tmp"))


def signalled(function, number=signal.SIGINT):
    def with_signal(*arguments, **options):
        signal.raise_signal(number)
        return function(*arguments, **options)

    return with_signal


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_before_the_search_nothing_is_written(balmer, planets, tmp_path, monkeypatch, number, code):
    from balmer.data import Dataset

    monkeypatch.setattr(Dataset, "from_file", signalled(Dataset.from_file, number))
    assert balmer("fit", planets) == (code, "", "Interrupted; nothing was written.\n")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("stage", ["power_laws", "small_formulas", "_front"])
def test_at_any_stage_there_is_a_front(balmer, planets, monkeypatch, stage):
    module = sys.modules["balmer.search.discover"]
    monkeypatch.setattr(module, stage, signalled(getattr(module, stage)))
    code, out, _ = balmer("fit", planets, "--evaluations", "3000")
    assert code == 130
    assert "Interrupted: these are the laws found until then." in out
    assert load_run("runs/planets-T").front.best.text() == "365.035*a**(3/2)"


def test_handlers_are_put_back(balmer, planets):
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    balmer("fit", planets, "--evaluations", "100")
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before


class Left(Exception):
    pass


@pytest.fixture
def exits(monkeypatch):
    """Codes of os._exit, which the tests must survive."""
    codes = []

    def leave(code):
        codes.append(code)
        raise Left

    monkeypatch.setattr(os, "_exit", leave)
    monkeypatch.setattr(os, "write", lambda descriptor, text: len(text))
    return codes


def test_the_first_signal_asks_the_second_leaves(exits):
    with Interrupts() as interrupts:
        interrupts.searching()
        assert not interrupts.asked
        signal.raise_signal(signal.SIGINT)
        assert (interrupts.asked, interrupts.code, exits) == (True, 130, [])
        with pytest.raises(Left):
            signal.raise_signal(signal.SIGTERM)
    assert exits == [143]


def test_a_second_signal_waits_until_files_are_written(exits):
    done = []
    with Interrupts() as interrupts:
        interrupts.searching()
        signal.raise_signal(signal.SIGINT)

        def write():
            with interrupts.shield(), interrupts.shield():
                signal.raise_signal(signal.SIGINT)
                done.append("written")
                assert exits == []

        with pytest.raises(Left):
            write()
    assert (done, exits) == (["written"], [130])


def test_before_the_search_a_signal_raises():
    with pytest.raises(Interrupted) as caught, Interrupts():
        signal.raise_signal(signal.SIGTERM)
    assert caught.value.code == 143


def test_a_signal_that_is_ignored_stays_ignored():
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with Interrupts() as interrupts:
            signal.raise_signal(signal.SIGINT)
            assert not interrupts.asked
    finally:
        signal.signal(signal.SIGINT, before)
