# SPDX-License-Identifier: Apache-2.0
"""A TUF repository as Sigstore's: signed metadata that leads to the trusted root and the services' addresses."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from securesystemslib.signer import CryptoSigner
from tuf.api.metadata import Metadata, MetaFile, Root, Snapshot, TargetFile, Targets, Timestamp

_ROLES = ("root", "timestamp", "snapshot", "targets")


@dataclass
class TrustRepository:
    """Files by name below the repository's address; ``root`` is what clients begin with."""

    targets: Mapping[str, object]
    life: timedelta = timedelta(days=1)
    files: dict[str, bytes] = field(default_factory=dict)
    root: bytes = b""

    def __post_init__(self) -> None:
        signers = {role: CryptoSigner.generate_ecdsa() for role in _ROLES}
        until = datetime.now(UTC).replace(microsecond=0) + self.life
        root = Root(expires=datetime.now(UTC).replace(microsecond=0) + timedelta(days=1), consistent_snapshot=True)
        for role, signer in signers.items():
            root.add_key(signer.public_key, role)
        listed = Targets(expires=until)
        for name, document in self.targets.items():
            content = json.dumps(document).encode()
            found = TargetFile.from_data(name, content, ["sha256"])
            listed.targets[name] = found
            self.files[f"targets/{found.hashes['sha256']}.{name}"] = content
        snapshot = Snapshot(expires=until, meta={"targets.json": MetaFile(1)})
        timestamp = Timestamp(expires=until, snapshot_meta=MetaFile(1))
        for name, role, signed in (
            ("1.root.json", "root", root),
            ("timestamp.json", "timestamp", timestamp),
            ("1.snapshot.json", "snapshot", snapshot),
            ("1.targets.json", "targets", listed),
        ):
            metadata: Metadata[Root | Timestamp | Snapshot | Targets] = Metadata(signed)
            metadata.sign(signers[role])
            self.files[name] = metadata.to_bytes()
        self.root = self.files["1.root.json"]
