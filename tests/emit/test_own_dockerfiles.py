# SPDX-License-Identifier: Apache-2.0
"""Dockerfiles of images with things of a person's own: all is printed, by hash where it comes from outside."""

from __future__ import annotations

import hashlib

import pytest

from imagewright.emit.dockerfiles.bake import BakeImage, BakeStyle, bake_document
from imagewright.emit.dockerfiles.lint import lint
from imagewright.emit.dockerfiles.model import Style
from support.own_dockerfile import ALL, PATCH, SIX, own_dockerfile, own_order

PATCHES = f"patch-{hashlib.sha256(PATCH).hexdigest()[:12]}.patch"
VARIANTS = ("3.13-slim-trixie", "3.13-trixie", "3.13-minimal-trixie")


@pytest.mark.parametrize("classic", [False, True])
@pytest.mark.parametrize("spec", VARIANTS)
def test_everything_is_there_and_clean(spec: str, classic: bool) -> None:
    found = own_dockerfile(spec, style=Style(classic=classic))
    text = found.text
    assert lint(text) == ()
    assert f"six==1.17.0 --hash=sha256:{SIX}" in text
    assert "--require-hashes" in text
    assert f"COPY {PATCHES} /\n" in text
    assert f"{hashlib.sha256(PATCH).hexdigest()} any {PATCHES} patch-1" in text
    assert (PATCHES, "file:greeting.patch") in found.beside
    assert "MIIB" in text
    assert "IW_LOCALE=de_DE.UTF-8" in text
    assert "IW_BYTECODE=yes" in text
    assert "--with-dtrace" in text
    assert 'GREETING="a \\"quoted\\" \\$word"' in text
    assert "USER 1234:1234\n" in text
    assert 'ENTRYPOINT ["python3", "-m", "app"]\n' in text
    assert text.index("AS site\n") < text.index("COPY --from=site /site/ /\n") < text.index("USER ")


def test_a_configured_root_gets_user_and_authorities_from_scripts() -> None:
    text = own_dockerfile("3.13-slim-trixie").text
    install = text[text.index("cp /recipe/authorities/*.crt") :]
    assert install.index("image-packages.sh install") < install.index("image-account.sh")
    assert install.index("image-account.sh") < install.index("image-tidy.sh")
    assert "IW_ACCOUNT='app 1234 1234 /srv/app /bin/sh'" in text


def test_a_bare_root_has_them_in_its_files() -> None:
    text = own_dockerfile("3.13-minimal-trixie").text
    assert "etc/passwd\tapp:x:1234:1234::/srv/app:/bin/sh\n" in text
    assert "etc/group\tapp:x:1234:\n" in text
    assert "IW_HOME='srv/app 0700 1234:1234'" in text
    assert "/recipe/authorities.crt" in text
    assert "image-account.sh" not in text


def test_nothing_of_it_is_there_where_nothing_was_chosen() -> None:
    text = own_dockerfile("3.13-slim-trixie", "").text
    for word in ("AS site", "IW_ACCOUNT", "/recipe/authorities", "COPY patch-", "PIP_INDEX_URL"):
        assert word not in text


def test_a_pinned_pip_leaves_virtual_environments_theirs() -> None:
    text = own_dockerfile("3.13-slim-trixie", f'{ALL}installers = "pinned"\npip = "26.2.1"\n')
    assert "COPY --from=python /parts/installers/usr/local/lib/python3.13/ensurepip/" in text.text
    assert "COPY --from=python /parts/installers/ /" not in text.text


def test_interpreters_that_differ_are_compiled_apart() -> None:
    plain = own_order("3.13-slim-trixie", "").builds[0].definition
    patched = own_order("3.13-trixie").builds[0].definition
    minimal = own_order("3.13-minimal-trixie").builds[0].definition
    images = [BakeImage((one,), str(one.name)) for one in (plain, patched, minimal)]
    targets = bake_document(images, BakeStyle())["target"]
    assert [name for name in targets if name.startswith("python-")] == [
        "python-3-13-15-trixie",
        "python-3-13-15-trixie-2",
    ]
    shared = [targets[name]["contexts"]["python"] for name in ("3-13-15-trixie", "3-13-15-minimal-trixie")]
    assert set(shared) == {"target:python-3-13-15-trixie-2"}
    assert targets["3-13-15-slim-trixie"]["contexts"]["python"] == "target:python-3-13-15-trixie"
