# SPDX-License-Identifier: Apache-2.0
"""The fake sandbox of other rooms' tests keeps the contract that the real one keeps."""

from __future__ import annotations

from pathlib import Path

import pytest

from imagewright.errors import MachineError
from imagewright.model.ports import Sandbox
from imagewright.model.sandboxing import OverlayRoot, SandboxRequest
from support.fake_sandbox import FakeSandbox, Reply
from support.sandbox_contract import BAD_REQUESTS, CASES, Case, refuse_bad, replay_line, run_case, stop_is_final

ROOT = OverlayRoot((Path("/srv/root"),))


def told(case: Case) -> FakeSandbox:
    reply = Reply(case.status, (case.output,) if case.output else (), seconds=60 if case.timeout else 0.1)
    return FakeSandbox({case.argv: reply})


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_case(case: Case) -> None:
    run_case(told(case), ROOT, case)


@pytest.mark.parametrize(
    ("name", "changes"), BAD_REQUESTS, ids=lambda value: value if isinstance(value, str) else ""
)
def test_bad_requests_are_refused(name: str, changes: dict[str, object]) -> None:
    del name
    refuse_bad(FakeSandbox(), ROOT, changes)


def test_replay() -> None:
    replay_line(FakeSandbox(), ROOT)


def test_stop() -> None:
    stop_is_final(FakeSandbox(), ROOT)


def test_fake_remembers_raises_and_changes_files(tmp_path: Path) -> None:
    made = tmp_path / "made"
    sandbox: Sandbox = FakeSandbox(
        {
            ("broken",): MachineError("no namespaces"),
            ("touch",): Reply(effect=lambda _: made.write_text("here")),
            ("count",): lambda request: Reply(status=len(request.argv)),
        }
    )
    with pytest.raises(MachineError):
        sandbox.run(SandboxRequest(root=ROOT, argv=("broken", "now")), lambda _: None)
    assert sandbox.run(SandboxRequest(root=ROOT, argv=("touch", "made")), lambda _: None).status == 0
    assert made.read_text() == "here"
    assert sandbox.run(SandboxRequest(root=ROOT, argv=("count", "a", "b")), lambda _: None).status == 3
    assert isinstance(sandbox, FakeSandbox)
    assert [request.argv[0] for request in sandbox.requests] == ["broken", "touch", "count"]
