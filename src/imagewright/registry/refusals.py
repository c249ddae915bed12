# SPDX-License-Identifier: Apache-2.0
"""What a registry says when it refuses (OCI distribution-spec 1.1, "Error Codes"), for a person."""

from __future__ import annotations

import json

from imagewright.errors import RegistryError

_LONGEST = 300
_MOST = 3
_HINTS = {
    401: "log in with `docker login` or `podman login`, or set IMAGEWRIGHT_REGISTRY_USERNAME and …_PASSWORD",
    403: "the account may not do this there; ask who owns the repository",
    404: "look for a typing error in the name, or whether it was deleted",
    405: "the registry does not offer this (deletion is often switched off)",
    413: "the registry bounds the size of what it takes",
}


class NotFoundError(RegistryError):
    """The registry has no such thing."""


class AbsentUploadError(RegistryError):
    """The registry no longer knows the upload that was begun."""


def refusal(what: str, status: int, content: bytes) -> RegistryError:
    """The error for a final answer."""
    codes, reason = reasons(content)
    kind = RegistryError
    if status == 404:  # noqa: PLR2004 - Not Found
        kind = AbsentUploadError if "BLOB_UPLOAD_UNKNOWN" in codes else NotFoundError
    return kind(
        f"{what} was refused with status {status}",
        why=reason,
        hint=_HINTS.get(status, ""),
        details={"status": status, "codes": list(codes)},
    )


def refused_codes(error: RegistryError) -> frozenset[str]:
    """The registry's own error codes behind a refusal."""
    codes = error.details.get("codes")
    return frozenset(map(str, codes)) if isinstance(codes, list) else frozenset()


def reasons(content: bytes) -> tuple[tuple[str, ...], str]:
    """Error codes, and what they say in one line; nothing where the body is not of the specified form."""
    try:
        errors = json.loads(content)["errors"][:_MOST]
        codes = tuple(str(error.get("code", "")) for error in errors)
        texts = [
            ": ".join(filter(None, (str(error.get("code", "")), str(error.get("message", "")))))
            for error in errors
        ]
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return (), ""
    return codes, " ".join("; ".join(texts).split())[:_LONGEST]
