# SPDX-License-Identifier: Apache-2.0
"""An application that answers without doing anything, and remembers what it was asked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from imagewright.events import Event, Sink
from imagewright.events import kinds as events
from imagewright.model.digest import Digest
from imagewright.model.general import GlobalOptions
from imagewright.model.options import (
    BuildOptions,
    LockOptions,
    RunOptions,
    Selection,
    TagOptions,
    TrainOptions,
    UpdateOptions,
    WorkerOptions,
)
from imagewright.model.refreshing import Refreshed, RefreshOptions
from imagewright.model.results import (
    BuildReport,
    BuiltImage,
    BuiltLayer,
    BuiltStep,
    CheckResult,
    Collected,
    LockChange,
    LockChanges,
    OutdatedImage,
    PlanImage,
    PlanInput,
    PlanStep,
    PlanView,
    Started,
    StoreContents,
    StoredImage,
    StoreReport,
    TaggedImage,
    TrainedProfile,
    Updated,
)
from support.fake_emitting import FakeEmitting
from support.fake_transfers import FakeTransfers
from support.fake_updates import BEHIND, REFRESHED, UPDATED


def digest(word: str) -> Digest:
    """A digest that is always the same for ``word``."""
    return Digest.of(word.encode())


STEPS = (
    BuiltStep("base trixie slim amd64", digest("base"), cached=True, seconds=0.0),
    BuiltStep("python 3.13.15 trixie amd64", digest("python"), cached=False, seconds=221.4),
)
IMAGE = BuiltImage(
    spec="3.13-slim-trixie",
    image="3.13.15-slim-trixie",
    platform="linux/amd64",
    digest=digest("manifest"),
    config_digest=digest("config"),
    size=42_961_458,
    layers=(
        BuiltLayer(digest("layer 1"), 29_780_765, "base trixie slim amd64"),
        BuiltLayer(digest("layer 2"), 13_180_444, "python 3.13.15 trixie amd64"),
    ),
    tags=("3.13.15-slim-trixie", "3.13-slim-trixie", "3-slim-trixie", "slim-trixie", "3.13.15-slim", "slim"),
    steps=STEPS,
)
EVENTS: tuple[Event, ...] = (
    events.PlanReady(("base trixie slim amd64", "python 3.13.15 trixie amd64"), 1),
    events.FetchStarted(3, 30_000_000),
    events.FetchProgress(1, 10_000_000, 3, 30_000_000),
    events.FetchFinished(3, 30_000_000, 2.5),
    events.StepFinished("b", "base trixie slim amd64", cached=True, seconds=0.0),
    events.StepStarted("p", "python 3.13.15 trixie amd64", "not built yet"),
    events.StepPhase("p", "python 3.13.15 trixie amd64", "configure"),
    events.StepOutput("p", "python 3.13.15 trixie amd64", "checking for \x1b[31mgcc\x1b[0m... gcc\r\n"),
    events.StepFinished("p", "python 3.13.15 trixie amd64", cached=False, seconds=221.4),
)
TAGGED = (
    TaggedImage(
        "3.13.15-trixie",
        "3.13/trixie",
        ("3.13.15-trixie", "3.13-trixie", "3-trixie", "trixie"),
        ("3.13.15", "3.13", "3", "latest"),
        ("amd64", "arm32v5", "arm64v8"),
    ),
    TaggedImage(IMAGE.image, "3.13/slim-trixie", IMAGE.tags, (), ("amd64",)),
)
CHECKS = (
    CheckResult("imports", passed=True, detail="312 modules", seconds=4.2),
    CheckResult("tls", passed=True, detail="TLSv1.3", seconds=0.4),
)


@dataclass
class FakeApplication(FakeTransfers, FakeEmitting):
    """Implements :class:`imagewright.cli.usecases.Application`; ``during`` runs inside every use case."""

    asked: list[tuple[object, ...]] = field(default_factory=list)
    emitted: tuple[Event, ...] = EVENTS
    checks: tuple[CheckResult, ...] = CHECKS
    behind: tuple[OutdatedImage, ...] = BEHIND
    updated: Updated = UPDATED
    refreshed: Refreshed = REFRESHED
    problems: tuple[str, ...] = ()
    built: BuildReport | None = None
    status: int = 0
    during: Callable[[], None] = lambda: None

    def make(self, options: GlobalOptions) -> FakeApplication:
        """Stands for ``make_application``."""
        self.asked.append(("make", options))
        return self

    def build(self, specs: tuple[str, ...], options: BuildOptions, sink: Sink) -> BuildReport:
        self._emit("build", specs, options, sink)
        built = tuple(replace(IMAGE, spec=spec, archive=options.output) for spec in specs)
        return self.built or BuildReport(built, seconds=230.0, compiles=1, interpreters=1)

    def plan(self, specs: tuple[str, ...], selection: Selection, workers: WorkerOptions | None = None) -> PlanView:
        self.asked.append(("plan", specs, selection) if workers is None else ("plan", specs, selection, workers))
        self.during()
        inputs = (PlanInput("gcc_14", digest("gcc"), 1_000_000, stored=False),)
        return PlanView(
            images=(
                PlanImage(
                    (specs or ("3.13-slim-trixie",))[0],
                    IMAGE.tags,
                    IMAGE.platform,
                    tuple(step.id for step in STEPS),
                ),
            ),
            steps=(
                PlanStep(STEPS[0].id, STEPS[0].name, cached=True, reason="cached"),
                PlanStep(STEPS[1].id, STEPS[1].name, cached=False, reason="not built yet", inputs=inputs),
            ),
            compiles=1,
        )

    def lock(self, specs: tuple[str, ...], options: LockOptions, sink: Sink) -> LockChanges:
        self._emit("lock", specs, options, sink)
        changed = (
            LockChange("package", "libssl3t64", "runtime 3.13", "3.5.1-1", "3.5.4-1"),
            LockChange("package", "libzstd1", "base slim", None, "1.5.7+dfsg-1"),
            LockChange("source", "3.13.14", "", "tar.xz", None),
        )
        return LockChanges(changed, Path("imagewright.lock"), packages=183)

    def update(self, options: UpdateOptions, sink: Sink) -> Updated:
        self._emit("update", (), options, sink)
        return self.updated

    def outdated(self, specs: tuple[str, ...], sink: Sink) -> tuple[OutdatedImage, ...]:
        self._emit("outdated", specs, None, sink)
        return self.behind

    def refresh(self, specs: tuple[str, ...], options: RefreshOptions, sink: Sink) -> Refreshed:
        self._emit("refresh", specs, options, sink)
        return replace(self.refreshed, dry_run=options.dry_run)

    def check(self, specs: tuple[str, ...], selection: Selection, sink: Sink) -> tuple[CheckResult, ...]:
        self._emit("check", specs, selection, sink)
        return self.checks

    def run(self, spec: str, argv: tuple[str, ...], options: RunOptions) -> int:
        self.asked.append(("run", spec, argv, options))
        self.during()
        return self.status

    def train(self, spec: str, options: TrainOptions, sink: Sink) -> TrainedProfile:
        self._emit("train", spec, options, sink)
        compiler = "gcc-14 14.2.0-19"
        return TrainedProfile(
            "3.13.15", "trixie", "amd64", "", compiler, digest("profile"), 394_000, 512.0, options.output
        )

    def tags(self, specs: tuple[str, ...], options: TagOptions) -> tuple[TaggedImage, ...]:
        self.asked.append(("tags", specs, options))
        self.during()
        return TAGGED

    def store_list(self) -> StoreContents:
        self.asked.append(("store_list",))
        self.during()
        image = StoredImage(IMAGE.image, IMAGE.platform, IMAGE.digest, IMAGE.size, IMAGE.tags, 1_790_000_000)
        return StoreContents(Path("cache"), (image,), blobs=412, bytes=930_000_000)

    def store_gc(self, *, dry_run: bool, keep_days: float) -> Collected:
        self.asked.append(("store_gc", dry_run, keep_days))
        return Collected(removed=7, bytes=81_000_000, kept=405, dry_run=dry_run)

    def init(self) -> Started:
        self.asked.append(("init",))
        return Started(Path("/somewhere/imagewright.toml"))

    def store_fsck(self, *, repair: bool) -> StoreReport:
        self.asked.append(("store_fsck", repair))
        return StoreReport(412, 930_000_000, self.problems, repaired=len(self.problems) if repair else 0)

    def _emit(self, name: str, words: object, options: object, sink: Sink) -> None:
        self.asked.append((name, words, options))
        for event in self.emitted:
            sink(event)
        self.during()
