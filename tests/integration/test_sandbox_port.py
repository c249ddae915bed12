# SPDX-License-Identifier: Apache-2.0
"""The real sandbox as the port that the engine uses, and programs of other processors in it."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import threading
import time
import uuid
from pathlib import Path

import pytest

from imagewright.errors import InterruptedBuild, MachineError
from imagewright.model.processors import emulator_for
from imagewright.model.sandboxing import Bind, OverlayRoot, PlainRoot, SandboxRequest
from imagewright.sandbox.runner import NamespaceSandbox
from support.jails import ENVIRONMENT, Jail, eventually
from support.machine import (
    Person,
    busybox_root,
    lacking,
    processes_with,
    program,
    root_person,
)
from support.sandbox_contract import BAD_REQUESTS, CASES, Case, refuse_bad, replay_line, run_case, stop_is_final

pytestmark = pytest.mark.integration


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_contract(root: OverlayRoot, case: Case) -> None:
    run_case(NamespaceSandbox(), root, case)


@pytest.mark.parametrize(
    ("name", "changes"), BAD_REQUESTS, ids=lambda value: value if isinstance(value, str) else ""
)
def test_contract_bad_requests(root: OverlayRoot, name: str, changes: dict[str, object]) -> None:
    del name
    refuse_bad(NamespaceSandbox(), root, changes)


def test_contract_replay_and_stop(root: OverlayRoot) -> None:
    replay_line(NamespaceSandbox(), root)
    stop_is_final(NamespaceSandbox(), root)


def test_a_replay_does_the_same_when_pasted(root: OverlayRoot) -> None:
    request = SandboxRequest(
        root=root,
        argv=("sh", "-c", "echo \"$A\" 'single' $PWD; exit 9"),
        environment=(*ENVIRONMENT, ("A", 'it\'s "quoted" $HOME')),
        directory="/etc",
    )
    done = subprocess.run(
        ["sh", "-c", NamespaceSandbox().replay(request)], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (9, 'it\'s "quoted" $HOME single /etc\n')


def test_much_output_arrives_as_it_comes(root: OverlayRoot) -> None:
    sizes: list[int] = []
    request = SandboxRequest(root=root, argv=("sh", "-c", "yes | head -c 50000000"), environment=ENVIRONMENT)
    NamespaceSandbox().run(request, lambda piece: sizes.append(len(piece)))
    assert (sum(sizes), max(sizes) <= 1 << 16) == (50_000_000, True)
    times: list[float] = []
    request = SandboxRequest(root=root, argv=("sh", "-c", "echo 1; sleep 0.5; echo 2"), environment=ENVIRONMENT)
    NamespaceSandbox().run(request, lambda _: times.append(time.monotonic()))
    assert 0.4 < times[1] - times[0] < 5


def test_a_command_that_closes_its_output_still_has_its_time(root: OverlayRoot) -> None:
    script = "exec >/dev/null 2>&1; sleep 0.3; exit 6"
    request = SandboxRequest(root=root, argv=("sh", "-c", script), environment=ENVIRONMENT)
    assert NamespaceSandbox().run(request, lambda _: None).status == 6
    mark = f"6{uuid.uuid4().int % 10**8}"
    request = SandboxRequest(
        root=root, argv=("sh", "-c", f"exec >/dev/null 2>&1; sleep {mark}"), environment=ENVIRONMENT, timeout=0.5
    )
    result = NamespaceSandbox().run(request, lambda _: None)
    assert (result.status, 0.5 <= result.seconds < 5, processes_with(mark)) == (137, True, [])


def test_peak_memory_is_the_largest_process(root: OverlayRoot) -> None:
    def peak(size: str) -> int:
        argv = ("dd", "if=/dev/zero", "of=/dev/null", f"bs={size}", "count=1")
        return (
            NamespaceSandbox()
            .run(SandboxRequest(root=root, argv=argv, environment=ENVIRONMENT), lambda _: None)
            .peak_memory
        )

    assert peak("1M") < 64 << 20
    assert 200 << 20 < peak("200M") < 264 << 20


def test_an_error_of_the_listener_ends_the_run(root: OverlayRoot) -> None:
    mark = f"5{uuid.uuid4().int % 10**8}"

    def refuse(piece: bytes) -> None:
        raise RuntimeError(piece.decode())

    request = SandboxRequest(root=root, argv=("sh", "-c", f"echo begun; sleep {mark}"), environment=ENVIRONMENT)
    with pytest.raises(RuntimeError, match="begun"):
        NamespaceSandbox().run(request, refuse)
    assert processes_with(mark) == []


def test_stop_from_another_thread(root: OverlayRoot) -> None:
    sandbox = NamespaceSandbox()
    mark = f"4{uuid.uuid4().int % 10**8}"
    request = SandboxRequest(root=root, argv=("sh", "-c", f"echo begun; sleep {mark}"), environment=ENVIRONMENT)
    with pytest.raises(InterruptedBuild):
        sandbox.run(request, lambda _: threading.Thread(target=sandbox.stop).start())
    assert processes_with(mark) == []


def test_a_monitor_killed_from_outside_is_not_the_command_s_status(root: OverlayRoot) -> None:
    mark = f"3{uuid.uuid4().int % 10**8}"
    request = SandboxRequest(root=root, argv=("sh", "-c", f"echo begun; sleep {mark}"), environment=ENVIRONMENT)

    def kill_monitor(_: bytes) -> None:
        children = Path(f"/proc/self/task/{threading.get_native_id()}/children").read_text().split()
        for child in children:
            os.kill(int(child), signal.SIGKILL)

    with pytest.raises(MachineError, match="ended unexpectedly, with status -9"):
        NamespaceSandbox().run(request, kill_monitor)
    assert eventually(lambda: processes_with(mark) == [])


def test_runs_in_threads_do_not_disturb_each_other(root: OverlayRoot, tmp_path: Path) -> None:
    (tmp_path / "given").write_text("x")
    sandbox, statuses = NamespaceSandbox(), {}

    def run(number: int) -> None:
        request = SandboxRequest(
            root=root,
            argv=("sh", "-c", f"test -e /in/given && exit {number}"),
            environment=ENVIRONMENT,
            binds=(Bind(tmp_path, "/in"),),
        )
        statuses[number] = sandbox.run(request, lambda _: None).status

    threads = [threading.Thread(target=run, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses == {number: number for number in range(8)}


def test_a_run_costs_little(root: OverlayRoot) -> None:
    """Measured 0.036 s on an idle core. The machine may be busy: one of many runs must show it."""
    sandbox, request = NamespaceSandbox(), SandboxRequest(root=root, argv=("true",), environment=ENVIRONMENT)
    assert any(sandbox.run(request, lambda _: None).seconds < 0.06 for _ in range(200))


EMULATOR_SOURCE = r"""
#include <stdio.h>
int main(int count, char **words) {
    for (int number = 1; number < count; number++) printf("%s\n", words[number]);
    return 3;
}
"""


def test_programs_of_another_processor_run_in_an_emulator_of_our_own(
    jail: Jail, scratch: Path, person: Person
) -> None:
    """Nothing is left on the machine, and the emulator needs no place in the root."""
    gcc = program("gcc", "gcc")
    source, emulator, foreign = (scratch / name for name in ("emulator.c", "emulator", "foreign"))
    source.write_text(EMULATOR_SOURCE)
    subprocess.run([gcc, "-static", "-o", str(emulator), str(source)], check=True)
    foreign.write_bytes(b"\x7fELF\x02\x01\x01" + bytes(9) + b"\x02\x00\xf0\x0f" + bytes(100))
    foreign.chmod(0o755)
    told = emulator_for("arm64", emulator)
    request = {
        "program": str(emulator),
        "magic": told.magic.hex().replace("b700", "f00f"),  # a number that nobody has
        "mask": told.mask.hex(),
    }
    before = sorted(Path("/proc/sys/fs/binfmt_misc").iterdir())
    binds = [{"source": str(foreign), "target": "/foreign"}]
    assert jail("/foreign", "word", binds=binds, emulator=request, status=3) == "/foreign\n/foreign\nword\n"
    assert "not executable" in jail.shell("/foreign 2>/dev/null || echo not executable", binds=binds)
    assert sorted(Path("/proc/sys/fs/binfmt_misc").iterdir()) == before


def test_a_machine_can_pass_for_a_32_bit_one(jail: Jail) -> None:
    assert jail("uname", "-m").strip() == os.uname().machine
    if os.uname().machine != "x86_64":
        lacking("a 64-bit x86 processor")
    assert jail("uname", "-m", personality=8).strip() == "i686"


def test_foreign_programs_run_through_binfmt(place: Path) -> None:
    """As with qemu: the interpreter is outside, and the kernel holds it open (flag F of binfmt_misc)."""
    binfmt = Path("/proc/sys/fs/binfmt_misc")
    if not (binfmt / "register").exists():
        subprocess.run(["mount", "-t", "binfmt_misc", "binfmt_misc", str(binfmt)], check=False)
    if not (binfmt / "register").exists():
        lacking("binfmt_misc in its kernel")
    name = f"imagewright-{uuid.uuid4().hex[:8]}"
    interpreter = place / "outside/busybox"
    interpreter.parent.mkdir()
    shutil.copy(place / "root/bin/busybox", interpreter)
    layer = place / "foreign"
    (layer / "usr").mkdir(parents=True)
    (layer / "usr/echo").write_text(name)
    (layer / "usr/echo").chmod(0o755)
    (binfmt / "register").write_text(f":{name}:M::{name}::{interpreter}:F")
    try:
        request = SandboxRequest(root=OverlayRoot((layer, place / "root")), argv=("/usr/echo", "it", "works"))
        pieces: list[bytes] = []
        assert NamespaceSandbox().run(request, pieces.append).status == 0
    finally:
        (binfmt / name).write_text("-1")
    assert b"".join(pieces) == b"it works\n"


def test_plain_roots_are_taken(place: Path, tmp_path: Path) -> None:
    root_person()
    tree = busybox_root(tmp_path / "tree")
    request = SandboxRequest(root=PlainRoot(tree), argv=("touch", "/etc/here"), environment=ENVIRONMENT)
    assert NamespaceSandbox().run(request, lambda _: None).status == 0
    assert (tree / "etc/here").exists()
