# SPDX-License-Identifier: Apache-2.0
"""What makes two images different, and what does not."""

from __future__ import annotations

import gzip
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from imagewright.cli.console import Paint
from imagewright.cli.differences import difference as shown
from imagewright.cli.documents import document
from imagewright.describe.changelogs import changelog_of, new_changes
from imagewright.describe.contents import Described
from imagewright.describe.difference import difference, differs
from imagewright.describe.difference_markdown import difference_markdown, signed
from imagewright.describe.scan import scan
from imagewright.model.differences import Difference
from support.contents import (
    CHANGELOG,
    ENVIRONMENT,
    LIBRARY,
    STATUS,
    SYSCONFIG,
    base,
    described,
    file,
    link,
    python,
    retimed,
    table,
)
from support.golden import Golden

FLAGS = SYSCONFIG.replace("'--with-lto'", "'--enable-optimizations'").replace("'Py_DEBUG': 0", "'Py_DEBUG': 1")


def before() -> Described:
    return described(base(STATUS.replace("deb13u4", "deb13u3")), python())


def after() -> Described:
    more = (file(f"{LIBRARY}/zoneinfo.py", b"z"), file("opt/tool", b"#!", 0o4755), link("opt/t", "tool"))
    lower = [
        (replace(entry, mode=0o755), data) if entry.path == "usr/bin/passwd" else (entry, data)
        for entry, data in base(STATUS + "\nPackage: hello\nStatus: install ok installed\nVersion: 2.10-3\n")
        if not entry.path.endswith("expiry")
    ]
    return described(lower, python(FLAGS, *more), environment=(*ENVIRONMENT, ("LANG", "C.UTF-8")))


def found() -> Difference:
    return difference(("python:3.13.14", "python:3.13.15"), before(), after())


def test_the_difference_in_each_form(golden: Golden) -> None:
    golden("difference.json", document(found()).encode())
    golden("difference.md", ("\n".join(difference_markdown(found())) + "\n").encode())
    lines = shown(found(), Paint(enabled=False), 80)
    golden("difference.txt", ("\n".join(lines) + "\n").encode())
    assert max(map(len, lines)) <= 83, "a digest and its label"


def test_packages_with_what_is_new_in_them() -> None:
    changes = {each.name: (each.before, each.after) for each in found().packages}
    assert changes == {
        "hello": ("", "2.10-3"),
        "libc-bin": ("2.41-12+deb13u3", "2.41-12+deb13u4"),
        "libc6": ("2.41-12+deb13u3", "2.41-12+deb13u4"),
    }
    libc = next(each for each in found().packages if each.name == "libc6")
    assert libc.changelog == (
        "glibc (2.41-12+deb13u4) trixie-security; urgency=medium",
        "  * Fix an overflow (CVE-2026-0001).",
    )


def test_flags_modules_settings_and_modes() -> None:
    (interpreter,) = found().interpreters
    flags = {each.name: (each.removed, each.added) for each in interpreter.variables}
    assert flags["CONFIG_ARGS"] == (("'--with-lto'",), ("'--enable-optimizations'",))
    assert interpreter.added == ("zoneinfo",)
    assert [(each.name, each.after) for each in found().configuration] == [("ENV LANG", "C.UTF-8")]
    files = {each.path: each for group in found().files for each in group.files}
    passwd = files["/usr/bin/passwd"]
    assert passwd.before is not None
    assert passwd.after is not None
    assert (passwd.before.mode, passwd.after.mode) == ("4755", "0755")
    assert files["/usr/bin/expiry"].after is None
    assert files["/opt/tool"].before is None
    assert next(group for group in found().files if group.owner == "passwd").removed == 1


def test_what_does_not_count() -> None:
    one = described(base(), python())
    again = described(
        [(retimed(entry, 5), data) for entry, data in base()], python(), (file("usr/share/old/.wh.x"),)
    )
    seen = difference(("a", "b"), one, again)
    assert not seen.files
    assert not seen.packages
    assert not seen.interpreters
    same = difference(("a", "b"), one, described(base(), python()))
    assert same.identical
    assert not differs(same)
    assert difference_markdown(same)[-1] == "They are the same image."
    assert shown(same, Paint(enabled=False), 80)[-1] == "they are the same image"
    other = replace(same, identical=False)
    assert difference_markdown(other)[-1] != "They are the same image."
    assert differs(found())


