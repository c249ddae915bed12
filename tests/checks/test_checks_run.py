# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path

import pytest

from imagewright.checks.run import DETAIL, PLACE, run_checks
from imagewright.checks.suite import SUITE, find
from imagewright.errors import ConfigurationError, MachineError
from imagewright.events import Event
from imagewright.events.building import CheckFinished
from imagewright.model.plan import CheckWork
from imagewright.model.sandboxing import OverlayRoot, SandboxRequest
from support.fake_sandbox import FakeSandbox, Reply

ROOT = OverlayRoot((Path("/layers/python"), Path("/layers/base")), upper=Path("/up"), work=Path("/work"))


def work(*checks: str, address: str = "http://mirror.example/debian") -> CheckWork:
    return CheckWork(
        name="3.13-slim-trixie",
        platform="linux/amd64",
        release="3.13.15",
        variant="slim",
        checks=checks,
        optional_modules=("_tkinter", "_curses"),
        address=address,
    )


def answering(**replies: Reply) -> FakeSandbox:
    """A sandbox in which each check's program answers as told."""

    def answer(request: SandboxRequest) -> Reply:
        name = Path(request.argv[1]).stem.removeprefix("check_")
        return replies.get(name, Reply(output=(b"fine\n",)))

    return FakeSandbox(default=answer)


@pytest.mark.parametrize(
    ("reply", "passed", "detail"),
    [
        (Reply(0, (b"273 mod", b"ules\n")), True, "273 modules"),
        (Reply(0, (b"a warning\nthe result\n\n",)), True, "the result"),
        (Reply(0), True, "no output"),
        (Reply(77, (b"no archive can be reached\n",)), True, "skipped: no archive can be reached"),
        (Reply(1, (b"Traceback\nKeyError: 'x'\n",)), False, "KeyError: 'x'"),
        (Reply(1), False, "no output"),
        (Reply(2, (b"cannot open file\n",)), False, "exit status 2: cannot open file"),
        (Reply(127, (b"python3: No such file or directory\n",)), False, "exit status 127: python3: No such file"),
        (Reply(139), False, "ended by signal 11; last output: none"),
        (
            Reply(0, (b"begun\n",), seconds=1e6),
            False,
            "killed after 120 s: too slow, or too little memory; last output: begun",
        ),
        (Reply(1, (b"\xff\xfe broken\n",)), False, "\ufffd\ufffd broken"),
        (Reply(1, (b"x" * 5_000_000,)), False, "x" * DETAIL),
    ],
)
def test_a_program_s_end_becomes_a_result(reply: Reply, passed: bool, detail: str) -> None:
    (result,) = run_checks(answering(sqlite=reply), ROOT, work("sqlite"), lambda _: None)
    assert (result.check, result.passed) == ("sqlite", passed)
    assert result.detail.startswith(detail)
    assert len(result.detail) <= DETAIL + 50


def test_all_checks_run_even_if_one_fails_and_results_keep_their_order() -> None:
    seen: list[Event] = []
    sandbox = answering(tls=Reply(1, (b"bad\n",), seconds=2.0))
    results = run_checks(sandbox, ROOT, work("version", "tls", "dbm"), seen.append)
    assert [(each.check, each.passed) for each in results] == [("version", True), ("tls", False), ("dbm", True)]
    finished = {event.check: event for event in seen if isinstance(event, CheckFinished)}
    assert finished["tls"] == CheckFinished("tls", passed=False, detail="bad", seconds=2.0)
    assert set(finished) == {"version", "tls", "dbm"}


def test_what_a_program_is_given() -> None:
    sandbox = answering()
    environment = (("PATH", "/usr/local/bin:/bin"), ("LANG", "C.UTF-8"))
    run_checks(sandbox, ROOT, work("time-zones"), lambda _: None, environment=environment)
    (request,) = sandbox.requests
    assert request.argv == ("python3", f"{PLACE}/check_time_zones.py")
    assert request.root == OverlayRoot(ROOT.lower)  # never the image's own upper directory
    assert dict(request.environment) == {
        "PATH": "/usr/local/bin:/bin",
        "HOME": "/root",
        "LANG": "C.UTF-8",
        "IW_RELEASE": "3.13.15",
        "IW_VARIANT": "slim",
        "IW_PARTS": "interpreter development installers extras debug",
        "IW_OPTIONAL_MODULES": "_tkinter _curses",
        "IW_ADDRESS": "",
    }
    assert [(bind.target, bind.writable) for bind in request.binds] == [(PLACE, False)]
    assert (request.network, request.timeout) == (False, find("time-zones").timeout)


