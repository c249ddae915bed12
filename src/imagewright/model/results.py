# SPDX-License-Identifier: Apache-2.0
"""What the use cases answer. Field names and order are those of ``--json`` (docs/reference/cli.md)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from imagewright.model.digest import Digest
from imagewright.model.schedules import Schedule


@dataclass(frozen=True, slots=True)
class LeftOut:
    """An image that ``--all`` does not build on a platform, and why."""

    image: str
    platform: str
    reason: str


@dataclass(frozen=True, slots=True)
class BuiltLayer:
    """One layer: ``size`` in bytes as stored (compressed); ``step`` is the name of the step that made it."""

    digest: Digest
    size: int
    step: str


@dataclass(frozen=True, slots=True)
class BuiltStep:
    """One step of a build. ``seconds`` of wall time: of this run, or 0 where it was ``cached``."""

    name: str
    id: Digest
    cached: bool
    seconds: float


@dataclass(frozen=True, slots=True)
class BuiltImage:
    """One image build. ``spec`` is what was asked for, ``image`` the canonical simple tag it means.

    ``digest`` is the manifest's; ``size`` in bytes what a pull transfers (configuration and layers);
    ``archive`` the file or directory it was written to, if any; ``profile`` how hard it is optimised;
    ``repository`` what stands before the tags; ``created`` its date in seconds since the epoch, which follows from
    its inputs.
    """

    spec: str
    image: str
    platform: str
    digest: Digest
    config_digest: Digest
    size: int
    layers: tuple[BuiltLayer, ...]
    tags: tuple[str, ...]
    steps: tuple[BuiltStep, ...]
    archive: Path | None = None
    profile: str = "release"
    repository: str = "python"
    created: int = 0
    error: None = None


@dataclass(frozen=True, slots=True)
class Failure:
    """Why an image was not built; the same facts as an error of the command line (exit-status.md).

    ``kind`` is ``skipped`` where ``--fail-fast`` stopped it. ``step`` is the name of the step that failed, ``log``
    the file that says more ("" where there is none).
    """

    code: int
    kind: str
    message: str
    why: str = ""
    hint: str = ""
    step: str = ""
    log: str = ""


@dataclass(frozen=True, slots=True)
class FailedImage:
    """An image that was not built among others that may have been. ``steps`` are those that are done."""

    spec: str
    image: str
    platform: str
    tags: tuple[str, ...]
    error: Failure
    steps: tuple[BuiltStep, ...] = ()


@dataclass(frozen=True, slots=True)
class BuildReport:
    """What became of a build. ``seconds`` of wall time; ``compiles`` counts the interpreters compiled now,
    ``interpreters`` all that the images share. ``left_out`` is what ``--all`` does not build."""

    images: tuple[BuiltImage | FailedImage, ...]
    seconds: float = 0.0
    compiles: int = 0
    interpreters: int = 0
    left_out: tuple[LeftOut, ...] = ()

    @property
    def built(self) -> tuple[BuiltImage, ...]:
        """The images that are in the store now."""
        return tuple(image for image in self.images if isinstance(image, BuiltImage))

    @property
    def failed(self) -> tuple[FailedImage, ...]:
        """The others."""
        return tuple(image for image in self.images if isinstance(image, FailedImage))


@dataclass(frozen=True, slots=True)
class PlanInput:
    """One file a step reads: ``size`` in bytes; ``stored`` says whether it need not be fetched."""

    name: str
    digest: Digest
    size: int
    stored: bool


@dataclass(frozen=True, slots=True)
class PlanStep:
    """One step of a plan. ``reason`` says why it will run, or that it is ``cached``; ``needs`` are step ids."""

    id: Digest
    name: str
    cached: bool
    reason: str
    inputs: tuple[PlanInput, ...] = ()
    needs: tuple[Digest, ...] = ()


@dataclass(frozen=True, slots=True)
class PlanImage:
    """One image of a plan with the ids of its steps in order."""

    spec: str
    tags: tuple[str, ...]
    platform: str
    steps: tuple[Digest, ...]


@dataclass(frozen=True, slots=True)
class PlanView:
    """What a build would do. ``compiles`` counts interpreters that would be compiled, ``interpreters`` all that
    the images share; ``left_out`` is what ``--all`` does not build; ``schedule`` is there where it was asked
    for."""

    images: tuple[PlanImage, ...]
    steps: tuple[PlanStep, ...]
    compiles: int
    interpreters: int = 0
    left_out: tuple[LeftOut, ...] = ()
    schedule: Schedule | None = None


@dataclass(frozen=True, slots=True)
class LockChange:
    """One change of a lock: ``what`` is ``package``, ``source``, ``wheel``, ``archive``, ``profile``,
    ``configuration``, or of images of Windows ``windows`` (their base), ``distribution`` or ``pip``.

    ``where`` names the set or target; ``have`` is the version before (``None``: new), ``now`` after
    (``None``: gone).
    """

    what: str
    name: str
    where: str
    have: str | None
    now: str | None


@dataclass(frozen=True, slots=True)
class LockChanges:
    """What locking changed. ``packages`` counts the distinct packages the lock now holds; ``failed`` are images
    among others that could not be locked."""

    changed: tuple[LockChange, ...]
    path: Path
    packages: int = 0
    failed: tuple[FailedImage, ...] = ()


@dataclass(frozen=True, slots=True)
class CheckResult:
    """One acceptance check. ``detail`` says what was seen; ``seconds`` of wall time; ``image`` is a simple tag."""

    check: str
    passed: bool
    detail: str
    seconds: float
    image: str = ""
    platform: str = ""


@dataclass(frozen=True, slots=True)
class TrainedProfile:
    """A profile that was trained. ``size`` in bytes; ``path`` is where a copy was written, if anywhere."""

    release: str
    suite: str
    architecture: str
    flavour: str
    compiler: str
    sha256: Digest
    size: int
    seconds: float
    path: Path | None = None


@dataclass(frozen=True, slots=True)
class StoredImage:
    """One image in the store. ``finished`` in seconds since the epoch."""

    image: str
    platform: str
    digest: Digest
    size: int
    tags: tuple[str, ...]
    finished: int


@dataclass(frozen=True, slots=True)
class StoreContents:
    """What the store holds. ``bytes`` on disk, of blobs and unpacked trees."""

    directory: Path
    images: tuple[StoredImage, ...]
    blobs: int
    bytes: int


@dataclass(frozen=True, slots=True)
class Collected:
    """What a garbage collection removed (or would remove: ``dry_run``). ``bytes`` were freed."""

    removed: int
    bytes: int
    kept: int
    dry_run: bool


@dataclass(frozen=True, slots=True)
class StoreReport:
    """What a look over the whole store found. ``repaired`` counts the problems that are mended now."""

    blobs: int
    bytes: int
    problems: tuple[str, ...]
    repaired: int = 0


@dataclass(frozen=True, slots=True)
class FoundRelease:
    """A release that is newer than the series' current one.

    ``provenance`` says why its digest is believed (``openpgp KEY``, ``sigstore IDENTITY``, ``debian SUITE``,
    ``catalog``) or that nothing vouches for it (``unverified``); ``taken`` whether it is (in a dry run: would be)
    in the catalog now, else ``detail`` says why not. ``released`` is the time of its newest file (ISO 8601),
    ``size`` in bytes.
    """

    series: str
    have: str
    version: str
    taken: bool
    provenance: str = ""
    detail: str = ""
    released: str = ""
    sha256: Digest | None = None
    size: int = 0


@dataclass(frozen=True, slots=True)
class ChangedPackage:
    """A package whose locked version changed. ``where`` names the set; no ``have`` is new, no ``now`` gone.

    ``security`` says that the suite's security archive has a newer version than ``have``.
    """

    name: str
    where: str
    have: str | None
    now: str | None
    security: bool


@dataclass(frozen=True, slots=True)
class Updated:
    """What an update changed, or would change (``dry_run``).

    ``catalog`` and ``lock`` are the files it writes; ``targets`` what the lock holds.
    """

    releases: tuple[FoundRelease, ...]
    packages: tuple[ChangedPackage, ...]
    catalog: Path
    lock: Path
    targets: tuple[str, ...]
    dry_run: bool


@dataclass(frozen=True, slots=True)
class OutdatedPackage:
    """A package of a built image with a newer version in the archive; ``security``: in the security archive."""

    name: str
    have: str
    available: str
    security: bool


@dataclass(frozen=True, slots=True)
class OutdatedRelease:
    """A built image's release, and the newest of its series in the catalog."""

    have: str
    available: str


