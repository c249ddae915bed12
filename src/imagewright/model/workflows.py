# SPDX-License-Identifier: Apache-2.0
"""What is asked for and answered where workflows of CI services are written."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from imagewright.model.options import Selection
from imagewright.model.platforms import Platform
from imagewright.model.results import LeftOut


class Service(StrEnum):
    """Whose workflow it is."""

    GITHUB = "github"
    GITLAB = "gitlab"


@dataclass(frozen=True, slots=True)
class CiOptions:
    """How a workflow is wanted.

    ``cache`` is the repository through which jobs share results ("": the configuration's), ``push`` where images
    are published ("": nowhere), ``install`` a shell command that brings the program ("": pip, by the repository's
    own requirements), ``schedule`` when images are refreshed (crontab(5)), ``container`` what GitLab's jobs run
    in, ``runners`` what jobs of a platform run on.
    """

    selection: Selection = field(default_factory=Selection)
    cache: str = ""
    push: str = ""
    branch: str = "main"
    schedule: str = "17 4 * * *"
    install: str = ""
    container: str = ""
    runners: tuple[tuple[Platform, str], ...] = ()


@dataclass(frozen=True, slots=True)
class CiFile:
    """A workflow: its ``text`` and where it belongs (``path``), how many jobs compile and build."""

    service: Service
    path: str
    text: str
    compiles: int
    images: int
    left_out: tuple[LeftOut, ...] = ()
