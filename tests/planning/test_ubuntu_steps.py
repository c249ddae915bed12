# SPDX-License-Identifier: Apache-2.0
"""Ubuntu's images in a plan: their own apt sources, their rules, and two mirrors side by side in one lock."""

from __future__ import annotations

from imagewright.catalog.shipped import shipped_catalog
from imagewright.model.lock import Lock
from imagewright.model.plan import Plan, RootWork, StepKind
from imagewright.planning.debian import DebianCandidates
from imagewright.planning.lockfile import read_lock, write_lock
from imagewright.planning.locking import LockInputs, make_lock
from imagewright.planning.outdated import is_security
from imagewright.planning.steps import PlanOptions, make_plan
from support.locks import archives, candidates, definition

CATALOG = shipped_catalog()


def locked(*images: tuple[str, str]) -> Lock:
    """A lock of (SPEC, platform), each from the mirror of its architecture."""
    definitions = [definition(spec, platform=platform) for spec, platform in images]

    def candidates_of(suite: str, architecture: str) -> DebianCandidates:
        names = {archive.name for archive in archives(suite, architecture=architecture)}
        main = suite if suite in names else f"{suite}-ports"
        return candidates(main, architecture)

    pairs = sorted({(one.name.suite, one.platform.debian) for one in definitions})
    states = tuple(state for suite, architecture in pairs for state in archives(suite, architecture=architecture))
    return read_lock(write_lock(make_lock(definitions, CATALOG, LockInputs(candidates_of, states))))


def base(plan: Plan) -> RootWork:
    (found,) = (step.work for step in plan.steps if step.kind is StepKind.BASE)
    assert isinstance(found, RootWork)
    return found


def planned(spec: str, platform: str, lock: Lock, options: PlanOptions | None = None) -> Plan:
    return make_plan([definition(spec, platform=platform)], lock, CATALOG, options)


BOTH = locked(("3.13-slim-noble", "amd64"), ("3.13-slim-noble", "arm64"), ("3.13-slim-jammy", "amd64"))


def test_one_lock_holds_both_mirrors() -> None:
    found = {archive.name: (archive.mirror, archive.suite) for archive in BOTH.archives}
    assert found["noble"] == ("ubuntu", "noble")
    assert found["noble-security"] == ("ubuntu-security", "noble-security")
    assert found["noble-ports"] == ("ubuntu-ports", "noble")
    assert found["noble-security-ports"] == ("ubuntu-ports", "noble-security")


def test_security_archives_are_told_by_their_names_in_the_lock() -> None:
    assert {archive.name for archive in BOTH.archives if is_security(archive.name)} == {
        "noble-security",
        "noble-security-ports",
        "jammy-security",
    }


def test_the_images_sources_name_the_mirror_of_its_architecture() -> None:
    amd64 = dict(base(planned("3.13-slim-noble", "amd64", BOTH)).files)["etc/apt/sources.list.d/ubuntu.sources"]
    assert "URIs: http://mirror.example/ubuntu\nSuites: noble noble-updates\n" in amd64
    assert "URIs: http://mirror.example/ubuntu-security\nSuites: noble-security\n" in amd64
    assert amd64.count("Components: main universe\n") == 2
    arm64 = dict(base(planned("3.13-slim-noble", "arm64", BOTH)).files)["etc/apt/sources.list.d/ubuntu.sources"]
    assert arm64.startswith(
        "Types: deb\nURIs: http://mirror.example/ubuntu-ports\nSuites: noble noble-updates noble-security\n"
    )
    assert arm64.count("Types: deb") == 1


def test_jammys_sources_are_lines() -> None:
    files = dict(base(planned("3.13-slim-jammy", "amd64", BOTH)).files)
    assert len(files["etc/apt/sources.list"].splitlines()) == 3
    assert not any(path.startswith("etc/apt/sources.list.d/") for path in files)


def test_the_address_in_the_image_is_a_setting() -> None:
    options = PlanOptions(image_sources={"ubuntu": "http://in.example/u", "ubuntu-ports": "http://in.example/p"})
    for platform, address in (("amd64", "http://in.example/u"), ("arm64", "http://in.example/p")):
        files = dict(base(planned("3.13-slim-noble", platform, BOTH, options)).files)
        assert f"URIs: {address}\n" in files["etc/apt/sources.list.d/ubuntu.sources"]


def test_rules_and_profile() -> None:
    plan = planned("3.13-slim-noble", "amd64", BOTH)
    assert "/usr/share/locale/*/LC_MESSAGES/*.mo" in base(plan).exclude
    assert "/usr/share/doc/*/changelog.*" in base(plan).include
    assert BOTH.profiles == (), "profiles are trained on Debian's compilers"