def test_looking_for_bytecode_leaves_none() -> None:
    sandbox = answering()
    run_checks(sandbox, ROOT, work("no-bytecode", "bytecode"), lambda _: None)
    told = {Path(request.argv[1]).stem: dict(request.environment) for request in sandbox.requests}
    assert told["check_no_bytecode"]["PYTHONDONTWRITEBYTECODE"] == "1"
    assert "PYTHONDONTWRITEBYTECODE" not in told["check_bytecode"]


def test_python_2_runs_programs_of_its_own() -> None:
    sandbox = answering()
    run_checks(sandbox, ROOT, replace(work("tls"), release="2.7.18"), lambda _: None)
    (request,) = sandbox.requests
    assert request.argv == ("python2", f"{PLACE}/two/check_tls.py")


def test_programs_are_there_while_they_run_and_gone_afterwards() -> None:
    there: dict[str, bool] = {}

    def look(request: SandboxRequest) -> None:
        source = request.binds[0].source
        there.update({str(source): (source / "verdict.py").exists() and (source / "check_tls.py").exists()})

    run_checks(answering(tls=Reply(effect=look)), ROOT, work("tls"), lambda _: None)
    ((place, found),) = there.items()
    assert found
    assert not Path(place).exists()


def test_only_checks_that_need_an_archive_get_out() -> None:
    sandbox = answering()
    run_checks(sandbox, ROOT, work(*(check.name for check in SUITE)), lambda _: None)
    out = [request for request in sandbox.requests if request.network]
    assert [request.argv[1] for request in out] == [f"{PLACE}/check_apt.py"]
    assert dict(out[0].environment)["IW_ADDRESS"] == "http://mirror.example/debian"
    assert all(not bind.writable for request in sandbox.requests for bind in request.binds)


def test_without_an_archive_nothing_gets_out() -> None:
    sandbox = answering()
    run_checks(sandbox, ROOT, work("apt", address=""), lambda _: None)
    assert not sandbox.requests[0].network


def test_an_unknown_check_is_an_error_before_anything_runs() -> None:
    sandbox = answering()
    with pytest.raises(ConfigurationError, match="no check called 'colour'"):
        run_checks(sandbox, ROOT, work("version", "colour"), lambda _: None)
    assert sandbox.requests == []


def test_a_machine_without_namespaces_is_no_failed_check() -> None:
    sandbox = FakeSandbox(default=MachineError("no namespaces"))
    with pytest.raises(MachineError):
        run_checks(sandbox, ROOT, work("version", "tls", "dbm"), lambda _: None)
    assert not sandbox.stopped


def test_ctrl_c_stops_what_runs() -> None:
    def interrupt(event: Event) -> None:
        del event
        raise KeyboardInterrupt

    sandbox = answering()
    with pytest.raises(KeyboardInterrupt):
        run_checks(sandbox, ROOT, work("version", "tls", "dbm"), interrupt)
    assert sandbox.stopped


def test_checks_run_at_the_same_time_when_asked_to() -> None:
    both = threading.Barrier(2, timeout=10)
    sandbox = answering(
        version=Reply(output=(b"1\n",), effect=lambda _: both.wait() and None),
        tls=Reply(output=(b"2\n",), effect=lambda _: both.wait() and None),
    )
    threads: set[int] = set()
    results = run_checks(
        sandbox, ROOT, work("version", "tls"), lambda _: threads.add(threading.get_ident()), jobs=2
    )
    assert [result.detail for result in results] == ["1", "2"]
    assert threads == {threading.get_ident()}
