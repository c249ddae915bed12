# SPDX-License-Identifier: Apache-2.0
"""What pushes, pulls and their like answer in tests of the command line."""

from __future__ import annotations

from pathlib import Path

from imagewright.describe.contents import contents
from imagewright.describe.difference import difference
from imagewright.events import Sink
from imagewright.events.transfers import TransferFinished, TransferProgress, TransferStarted
from imagewright.model.attestations import (
    Attested,
    AttestedImage,
    DocumentKind,
    Finding,
    KeyPair,
    RebuildOptions,
    Rebuilt,
    Signed,
    SignedItem,
    SignOptions,
    Verified,
    VerifyOptions,
)
from imagewright.model.differences import Difference, DiffOptions
from imagewright.model.digest import Digest
from imagewright.model.inspecting import Inspected, InspectedAttachment, InspectedImage, InspectedLayer
from imagewright.model.platforms import Platform
from imagewright.model.pushing import PushOptions
from imagewright.model.remote import RemoteChanges, TagChange
from imagewright.model.reports import (
    Instruction,
    PublishedReport,
    Report,
    ReportedAttachment,
    ReportedImage,
    ReportedLayer,
    ReportedPlatform,
    ReportOptions,
)
from imagewright.model.transfers import PushedImage, RegistryAccess, Transferred
from support.contents import base, described, python

WHERE = "registry.example/team/python"
INDEX, OLD, MANIFEST = (Digest.of(word.encode()) for word in ("index", "old", "manifest"))
TAGS = ("3.13.15-slim-trixie", "3.13-slim-trixie", "3.13-slim")
PUSHED = Transferred(
    WHERE,
    INDEX,
    TAGS,
    uploaded=3,
    mounted=1,
    skipped=4,
    bytes=15_100_000,
    images=(PushedImage(TAGS[0], INDEX, ("linux/amd64", "linux/arm64/v8"), TAGS, TAGS[1:]),),
)
PULLED = Transferred(f"{WHERE}:3.13-slim", INDEX, ("3.13-slim",), 0, 0, 2, 46_200_000, downloaded=6)
INSPECTED = Inspected(
    f"{WHERE}:3.13-slim",
    INDEX,
    "application/vnd.oci.image.index.v1+json",
    ("3.13-slim",),
    (
        InspectedImage(
            "linux/amd64",
            MANIFEST,
            "application/vnd.oci.image.manifest.v1+json",
            46_200_000,
            OLD,
            "2026-11-02T13:41:34Z",
            "",
            (),
            ("python3",),
            ("PATH=/usr/local/bin",),
            {},
            {"org.opencontainers.image.version": "3.13.15"},
            (InspectedLayer(OLD, 29_100_000, "application/vnd.oci.image.layer.v1.tar+gzip"),),
        ),
    ),
    (InspectedAttachment(OLD, str(MANIFEST), "application/vnd.in-toto+json", 12_000),),
)
CHANGED = RemoteChanges(
    WHERE, (TagChange("slim", str(OLD), str(INDEX)), TagChange("old", str(OLD), "")), (OLD,), True
)
REPORTED = PublishedReport(
    f"{WHERE}:3.13-slim",
    f"{WHERE}:3.13-slim",
    WHERE,
    INDEX,
    "application/vnd.oci.image.index.v1+json",
    (
        ReportedImage(
            platform=ReportedPlatform("linux", "arm", "v7"),
            digest=MANIFEST,
            media_type="application/vnd.oci.image.manifest.v1+json",
            size=29_100_000,
            image_id=OLD,
            created=1_793_626_894,
            docker_version="",
            entrypoint=("/bin/start", "--now"),
            command=("python3",),
            shell=(),
            settings=(("USER", "nobody"),),
            environment=(("PATH", "/usr/local/bin"), ("SECRET", "\x1b[31mred")),
            labels=(("vendor", "Example"),),
            annotations=(),
            history=(
                Instruction("ENV PATH=/usr/local/bin", 1_793_626_894, empty=True),
                Instruction("RUN <<EOF\nmake\nmake install\nEOF", 1_793_626_894, ("JOBS=2",)),
            ),
            layers=(ReportedLayer(OLD, 29_100_000, "application/vnd.oci.image.layer.v1.tar+gzip"),),
        ),
    ),
    (ReportedAttachment(OLD, "application/vnd.oci.image.manifest.v1+json", "attestation-manifest", "", 840),),
)

