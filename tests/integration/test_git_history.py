# SPDX-License-Identifier: Apache-2.0
"""The history of Dockerfiles in a real Git repository."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from imagewright.app.git import GitHistory
from imagewright.app.library import write_manifest
from imagewright.app.readme import describe_repository
from imagewright.app.world import SystemClock, World
from imagewright.errors import ConfigurationError
from imagewright.model.emitted import LibraryOptions, ReadmeOptions
from imagewright.model.general import GlobalOptions
from imagewright.model.ports import Kept

pytestmark = pytest.mark.integration


def git(directory: Path, *words: str) -> str:
    who = {"GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@b.example"}
    who |= {name.replace("AUTHOR", "COMMITTER"): value for name, value in who.items()}
    environment = {"PATH": os.environ["PATH"], "HOME": str(directory), **who}
    done = subprocess.run(["git", "-C", directory, *words], env=environment, capture_output=True, check=True)
    return done.stdout.decode().strip()


def commit(directory: Path, *names: str) -> str:
    """Write a Dockerfile in each directory and commit them; the commit."""
    for name in names:
        path = directory / name / "Dockerfile"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(path.read_text() + "#\n" if path.exists() else "FROM scratch\n")
    git(directory, "add", "--all")
    git(directory, "commit", "--quiet", "-m", " ".join(names))
    return git(directory, "rev-parse", "HEAD")


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    found = tmp_path / "repository"
    found.mkdir()
    monkeypatch.setenv("HOME", str(tmp_path))
    git(found, "init", "--quiet")
    return found


def test_the_last_commit_of_each_directory(repository: Path) -> None:
    first = commit(repository, "3.13/trixie", "3.13/slim-trixie", "3.12/trixie")
    second = commit(repository, "3.13/slim-trixie")
    (repository / "notes").write_text("not committed, and nobody's business\n")
    found = GitHistory(repository).kept(["3.13/trixie", "3.13/slim-trixie", "3.14/trixie", "3.13"])
    assert found == {
        "3.13/trixie": Kept("3.13/trixie", first),
        "3.13/slim-trixie": Kept("3.13/slim-trixie", second),
    }
    assert GitHistory(repository).origin() == ""
    git(repository, "remote", "add", "origin", "https://git.example/python.git")
    assert GitHistory(repository).origin() == "https://git.example/python.git"


def test_a_directory_below_the_top(repository: Path) -> None:
    first = commit(repository, "images/3.13/trixie")
    assert GitHistory(repository / "images").kept(["3.13/trixie"]) == {
        "3.13/trixie": Kept("images/3.13/trixie", first)
    }


@pytest.mark.parametrize("name", ["3.13/trixie/Dockerfile", "3.13/trixie/more"])
def test_what_is_not_committed_is_refused(repository: Path, name: str) -> None:
    commit(repository, "3.13/trixie", "3.12/trixie")
    (repository / name).write_text("changed\n")
    assert set(GitHistory(repository).kept(["3.12/trixie"])) == {"3.12/trixie"}
    with pytest.raises(ConfigurationError, match="is not as it was committed"):
        GitHistory(repository).kept(["3.13/trixie"])


def test_a_history_that_was_cut_off_is_refused(repository: Path, tmp_path: Path) -> None:
    commit(repository, "3.13/trixie")
    commit(repository, "3.12/trixie")
    git(tmp_path, "clone", "--quiet", "--depth=1", f"file://{repository}", "shallow")
    with pytest.raises(ConfigurationError, match="was cut off"):
        GitHistory(tmp_path / "shallow").kept(["3.13/trixie"])


def test_no_repository_and_no_commit(repository: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="git cannot read"):
        GitHistory(repository).kept([])
    (tmp_path / "other").mkdir()
    with pytest.raises(ConfigurationError, match="git cannot read") as caught:
        GitHistory(tmp_path / "other").kept([])
    assert "not a git repository" in caught.value.why


def test_manifest_and_readmes_of_a_repository_with_dockerfiles_of_one_architecture(repository: Path) -> None:
    """What is committed below a directory of the repository is what both name, each architecture its own."""
    common = commit(repository, "images/3.13/trixie", "images/3.13/slim-trixie")
    own = commit(repository, "images/3.13/trixie/arm32v5")
    (repository / "imagewright.toml").write_text(
        '[publication.links]\ndockerfile = "https://git.example/x/{commit}/{directory}/{file}"\n'
    )
    catalog = Path(__file__).parent.parent / "catalogs" / "002-2025.toml"
    world = World(GlobalOptions(config=repository / "imagewright.toml"), SystemClock(), 0o022)
    options = LibraryOptions(
        git=repository / "images", repository="https://git.example/x", maintainers=("A (@a)",), catalog=catalog
    )
    made = write_manifest(world, options, GitHistory(repository / "images"))
    whole, slim = made.entries
    places = {source.architecture: (source.commit, source.directory) for source in whole.sources}
    assert places.pop("arm32v5") == (own, "images/3.13/trixie/arm32v5")
    assert set(places.values()) == {(own, "images/3.13/trixie")}, "the last commit below the directory"
    assert {(one.commit, one.directory) for one in slim.sources} == {(common, "images/3.13/slim-trixie")}
    for name, link in (
        ("python", f"({own}/images/3.13/trixie/Dockerfile)"),
        ("arm32v5/python", f"({own}/images/3.13/trixie/arm32v5/Dockerfile)"),
    ):
        text = describe_repository(world, name, ReadmeOptions(git=repository / "images", catalog=catalog)).text
        assert link.replace("(", "(https://git.example/x/") in text
        assert f"{common}/images/3.13/slim-trixie/Dockerfile" in text
        assert "HEAD" not in text