def test_content_counts_though_the_size_is_the_same() -> None:
    one, two = (described([file("etc/x", text)]) for text in (b"a", b"b"))
    (group,) = difference(("a", "b"), one, two).files
    assert (group.owner, group.changed, group.growth) == ("", 1, 0)
    assert "-\tchanged `/etc/x`: content, 1.0 B" in difference_markdown(difference(("a", "b"), one, two))


def test_changelogs_end_where_the_old_version_begins() -> None:
    assert new_changes(CHANGELOG, "2.41-12+deb13u4") == ()
    assert len(new_changes(CHANGELOG, "0")) == 4
    assert len(new_changes("x (1) y; z\n" + "  * a\n" * 500, "0")) == 40
    assert [signed(size) for size in (0, 1200, -249)] == ["±0", "+1.2 KB", "−249.0 B"]


def test_changelogs_of_older_versions_that_are_not_named_and_of_downgrades() -> None:
    text = "x (3) y; z\n\n  * three\n\n -- A <a@b>  Mon\n\nx (1~rc2) y; z\n\n  * one\n"
    assert new_changes(text, "2") == ("x (3) y; z", "  * three")
    assert new_changes(text, "4") == ()
    assert new_changes(text, "1~rc2+b1") == ("x (3) y; z", "  * three")


def packed(text: str) -> bytes:
    return gzip.compress(text.encode(), mtime=0)


def test_the_distributions_changelog_is_taken() -> None:
    debian = "curl (2-1) x; y\n\n  * Debian's\n"
    doc = "usr/share/doc"
    tree = [
        file(f"{doc}/libcurl4/changelog.Debian.gz", packed(debian)),
        file(f"{doc}/libcurl4/changelog.gz", packed("Upstream's (1) words\n")),
        file(f"{doc}/libcurl4/changelog.Debian.amd64.gz", packed("curl (2-1+b2) x; y\n\n  * Rebuild\n")),
        link(f"{doc}/curl", "libcurl4"),
        file(f"{doc}/native/changelog.gz", packed("native (5) x; y\n\n  * own\n")),
        file(f"{doc}/upstream/changelog.gz", packed("2026-01-01 somebody\n")),
    ]
    found = scan([table(tree)])
    assert changelog_of(found, "libcurl4", "amd64", ()).startswith(
        "curl (2-1+b2) x; y\n\n  * Rebuild\n\ncurl (2-1)"
    )
    assert changelog_of(found, "libcurl4", "arm64", ()) == debian
    assert changelog_of(found, "curl", "all", ()) == debian
    assert changelog_of(found, "curl-doc", "all", ["upstream", "libcurl4"]) == debian
    assert changelog_of(found, "native", "all", ()).startswith("native (5)")
    assert changelog_of(found, "upstream", "all", ()) == ""
    hidden = scan([table(tree), table([file(f"{doc}/native/.wh.changelog.gz", b"")])])
    assert changelog_of(hidden, "native", "all", ()) == ""


@given(st.text(), st.text(max_size=10))
def test_any_changelog(text: str, since: str) -> None:
    assert all(line in text for line in new_changes(text, since))


TREES = st.dictionaries(st.sampled_from(["a", "b/c", "b/d", "e"]), st.binary(max_size=2), max_size=4)


@given(TREES, TREES)
def test_a_difference_turned_round(one: dict[str, bytes], two: dict[str, bytes]) -> None:
    images = [described([file(path, data) for path, data in tree.items()]) for tree in (one, two)]
    there = difference(("a", "b"), *images).files
    back = difference(("b", "a"), *reversed(images)).files
    assert [(each.path, each.before, each.after) for group in there for each in group.files] == [
        (each.path, each.after, each.before) for group in back for each in group.files
    ]
    changed = {path for path in one.keys() | two.keys() if one.get(path) != two.get(path)}
    assert {each.path for group in there for each in group.files} == {f"/{path}" for path in changed}
