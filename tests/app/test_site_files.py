# SPDX-License-Identifier: Apache-2.0
"""Files of a site: only what changed is written, what is gone is removed, and nothing else is touched."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from imagewright.app.site_files import LIST, Counts, SiteFiles, read_list
from imagewright.errors import ConfigurationError, MachineError, UsageError


def write(directory: Path, files: dict[str, bytes], umask: int = 0o022) -> Counts:
    with SiteFiles(directory, umask) as tree:
        tree.expect(files)
        for path, content in files.items():
            tree.put(path, content)
        return tree.finish()


def there(directory: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(directory)): path.read_bytes()
        for path in directory.rglob("*")
        if path.is_file() and path.name != LIST
    }


FILES = {"index.html": b"1", "images/a/index.html": b"2", "data/images.js": b"3"}


def test_only_what_changed_is_written(tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert write(out, FILES) == Counts(3, 3, 3, 0, 0)
    assert there(out) == FILES
    before = {path: (out / path).stat().st_ino for path in FILES}
    assert write(out, FILES) == Counts(3, 3, 0, 3, 0)
    assert {path: (out / path).stat().st_ino for path in FILES} == before
    assert write(out, FILES | {"index.html": b"4"}) == Counts(3, 3, 1, 2, 0)
    (out / "data/images.js").write_bytes(b"x")
    assert write(out, FILES) == Counts(3, 3, 2, 1, 0), "what somebody changed is mended"
    assert there(out) == FILES


def test_what_is_gone_is_removed_and_nothing_else(tmp_path: Path) -> None:
    out = tmp_path / "out"
    write(out, FILES)
    (out / "CNAME").write_text("images.example")
    (out / "images/a/mine").write_text("mine")
    rest = {"index.html": b"1"}
    assert write(out, rest).removed == 2
    assert there(out) == rest | {"CNAME": b"images.example", "images/a/mine": b"mine"}
    assert not (out / "data").exists()
    assert set(read_list(out)) == {"index.html"}


def test_a_run_that_was_killed_leaves_nothing_unknown(tmp_path: Path) -> None:
    out = tmp_path / "out"
    with SiteFiles(out, 0o022) as tree:
        tree.expect(["a.html", "b/c.html"])
        tree.put("b/c.html", b"1")
    assert set(read_list(out)) == {"a.html", "b/c.html"}
    (out / ".a.html.new").write_bytes(b"half")
    assert write(out, {"index.html": b"1"}).removed == 1
    assert there(out) == {"index.html": b"1"}


def test_a_directory_with_other_things_is_refused(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(UsageError, match="holds other things"):
        write(tmp_path, FILES)
    assert there(tmp_path) == {"thesis.txt": b"years of work"}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"version":2,"files":{}}',
        '{"version":1,"files":[]}',
        *(
            json.dumps({"version": 1, "files": {name: ""}})
            for name in ("../x", "/etc/passwd", "a/../b", "a//b", ".hidden", "a\n", "a/", LIST)
        ),
    ],
)
def test_a_list_that_names_other_files_is_refused(text: str, tmp_path: Path) -> None:
    (tmp_path / LIST).write_text(text)
    with pytest.raises(ConfigurationError, match="is not the list"):
        write(tmp_path, FILES)


def test_links_are_not_followed(tmp_path: Path) -> None:
    out, elsewhere = tmp_path / "out", tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "images.js").write_bytes(b"mine")
    write(out, FILES)
    (out / "data/images.js").unlink()
    (out / "data").rmdir()
    (out / "data").symlink_to(elsewhere)
    with pytest.raises(UsageError, match="is not a directory"):
        write(out, FILES | {"data/images.js": b"4"})
    write(out, {"index.html": b"1"})
    assert there(elsewhere) == {"images.js": b"mine"}


def test_a_link_in_the_place_of_a_file_is_replaced(tmp_path: Path) -> None:
    out = tmp_path / "out"
    write(out, FILES)
    (tmp_path / "mine").write_bytes(b"1")
    (out / "index.html").unlink()
    (out / "index.html").symlink_to(tmp_path / "mine")
    assert write(out, FILES).written == 1
    assert not (out / "index.html").is_symlink()


def test_two_at_once_are_refused(tmp_path: Path) -> None:
    with SiteFiles(tmp_path / "out", 0o022), pytest.raises(MachineError, match="another process"):
        write(tmp_path / "out", FILES)


def test_the_persons_umask_decides_who_may_read(tmp_path: Path) -> None:
    write(tmp_path / "open", FILES)
    write(tmp_path / "closed", FILES, umask=0o077)
    for name, file, directory in (("open", 0o644, 0o755), ("closed", 0o600, 0o700)):
        assert (tmp_path / name / "images/a/index.html").stat().st_mode & 0o777 == file
        assert (tmp_path / name / "images").stat().st_mode & 0o777 == directory