ATTESTED = Attested(
    f"{WHERE}:3.13", INDEX, (AttestedImage("linux/amd64", MANIFEST, ("spdx", "cyclonedx", "provenance"), 113),)
)
VERIFIED = Verified(f"{WHERE}:3.13", INDEX, (Finding("signature", "", INDEX, "signed by this key"),), ())
REBUILT = Rebuilt(f"{WHERE}:3.13", "linux/amd64", MANIFEST, MANIFEST, identical=True, ran=2, steps=6)
UNVERIFIED = Verified(
    f"{WHERE}:3.13", INDEX, (), (Finding("provenance", "linux/amd64", MANIFEST, "there is none"),)
)


class FakeTransfers:
    """The part of the application that speaks to registries."""

    verified = VERIFIED
    rebuilt = REBUILT
    password: bytes | None = b"secret"

    asked: list[tuple[object, ...]]

    def push(self, specs: tuple[str, ...], destination: str, options: PushOptions, sink: Sink) -> Transferred:
        self.asked.append(("push", specs, destination, options))
        sink(TransferStarted("b", "base trixie-slim amd64", 29_100_000))
        sink(TransferProgress("b", "base trixie-slim amd64", 12_000_000, 29_100_000))
        sink(TransferFinished("b", "base trixie-slim amd64", 29_100_000, "uploaded", 1.5))
        sink(TransferFinished("p", "python 3.13.15 trixie amd64", 9_500_000, "skipped", 0.1))
        return PUSHED

    def pull(self, ref: str, platforms: tuple[Platform, ...], access: RegistryAccess, sink: Sink) -> Transferred:
        self.asked.append(("pull", ref, platforms, access))
        sink(TransferFinished("b", "blob 6caf73f95cf5", 29_100_000, "downloaded", 1.5))
        return PULLED

    def copy(
        self, refs: tuple[str, str], platforms: tuple[Platform, ...], access: RegistryAccess, sink: Sink
    ) -> Transferred:
        self.asked.append(("copy", refs, platforms, access))
        sink(TransferFinished("b", "blob 6caf73f95cf5", 29_100_000, "mounted", 0.1))
        return PULLED

    def inspect(self, ref: str, access: RegistryAccess) -> Inspected:
        self.asked.append(("inspect", ref, access))
        return INSPECTED

    def report(self, ref: str, options: ReportOptions, sink: Sink) -> Report:
        self.asked.append(("report", ref, options))
        found = (contents(described(base(), python())),) if options.content else ()
        published = None if options.content and not options.published else REPORTED
        return Report(REPORTED.ref, REPORTED.name, INDEX, published, found)

    def diff(self, refs: tuple[str, str], options: DiffOptions, sink: Sink) -> Difference:
        self.asked.append(("diff", refs, options))
        changed = base("Package: libc6\nStatus: install ok installed\nVersion: 3\n")
        second = base() if refs[0] == refs[1] else changed
        return difference(refs, described(base()), described(second))

    def attest(self, ref: str, access: RegistryAccess, sink: Sink) -> Attested:
        self.asked.append(("attest", ref, access))
        return ATTESTED

    def show_document(self, ref: str, kind: DocumentKind, access: RegistryAccess) -> tuple[bytes, ...]:
        self.asked.append(("show", ref, kind, access))
        return (b'{"spdxVersion":"SPDX-2.3"}',)

    def key_password(self) -> bytes | None:
        return self.password

    def keygen(self, prefix: Path, password: bytes) -> KeyPair:
        self.asked.append(("keygen", prefix, password))
        return KeyPair(prefix.with_suffix(".key"), prefix.with_suffix(".pub"), OLD)

    def sign(self, ref: str, options: SignOptions, access: RegistryAccess) -> Signed:
        self.asked.append(("sign", ref, options, access))
        return Signed(
            ref, INDEX, OLD, (SignedItem("signature", "", INDEX), SignedItem("spdx", "linux/amd64", MANIFEST))
        )

    def verify(self, ref: str, options: VerifyOptions, access: RegistryAccess) -> Verified:
        self.asked.append(("verify", ref, options, access))
        return self.verified

    def rebuild(self, ref: str, options: RebuildOptions, sink: Sink) -> Rebuilt:
        self.asked.append(("rebuild", ref, options))
        return self.rebuilt

    def retag(self, ref: str, tags: tuple[str, ...], access: RegistryAccess, *, dry_run: bool) -> RemoteChanges:
        self.asked.append(("retag", ref, tags, access, dry_run))
        return CHANGED

    def untag(self, refs: tuple[str, ...], access: RegistryAccess, *, dry_run: bool) -> RemoteChanges:
        self.asked.append(("untag", refs, access, dry_run))
        return CHANGED

    def gc_remote(
        self, repository: str, access: RegistryAccess, *, only: tuple[str, ...], keep: int, dry_run: bool
    ) -> RemoteChanges:
        self.asked.append(("gc_remote", repository, access, only, keep, dry_run))
        return CHANGED
