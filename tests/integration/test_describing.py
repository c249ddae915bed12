# SPDX-License-Identifier: Apache-2.0
"""Reports and differences of a real image, of one that buildah made on top of it, and of one made from nothing."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from peers.fixtures import Built, Workshop
from peers.programs import output
from support.machine import need_root, program

pytestmark = [pytest.mark.integration, pytest.mark.slow]

DOCKERFILE = """FROM {base}
ARG WHO=me
ENV LANG=C.UTF-8 GREETING="good day"
LABEL vendor=Example
COPY hello /usr/bin/hello
RUN rm /usr/share/doc/libc6/copyright && chmod 4755 /usr/bin/hello
USER 1000
CMD ["python3", "-i"]
"""
SCRATCH = """FROM scratch
COPY hello /hello
COPY hello /again
EXPOSE 8080
ENTRYPOINT ["/hello"]
"""


@dataclass(frozen=True, slots=True)
class Others:
    """Images that buildah made, as REFs: on top of ours, and of nothing (the latter also as a Docker archive)."""

    workshop: Workshop
    base: str
    derived: str
    scratch: str
    archive: str


@pytest.fixture(scope="module")
def others(quick_image: Built, tmp_path_factory: pytest.TempPathFactory, runroot: Path) -> Others:
    need_root()
    program("buildah", "buildah")
    program("skopeo", "skopeo")
    space = tmp_path_factory.mktemp("others")
    base = f"oci-archive:{quick_image.archive}:{quick_image.answer['tags'][0]}"
    (space / "hello").write_text("#!/bin/sh\necho hello\n")
    storage = [f"--root={space}/root", f"--runroot={runroot}", "--storage-driver=vfs"]
    for name, text in (("derived", DOCKERFILE.format(base=base)), ("scratch", SCRATCH)):
        (space / f"{name}.txt").write_text(text)
        # In a mount namespace of its own, since buildah leaves a mount on its storage.
        build = ["build", "--isolation=chroot", "--format=docker", "--layers", "-f", space / f"{name}.txt"]
        output(["unshare", "--mount", "buildah", *storage, *build, "-t", f"oci:{space}/{name}", space])
    output(["skopeo", "copy", f"oci:{space}/scratch", f"docker-archive:{space}/scratch.tar:it:1"])
    return Others(
        quick_image.workshop,
        base,
        f"oci:{space}/derived",
        f"oci:{space}/scratch",
        f"docker-archive:{space}/scratch.tar",
    )


def test_the_content_of_our_own(quick_image: Built) -> None:
    ref = f"store:{quick_image.answer['image']}"
    report = quick_image.workshop.answer("report", ref)
    assert report["digest"] == quick_image.answer["digest"]
    (content,) = report["contents"]
    names = {package["name"] for source in content["sources"] for package in source["packages"]}
    assert {"libc6", "libssl3t64", "base-files"} <= names
    openssl = next(source for source in content["sources"] if source["name"] == "openssl")
    assert any("Apache-2.0" in licence for licence in openssl["licences"])
    assert openssl["urls"][0].endswith(f"/pool/main/o/openssl/openssl_{openssl['version']}.dsc")
    assert "pip" in {package["name"] for package in content["python_packages"]}
    (interpreter,) = content["interpreters"]
    assert interpreter["version"] == "3.13.15"
    assert dict(interpreter["variables"])["Py_GIL_DISABLED"] == "0"
    assert {"asyncio.events", "_ssl", "sqlite3", "zoneinfo"} <= set(interpreter["modules"])
    assert {"/usr/bin/su", "/usr/bin/passwd"} <= {file["path"] for file in content["privileged"]}
    page = quick_image.workshop.call("report", ref, "--format", "html").stdout
    assert page.count("<svg") == 1


def test_what_buildah_made_of_it(others: Others) -> None:
    published = others.workshop.answer("report", others.derived)["published"]
    (image,) = published["images"]
    texts = [step["text"] for step in image["history"]]
    assert any(text.startswith("RUN rm /usr/share/doc/libc6/copyright") for text in texts)
    assert "USER 1000" in texts
    assert 'CMD ["python3", "-i"]' in texts
    assert image["command"] == ["python3", "-i"]
    found = others.workshop.answer("diff", others.base, others.derived)
    assert all(layer["same"] for layer in found["layers"][: found["before"]["layers"]])
    settings = {each["name"]: each["after"] for each in found["configuration"]}
    assert settings["ENV GREETING"] == "good day"
    assert settings["USER"] == "1000"
    files = {file["path"]: file for group in found["files"] for file in group["files"]}
    assert files["/usr/bin/hello"]["after"]["mode"] == "4755"
    assert files["/usr/share/doc/libc6/copyright"]["after"] is None
    assert next(group["owner"] for group in found["files"] if group["removed"]) == "libc6"
    assert found["packages"] == []
    others.workshop.call("diff", others.base, others.derived, "--exit-code", expect=1)
    others.workshop.call("diff", others.base, others.base, "--exit-code")


def test_an_image_from_nothing_and_its_docker_archive(others: Others) -> None:
    content = others.workshop.answer("report", others.scratch)["contents"][0]
    assert content["files"] == 2
    assert content["sources"] == []
    report = others.workshop.call("report", others.archive, "--format", "md").stdout
    assert '-\tEntrypoint: `["/hello"]`' in report
    assert "EXPOSE 8080" in report
    found = others.workshop.answer("diff", others.scratch, others.archive)
    assert found["files"] == []
    assert all(layer["same"] for layer in found["layers"])
