# SPDX-License-Identifier: Apache-2.0
"""Runs the acceptance checks of an image: each in a sandbox of its own, on a fresh copy of the image in memory."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from imagewright.checks.suite import TWO, Check, Need, find, programs
from imagewright.errors import ConfigurationError
from imagewright.events import Sink
from imagewright.events.building import CheckFinished
from imagewright.model.plan import CheckWork
from imagewright.model.ports import Sandbox
from imagewright.model.results import CheckResult
from imagewright.model.sandboxing import Bind, OverlayRoot, SandboxRequest, SandboxResult

PLACE = "/run/imagewright"
"""Where the programs are seen inside: a directory in memory, so that no layer needs it."""

SKIPPED = 77
DETAIL = 500
OUTPUT = 1 << 16
"""How many characters of detail are kept, and how many bytes of output are looked at."""

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

RESOLVER = ("/etc/hosts", "/etc/nsswitch.conf", "/etc/resolv.conf")
"""Files of the machine that a check with network sees, so that names have addresses."""


def run_checks(
    sandbox: Sandbox,
    root: OverlayRoot,
    work: CheckWork,
    sink: Sink,
    *,
    environment: tuple[tuple[str, str], ...] = (("PATH", PATH),),
    user: tuple[int, int] = (0, 0),
    home: str = "/root",
    jobs: int = 1,
) -> tuple[CheckResult, ...]:
    """Run the checks that ``work`` names, in that order; all of them, even if one fails.

    ``root`` holds the image's layers; what checks change is lost. ``environment`` is the image's own, as are
    ``user`` and ``home`` for the checks that run as that user; ``jobs`` is how many run at the same time. Results
    also go to ``sink`` as they come, from this thread. Raises
    :class:`ConfigurationError` for a check that there is not, and what the sandbox raises.
    """
    checks = [_known(name) for name in work.checks]
    image = replace(root, upper=None, work=None)
    with tempfile.TemporaryDirectory(prefix="imagewright-checks-") as directory:
        for name, content in programs():
            place = Path(directory) / name
            place.parent.mkdir(exist_ok=True)
            place.parent.chmod(0o755)
            place.write_bytes(content)
        requests = [
            replace(request, user=user, environment=_at_home(request.environment, home))
            if check.as_user
            else request
            for check in checks
            for request in [_request(check, image, work, environment, Path(directory))]
        ]
        with _pool(sandbox, jobs) as pool:
            running = [pool.submit(_run, sandbox, *each) for each in zip(requests, checks, strict=True)]
            for done in as_completed(running):
                result = done.result()
                sink(CheckFinished(result.check, result.passed, result.detail, result.seconds))
    return tuple(done.result() for done in running)


@contextmanager
def _pool(sandbox: Sandbox, jobs: int) -> Iterator[ThreadPoolExecutor]:
    """Threads that do not outlive an error, nor Ctrl-C, by more than the checks that run just then."""
    pool = ThreadPoolExecutor(max_workers=jobs, thread_name_prefix="check")
    try:
        yield pool
    except Exception:
        pool.shutdown(cancel_futures=True)
        raise
    except BaseException:  # the program is about to end
        sandbox.stop()
        pool.shutdown(cancel_futures=True)
        raise
    pool.shutdown()


def _known(name: str) -> Check:
    try:
        return find(name)
    except KeyError:
        raise ConfigurationError(
            f"There is no check called {name!r}",
            hint="Run imagewright plan again: the plan is from another version.",
        ) from None


def _request(
    check: Check,
    image: OverlayRoot,
    work: CheckWork,
    environment: tuple[tuple[str, str], ...],
    directory: Path,
) -> SandboxRequest:
    told = {
        "PATH": PATH,
        "HOME": "/root",
        **dict(environment),
        **dict(work.told),
        "IW_RELEASE": work.release,
        "IW_VARIANT": work.variant,
        "IW_PARTS": " ".join(work.parts),
        "IW_OPTIONAL_MODULES": " ".join(work.optional_modules),
        "IW_ADDRESS": work.address if check.network else "",
    }
    if Need.NO_BYTECODE in check.needs:
        told["PYTHONDONTWRITEBYTECODE"] = "1"  # or the check itself would leave what it looks for
    binds = [Bind(directory, PLACE)]
    if check.network:
        binds += [Bind(Path(path), path) for path in RESOLVER if Path(path).exists()]
    return SandboxRequest(
        root=image,
        argv=("python2", f"{PLACE}/{TWO}/{check.program}")
        if work.release.startswith("2.")
        else ("python3", f"{PLACE}/{check.program}"),
        environment=tuple(told.items()),
        binds=tuple(binds),
        timeout=check.timeout,
        network=check.network and bool(work.address),
    )


def _at_home(environment: tuple[tuple[str, str], ...], home: str) -> tuple[tuple[str, str], ...]:
    return tuple({**dict(environment), "HOME": home}.items())


def _run(sandbox: Sandbox, request: SandboxRequest, check: Check) -> CheckResult:
    seen = bytearray()

    def listen(piece: bytes) -> None:
        seen.extend(piece)
        del seen[:-OUTPUT]

    result = sandbox.run(request, listen)
    lines = seen.decode("utf-8", "replace").split("\n")
    last = next((line.strip() for line in reversed(lines) if line.strip()), "")[:DETAIL]
    return CheckResult(check.name, result.status in {0, SKIPPED}, _detail(result, last), result.seconds)


def _detail(result: SandboxResult, last: str) -> str:
    status = result.status
    if status == SKIPPED:
        return f"skipped: {last}"
    if status in {0, 1}:
        return last or "no output"
    if status == 128 + 9:
        # The limit itself is the sandbox' affair, which gives emulated processors more time.
        return (
            f"killed after {result.seconds:.0f} s: too slow, or too little memory; last output: {last or 'none'}"
        )
    if status > 128:  # noqa: PLR2004 - a shell's convention
        return f"ended by signal {status - 128}; last output: {last or 'none'}"
    return f"exit status {status}: {last or 'no output'}"
