# SPDX-License-Identifier: Apache-2.0
"""arm64 on a machine that is not: compiled across, configured and checked in an emulator that nobody installed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from imagewright.oci.descriptor import INDEX
from imagewright.oci.index import Index
from imagewright.oci.layout_source import LayoutDirectory
from peers.fixtures import ARM, QUICK, Workshop
from peers.programs import output
from support.machine import program

pytestmark = [pytest.mark.integration, pytest.mark.slow]

LOOK = """
import glob, json, os, sys, sysconfig
files = glob.glob("/usr/local/**/*", recursive=True)
elf = {}
for path in files:
    if os.path.isfile(path) and not os.path.islink(path):
        with open(path, "rb") as file:
            head = file.read(20)
        if head[:4] == b"\\x7fELF":
            elf[path] = head[18] + 256 * head[19]
variables = sysconfig.get_config_vars()
print(json.dumps({
    "machine": os.uname().machine,
    "files": sorted(files),
    "elf": sorted(set(elf.values())),
    "variables": {name: str(variables.get(name)) for name in sorted(variables)},
}))
"""


def look(workshop: Workshop, *words: str) -> dict[str, object]:
    said = workshop.call("run", *words[1:], words[0], "--", "python3", "-c", LOOK)
    found: dict[str, object] = json.loads(said.stdout)
    return found


def as_native(text: str) -> str:
    """What differs between two native builds, made the same."""
    for name, same in (("aarch64-unknown", "CPU"), ("x86_64-pc", "CPU"), ("aarch64", "CPU"), ("x86_64", "CPU")):
        text = text.replace(name, same)
    return text


PROCESSOR = {
    "HAVE_GCC_ASM_FOR_X64",  # inline assembly of x86
    "HAVE_GCC_ASM_FOR_X87",
    "HAVE_USABLE_WCHAR_T",  # wchar_t is unsigned on ARM
    "PY_SUPPORT_TIER",  # PEP 11
}
"""Variables that differ between native builds for the two."""


def test_it_is_what_a_native_build_is(arm: Workshop) -> None:
    across, native = look(arm, *ARM), look(arm, *QUICK)
    assert across["machine"] == "aarch64"
    assert across["elf"] == [183]
    assert [as_native(str(one)) for one in across["files"]] == [as_native(str(one)) for one in native["files"]]  # type: ignore[attr-defined]
    ours: dict[str, str] = across["variables"]  # type: ignore[assignment]
    theirs: dict[str, str] = native["variables"]  # type: ignore[assignment]
    differing = {
        name: (ours.get(name), theirs.get(name))
        for name in ours.keys() | theirs.keys()
        if as_native(ours.get(name, "")) != as_native(theirs.get(name, ""))
    }
    assert set(differing) <= PROCESSOR, differing
    assert ours["CC"] == "gcc"
    assert ours["MULTIARCH"] == "aarch64-linux-gnu"


def test_both_platforms_in_one_layout(arm: Workshop, tmp_path: Path) -> None:
    place = tmp_path / "both"
    built = arm.answer(
        "build", *QUICK, "--platform", "linux/amd64,linux/arm64", "-o", str(place), "--format", "oci-dir"
    )
    layout = LayoutDirectory(place)
    entry = layout.find()
    assert entry.media_type == INDEX
    index = Index.parse(layout.read(entry))
    assert [str(one.digest) for one in index.manifests] == [image["digest"] for image in built]
    assert layout.verify() > len(built)
    program("skopeo", "skopeo")
    for image in built:
        _, architecture, variant = f"{image['platform']}/".split("/")[:3]
        chosen = ["--override-arch", architecture, "--override-variant", variant]
        seen = json.loads(output(["skopeo", *chosen, "inspect", f"oci:{place}"]))
        assert seen["Architecture"] == architecture
        assert seen["Layers"] == [layer["digest"] for layer in image["layers"]]


def test_the_same_again_costs_nothing(arm: Workshop) -> None:
    plan = arm.answer("plan", *ARM)
    assert plan["compiles"] == 0
    assert all(step["cached"] for step in plan["steps"])
