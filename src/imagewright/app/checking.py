# SPDX-License-Identifier: Apache-2.0
"""The ``check`` step: acceptance checks inside an image."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from imagewright.app.outcomes import failure_of
from imagewright.app.running import home_of, parse_user
from imagewright.checks.run import run_checks
from imagewright.checks.windows import check_windows
from imagewright.describe.status import CHECKED_MANIFEST
from imagewright.engine.context import Outcome, StepContext
from imagewright.engine.foreign import sandbox_for
from imagewright.engine.materialise import image_root
from imagewright.errors import CheckError
from imagewright.events import Sink
from imagewright.model.digest import Digest, canonical_json
from imagewright.model.images import ImageDefinition
from imagewright.model.plan import CheckWork, Step, StepRecord
from imagewright.model.platforms import parse_platform
from imagewright.model.ports import Ports
from imagewright.model.results import CheckResult
from imagewright.model.sandboxing import OverlayRoot
from imagewright.oci.config import Config


def check_runner(context: StepContext, sink: Sink) -> Outcome:
    """Run the checks; see :class:`imagewright.engine.context.StepRunner`. Raises :class:`CheckError`."""
    results = run_image_checks(context.step, context.needs, context.ports, sink, jobs=context.jobs)
    for result in results:
        line = (
            f"{'passed' if result.passed else 'FAILED'} {result.check} {result.seconds:.1f} s: {result.detail}\n"
        )
        context.log.write(line.encode())
    refuse_failed(results)
    report = canonical_json([[result.check, result.passed, result.detail] for result in results])
    return Outcome(
        (("report", context.ports.blobs.put([report])),),
        (("checks", str(len(results))), (CHECKED_MANIFEST, str(context.needs["image"].output("manifest")))),
    )


def run_again(
    step: Step, records: Mapping[Digest, StepRecord], ports: Ports, sink: Sink, jobs: int
) -> tuple[CheckResult, ...]:
    """Run the checks of an image, whatever was found before."""
    work = step.work
    assert isinstance(work, CheckWork)
    needs = {role: records[need] for role, need in step.needs}
    results = run_image_checks(step, needs, ports, sink, jobs=jobs)
    return tuple(replace(result, image=work.name, platform=work.platform) for result in results)


NOT_CHECKED = "image"
"""The name under which an image that could not be built is among the results."""


def not_checked(definition: ImageDefinition, error: BaseException) -> CheckResult:
    """The one result of an image that there is not."""
    failure = failure_of(error)
    detail = ": ".join(filter(None, ("it could not be built", failure.message, failure.why)))
    return CheckResult(
        NOT_CHECKED,
        passed=False,
        detail=detail,
        seconds=0.0,
        image=str(definition.name),
        platform=str(definition.platform),
    )


def run_image_checks(
    step: Step, needs: Mapping[str, StepRecord], ports: Ports, sink: Sink, *, jobs: int
) -> tuple[CheckResult, ...]:
    """Run the checks of a check step inside the image that it needs."""
    work = step.work
    assert isinstance(work, CheckWork)
    image = needs["image"]
    if work.platform.startswith("windows/"):
        return check_windows(work, image.output("manifest"), ports.blobs, sink)
    with ports.blobs.open(image.output("config")) as file:
        config = Config.parse(file.read())
    root = OverlayRoot(image_root(image, ports))
    sandbox = sandbox_for(needs, parse_platform(work.platform).debian, ports)
    execution = config.execution
    user = parse_user(execution.user)
    return run_checks(
        sandbox,
        root,
        work,
        sink,
        environment=execution.environment,
        user=user,
        home=home_of(user[0], root.lower),
        jobs=jobs,
    )


def refuse_failed(results: Iterable[CheckResult]) -> None:
    """Raise :class:`CheckError` naming the checks that did not pass, if any."""
    failed = [result for result in results if not result.passed]
    if failed:
        raise CheckError(
            f"the image did not pass: {', '.join(result.check for result in failed)}",
            why=f"{failed[0].check}: {failed[0].detail}",
            details={"failed": [{"check": result.check, "detail": result.detail} for result in failed]},
        )
