# SPDX-License-Identifier: Apache-2.0
"""Certificates of authorities of one's own (update-ca-certificates(8))."""

from __future__ import annotations

from imagewright.model.site import LocalFile

LOCAL_AUTHORITIES = "usr/local/share/ca-certificates"
"""Where the scripts of the package ca-certificates look for more of them."""


def authority_name(file: LocalFile) -> str:
    """What a certificate is called there, where only ``.crt`` counts."""
    stem, dot, _ = file.name.rpartition(".")
    return f"{stem if dot else file.name}.crt"
