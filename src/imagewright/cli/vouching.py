# SPDX-License-Identifier: Apache-2.0
"""What came of attesting, signing and verifying, as calm text for people."""

from __future__ import annotations

from collections.abc import Iterable

from imagewright.cli.text import count
from imagewright.model.attestations import Attested, Finding, KeyPair, Rebuilt, Signed, Verified


def attested(result: Attested) -> list[str]:
    """What was attached to which platform."""
    lines = [result.ref]
    lines += [
        f"  {image.platform}: {', '.join(image.documents)}; {count(image.components, 'component')}"
        for image in result.images
    ]
    return lines


def generated(pair: KeyPair) -> list[str]:
    """Where the keys are."""
    return [f"{pair.private}  keep it, and its password, to yourself", f"{pair.public}  give it to everybody"]


def signed(result: Signed) -> list[str]:
    """Everything that the key or the identity has signed now."""
    lines = [f"{result.ref} is {result.digest}", f"key {result.key}" if result.key else f"as {result.identity}"]
    lines += [count(result.bundles, "Sigstore bundle")] if result.bundles else []
    return lines + [f"  signed: {' '.join(filter(None, (one.what, one.platform)))}" for one in result.signed]


def verified(result: Verified) -> list[str]:
    """What is proven, and what is not."""
    head = f"{result.ref} is {result.digest}"
    return [head, *_findings("ok", result.verified), *_findings("NOT", result.failed)]


def rebuilt(result: Rebuilt) -> list[str]:
    """Both digests, and how much of it was really done."""
    word = "identical" if result.identical else "NOT identical"
    return [
        f"{result.ref} {result.platform}",
        f"  published {result.digest}",
        f"  rebuilt   {result.rebuilt_digest}  {word}",
        f"  {result.ran} of {count(result.steps, 'step')} done anew"
        + (", the others were in the store" if result.ran < result.steps else ""),
    ]


def _findings(word: str, findings: Iterable[Finding]) -> list[str]:
    return [f"  {word:<4}{' '.join(filter(None, (one.what, one.platform)))}: {one.detail}" for one in findings]
