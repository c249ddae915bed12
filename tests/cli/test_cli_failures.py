# SPDX-License-Identifier: Apache-2.0
"""Whatever goes wrong: an exit status, at most three lines, and a document for scripts."""

from __future__ import annotations

import errno
import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagewright import errors
from imagewright.cli.failures import as_error
from imagewright.cli.run import run
from support.fake_application import FakeApplication

SPEC = "3.13-slim-trixie"
KINDS: list[tuple[type[errors.ImagewrightError], int]] = [
    (errors.BuildError, 1),
    (errors.CheckError, 1),
    (errors.UsageError, 2),
    (errors.ConfigurationError, 3),
    (errors.StaleLockError, 3),
    (errors.SolveError, 3),
    (errors.FetchError, 4),
    (errors.OfflineError, 4),
    (errors.VerificationError, 5),
    (errors.MachineError, 6),
    (errors.StoreBusyError, 6),
    (errors.RegistryError, 7),
    (errors.NotReproducibleError, 8),
    (errors.InterruptedBuild, 130),
]


def failing(error: BaseException) -> FakeApplication:
    def during() -> None:
        raise error

    return FakeApplication(emitted=(), during=during)


def call(application: FakeApplication, *words: str) -> int:
    return run(words, {}, make=application.make, clock=lambda: 0.0)


@pytest.mark.parametrize(("kind", "status"), KINDS)
def test_every_kind_of_error_has_its_exit_status_and_three_lines(
    capsys: pytest.CaptureFixture[str], kind: type[errors.ImagewrightError], status: int
) -> None:
    error = kind("it broke", why="two\nlines", hint="do this", details={"log": Path("a.log")})
    assert call(failing(error), "build", SPEC) == status
    streams = capsys.readouterr()
    assert streams.out == ""
    assert streams.err.splitlines() == ["error: it broke", "  why: two lines", "  try: do this"]


def test_the_documented_exit_statuses_are_the_real_ones() -> None:
    text = (Path(__file__).parents[2] / "docs" / "reference" / "exit-status.md").read_text()
    documented = {int(code) for code in re.findall(r"^\| (\d+) \|", text, flags=re.MULTILINE)}
    assert documented == {0, 141} | {kind.code for kind, _ in KINDS}
    for kind, code in KINDS:
        assert re.search(rf"^\| {code} \|.*`{kind.kind}`", text, flags=re.MULTILINE), kind


@pytest.mark.parametrize("words", [("--json", "build", SPEC), ("build", SPEC, "--json")])
def test_json_gives_the_error_as_a_document(capsys: pytest.CaptureFixture[str], words: tuple[str, ...]) -> None:
    error = errors.FetchError(
        "no", why="because", hint="try", details={"url": "http://x", "at": Path("p"), "odd": {1}}
    )
    assert call(failing(error), *words) == 4
    document = json.loads(capsys.readouterr().out)
    assert document == {
        "error": {
            "code": 4,
            "kind": "fetch",
            "message": "no",
            "why": "because",
            "hint": "try",
            "details": {"url": "http://x", "at": "p", "odd": "{1}"},
        }
    }


def test_every_problem_of_a_document_is_shown_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    problems = [errors.Problem("series[0]", "one", "did you mean 3.13?"), errors.Problem("suites", "two")]
    error = errors.ConfigurationError(
        "wrong", why="series[0]: one (and 1 more)", hint="mend it", problems=problems
    )
    assert call(failing(error), "plan", SPEC) == 3
    lines = capsys.readouterr().err.splitlines()
    assert lines == ["error: wrong", "  why: series[0]: one (did you mean 3.13?); suites: two", "  try: mend it"]


USAGE: list[tuple[tuple[str, ...], str]] = [
    (("bild", SPEC), "did you mean build? see 'imagewright --help'"),
    (("build",), "give a SPEC such as 3.13-slim-trixie, or --all"),
    (("build", SPEC, "--profil", "quick"), "did you mean --profile? see 'imagewright build --help'"),
    (("build", SPEC, "--profile", "fast"), "see 'imagewright build --help'"),
    (("build", SPEC, "--platform", "vax"), "see 'imagewright build --help'"),
    (("build", SPEC, "--mirror", "debian"), "for example --mirror debian=http://mirror.example/debian"),
    (("run", "-e", "x", SPEC), "for example --env TZ=Europe/Berlin"),
    (("store", "fsk"), "did you mean fsck? see 'imagewright store --help'"),
    (("build", SPEC, "--jobs", "0"), "see 'imagewright build --help'"),
]


@pytest.mark.parametrize(
    ("words", "hint"), USAGE, ids=lambda value: " ".join(value) if isinstance(value, tuple) else ""
)
def test_wrong_words(capsys: pytest.CaptureFixture[str], words: tuple[str, ...], hint: str) -> None:
    assert call(FakeApplication(), *words) == 2
    lines = capsys.readouterr().err.splitlines()
    assert lines[0].startswith("error: ")
    assert lines[-1] == f"  try: {hint}"
    assert len(lines) <= 3


def test_wrong_words_with_json_are_a_document_too(capsys: pytest.CaptureFixture[str]) -> None:
    assert call(FakeApplication(), "bild", "--json") == 2
    assert json.loads(capsys.readouterr().out)["error"]["kind"] == "usage"


def test_json_among_the_words_of_a_command_inside_is_not_ours(capsys: pytest.CaptureFixture[str]) -> None:
    assert call(failing(errors.BuildError("no")), "run", SPEC, "--", "x", "--json") == 1
    assert capsys.readouterr().out == ""


def test_ctrl_c_is_130_and_says_how_to_go_on(capsys: pytest.CaptureFixture[str]) -> None:
    assert call(failing(KeyboardInterrupt()), "build", SPEC) == 130
    assert capsys.readouterr().err.splitlines()[0] == "error: interrupted"


def test_a_defect_is_one_line_and_debug_shows_where(capsys: pytest.CaptureFixture[str]) -> None:
    assert call(failing(ZeroDivisionError("odd")), "build", SPEC) == 1
    assert capsys.readouterr().err.splitlines() == [
        "error: this is a defect in imagewright",
        "  why: ZeroDivisionError: odd",
        "  try: run the same command with --debug and report what it prints",
    ]
    assert call(failing(ZeroDivisionError("odd")), "build", SPEC, "--debug") == 1
    assert "Traceback" in capsys.readouterr().err


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EACCES, errno.EROFS, errno.EMFILE])
def test_what_the_machine_refuses_is_its_own_status(number: int) -> None:
    error = as_error(OSError(number, "x", "/some/file"), "imagewright")
    assert error.code == 6
    assert "/some/file" in error.why


def test_other_os_errors_are_defects() -> None:
    assert as_error(OSError(errno.EBADF, "x"), "imagewright").kind == "defect"


def test_no_words_at_all_is_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert call(FakeApplication()) == 0
    assert "Examples:" in capsys.readouterr().out


@given(st.text(), st.text(), st.text())
def test_no_text_makes_more_than_three_lines_or_controls_the_terminal(message: str, why: str, hint: str) -> None:
    from imagewright.cli.console import Console
    from imagewright.cli.failures import lines_of

    written = lines_of(errors.BuildError(message, why=why, hint=hint), _console(Console))
    text = "\n".join(written)
    assert len(text.splitlines()) <= 3
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]", text.replace("\n", ""))


def _console(kind: Callable[..., object]) -> object:
    import io

    return kind(io.StringIO(), io.StringIO(), {})