@dataclass(frozen=True, slots=True)
class RebuildStep:
    """A step that would run. ``seconds`` it took the last time, ``None`` if it never ran here."""

    name: str
    seconds: float | None


@dataclass(frozen=True, slots=True)
class Rebuild:
    """What it costs to bring an image up to date: ``spec`` is what to build, ``compiles`` counts interpreters.

    ``seconds`` is the sum of what is known; steps that images share count for each of them.
    """

    spec: str
    steps: tuple[RebuildStep, ...]
    compiles: int
    seconds: float


@dataclass(frozen=True, slots=True)
class OutdatedImage:
    """One built image that is behind: ``packages`` (security first), ``release`` or both.

    ``rebuild`` is ``None`` where the catalog cannot build that image any more.
    """

    spec: str
    platform: str
    packages: tuple[OutdatedPackage, ...]
    release: OutdatedRelease | None
    rebuild: Rebuild | None


@dataclass(frozen=True, slots=True)
class TaggedImage:
    """One image as it is published.

    ``image`` is its canonical simple tag, ``directory`` its Dockerfile's; ``architectures`` are the names that
    library manifests have for the platforms it exists for.
    """

    image: str
    directory: str
    tags: tuple[str, ...]
    shared_tags: tuple[str, ...]
    architectures: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Started:
    """The configuration that ``init`` wrote."""

    path: Path
