# SPDX-License-Identifier: Apache-2.0
"""Repositories of others, in small."""

from __future__ import annotations

import json
from pathlib import Path

SLIM = """\
FROM debian:{suite}-slim
ENV PATH=/usr/local/bin:$PATH
RUN set -eux; apt-get update; apt-get install -y --no-install-recommends ca-certificates netbase tzdata {more};
ENV PYTHON_VERSION={release}
RUN set -eux; savedAptMark="$(apt-mark showmanual)"; apt-get install -y gcc; \\
    ./configure --enable-optimizations --with-lto {flags}; apt-get purge -y --auto-remove
CMD ["python3"]
"""
VARIANTS = ("trixie", "slim-trixie", "bookworm", "slim-bookworm")


def docker_library(root: Path) -> Path:
    """A small repository in the shape of the official one."""
    root.mkdir()
    releases = {"3.14": "3.14.10", "3.13": "3.13.15", "3.12": "3.12.99"}
    document = {
        series: {"version": release, "variants": [*VARIANTS, "alpine3.23", "buster"]}
        for series, release in releases.items()
    }
    (root / "versions.json").write_text(json.dumps(document, indent=2))
    for series, release in releases.items():
        for variant in (*VARIANTS, "alpine3.23"):
            place = root / series / variant
            place.mkdir(parents=True)
            more = "curl" if (series, variant) == ("3.13", "slim-trixie") else ""
            flags = "--with-dtrace" if series == "3.13" else ""
            suite = variant.removeprefix("slim-")
            text = SLIM.format(suite=suite, release=release, more=more, flags=flags)
            (place / "Dockerfile").write_text(
                text if variant != "alpine3.23" else "FROM alpine:3.23\nRUN set -eux; apk add curl\n"
            )
    return root


def infra7(root: Path) -> Path:
    """A small repository in the shape of infra7's."""
    for directory in ("versions", "targets/bookworm", "targets/noble", "targets/bionic"):
        (root / directory).mkdir(parents=True)
    for target in ("bookworm", "noble", "bionic"):
        (root / "targets" / target / "Dockerfile").write_text("ARG DISTRO=debian\nFROM ${DISTRO}:x\n")
    (root / ".env").write_text("TARGET_OS=bookworm\n")
    for series, release in (("3.13", "3.13.15"), ("3.12", "3.12.12")):
        (root / "versions" / f"{series}.env").write_text(
            f'PYTHON_RELEASE={release}\nREQUIRES=" wget \\\n tzdata"\n'
        )
    return root
