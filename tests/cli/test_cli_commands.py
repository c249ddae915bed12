# SPDX-License-Identifier: Apache-2.0
"""Words in, one use case, answer out."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from imagewright.cli.commands import MODULES, SUMMARIES, cli
from imagewright.cli.run import run
from imagewright.model.general import ArchiveFormat, GlobalOptions
from imagewright.model.images import Bytecode, Compression, Profile
from imagewright.model.options import BuildOptions, RunOptions, Selection, TrainOptions, WorkerOptions
from imagewright.model.platforms import parse_platform
from imagewright.model.results import CheckResult
from support.fake_application import CHECKS, IMAGE, STEPS, FakeApplication

SPEC = "3.13-slim-trixie"
Call = Callable[..., int]


@pytest.fixture
def application() -> FakeApplication:
    return FakeApplication()


@pytest.fixture
def call(application: FakeApplication) -> Call:
    def imagewright(*words: str, **environment: str) -> int:
        return run(words, environment, make=application.make, clock=lambda: 0.0)

    return imagewright


def test_the_list_of_commands_says_what_each_says_itself() -> None:
    said = {name: cli.commands[name].get_short_help_str(1000) for name in MODULES}
    assert said == SUMMARIES, "write the first sentence of a command's help into commands.SUMMARIES"


def test_plan_asks_for_a_schedule_only_where_workers_are_said(application: FakeApplication, call: Call) -> None:
    assert call("plan", SPEC) == 0
    assert call("plan", SPEC, "--workers", "4", "--cores", "8", "--memory", "2048", "--price", "0.5") == 0
    assert call("plan", SPEC, "--fresh") == 0
    asked = [one[3:] for one in application.asked if one[0] == "plan"]
    assert asked == [(), (WorkerOptions(4, 8, 2048 << 20, 0.5),), (WorkerOptions(fresh=True),)]


def test_a_price_that_is_no_number_is_refused(call: Call, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("plan", SPEC, "--price", "nan") == 2
    assert "no price" in capsys.readouterr().err


@pytest.mark.integration
def test_the_list_of_commands_imports_none_of_them() -> None:
    program = "import sys; from imagewright.cli.run import run; run(['--help'], {}); print(*sys.modules)"
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    loaded = said.splitlines()[-1].split()
    assert "imagewright.cli.commands.group" in loaded
    assert [name for name in loaded if name.startswith("imagewright.cli.commands.")] == [
        "imagewright.cli.commands.group"
    ]


def test_build_with_nothing_said_leaves_every_choice_to_the_catalog(
    call: Call, application: FakeApplication
) -> None:
    assert call("build", SPEC) == 0
    assert application.asked == [("make", GlobalOptions()), ("build", (SPEC,), BuildOptions())]


def test_build_passes_on_every_word(call: Call, application: FakeApplication) -> None:
    words = "--platform linux/amd64,arm64v8 --profile quick --bytecode none --frame-pointers --compression zstd"
    assert call("build", SPEC, *words.split(), "--keep-failed", "--format", "oci-dir") == 0
    selection = Selection(
        platforms=(parse_platform("amd64"), parse_platform("arm64")),
        profile=Profile.QUICK,
        bytecode=Bytecode.NONE,
        frame_pointers=True,
        compression=Compression.ZSTD,
    )
    expected = BuildOptions(selection=selection, format=ArchiveFormat.OCI_DIR, keep_failed=True)
    assert application.asked[1] == ("build", (SPEC,), expected)


GLOBAL = [
    "--store",
    "S",
    "--config",
    "C.toml",
    "--lock",
    "L",
    "--mirror",
    "debian=http://one/",
    "--offline",
    "--jobs",
    "3",
]
MEANT = GlobalOptions(
    store=Path("S"),
    config=Path("C.toml"),
    lock=Path("L"),
    mirrors=(("debian", "http://one/"),),
    offline=True,
    jobs=3,
)


@pytest.mark.parametrize("place", ["before", "after", "between"])
def test_global_options_go_before_or_after_the_command(
    call: Call, application: FakeApplication, place: str
) -> None:
    words = {
        "before": [*GLOBAL, "store", "ls"],
        "between": ["store", *GLOBAL, "ls"],
        "after": ["store", "ls", *GLOBAL],
    }[place]
    assert call(*words) == 0
    assert application.asked[0] == ("make", MEANT)


def test_a_word_after_the_command_wins_and_mirrors_add_up(call: Call, application: FakeApplication) -> None:
    assert (
        call("--store", "A", "--mirror", "a=http://a", "build", SPEC, "--store", "B", "--mirror", "b=http://b")
        == 0
    )
    asked = application.asked[0][1]
    assert isinstance(asked, GlobalOptions)
    assert asked.store == Path("B")
    assert asked.mirrors == (("a", "http://a"), ("b", "http://b"))


@pytest.fixture(autouse=True)
def no_store_of_the_person(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("IMAGEWRIGHT_STORE", raising=False)


def test_the_store_may_come_from_the_environment_and_a_word_beats_it(
    call: Call, application: FakeApplication, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IMAGEWRIGHT_STORE", "E")
    assert call("store", "ls") == 0
    assert call("store", "ls", "--store", "W") == 0
    stores = [asked[1].store for asked in application.asked if isinstance(asked[-1], GlobalOptions)]
    assert stores == [Path("E"), Path("W")]


def test_build_json_has_the_shape_that_scripts_read(
    call: Call, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    target = tmp_path / "python.tar"
    assert call("build", SPEC, "--json", "-q", "-o", str(target)) == 0
    streams = capsys.readouterr()
    assert streams.err == ""
    (image,) = json.loads(streams.out)
    assert image == {
        "spec": SPEC,
        "image": IMAGE.image,
        "platform": "linux/amd64",
        "digest": str(IMAGE.digest),
        "config_digest": str(IMAGE.config_digest),
        "size": IMAGE.size,
        "layers": [{"digest": str(one.digest), "size": one.size, "step": one.step} for one in IMAGE.layers],
        "tags": list(IMAGE.tags),
        "steps": [
            {"name": one.name, "id": str(one.id), "cached": one.cached, "seconds": one.seconds} for one in STEPS
        ],
        "archive": str(target),
        "profile": "release",
        "repository": "python",
        "created": 0,
        "error": None,
    }


JSON_KEYS: list[tuple[list[str], set[str]]] = [
    (["plan", SPEC], {"images", "steps", "compiles", "interpreters", "left_out", "schedule"}),
    (["lock", SPEC], {"changed", "path", "packages", "failed"}),
    (
        ["train", SPEC],
        {"release", "suite", "architecture", "compiler", "sha256", "size", "seconds", "path", "flavour"},
    ),
    (["store", "ls"], {"directory", "images", "blobs", "bytes"}),
    (["store", "gc"], {"removed", "bytes", "kept", "dry_run"}),
    (["store", "fsck"], {"blobs", "bytes", "problems", "repaired"}),
]


@pytest.mark.parametrize(
    ("words", "keys"), JSON_KEYS, ids=lambda value: "-".join(value) if isinstance(value, list) else ""
)
def test_json_is_one_document_with_the_promised_keys(
    call: Call, capsys: pytest.CaptureFixture[str], words: list[str], keys: set[str]
) -> None:
    assert call(*words, "--json") == 0
    assert set(json.loads(capsys.readouterr().out)) == keys


def test_plan_json_names_steps_with_reasons_and_inputs(call: Call, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("plan", SPEC, "--json") == 0
    plan: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert plan["images"][0]["steps"] == [step["id"] for step in plan["steps"]]
    assert plan["steps"][1]["reason"] == "not built yet"
    assert plan["steps"][1]["inputs"][0]["name"] == "gcc_14"


def test_quiet_build_says_only_the_digest(call: Call, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("-q", "build", SPEC) == 0
    streams = capsys.readouterr()
    assert streams.out == f"{IMAGE.digest}\n"
    assert streams.err == ""


def test_a_slash_at_the_end_means_a_file_for_each(call: Call, application: FakeApplication) -> None:
    assert call("build", "--all", "--only", "slim-*", "-o", "images/", "--fail-fast") == 0
    selection = Selection(everything=True, only=("slim-*",))
    expected = BuildOptions(selection=selection, output=Path("images"), separate=True, fail_fast=True)
    assert application.asked[1] == ("build", (), expected)


@pytest.mark.parametrize("command", ["build", "plan", "lock", "check"])
@pytest.mark.parametrize("words", [[], ["--only", "x"], ["--all", SPEC], [SPEC, "--only", "x"]], ids=" ".join)
def test_images_are_named_or_all_are_meant(
    call: Call, application: FakeApplication, command: str, words: list[str]
) -> None:
    assert call(command, *words) == 2
    assert application.asked == []


def test_check_passes_or_fails_by_its_results(application: FakeApplication, call: Call) -> None:
    assert call("check", SPEC) == 0
    application.checks = (*CHECKS, CheckResult("pip", passed=False, detail="no wheel", seconds=1.0))
    assert call("check", SPEC) == 1


def test_check_json_is_the_list_also_when_one_failed(
    application: FakeApplication, call: Call, capsys: pytest.CaptureFixture[str]
) -> None:
    application.checks = (CheckResult("pip", passed=False, detail="no wheel", seconds=1.0),)
    assert call("check", SPEC, "--json") == 1
    expected = [
        {"check": "pip", "passed": False, "detail": "no wheel", "seconds": 1.0, "image": "", "platform": ""}
    ]
    assert json.loads(capsys.readouterr().out) == expected


@pytest.mark.parametrize(
    ("words", "argv"),
    [
        ((SPEC, "--", "python3", "-c", "print(1)"), ("python3", "-c", "print(1)")),
        ((SPEC, "python3", "-q", "--json"), ("python3", "-q", "--json")),
        ((SPEC, "--", "sh", "-c", "--", "x"), ("sh", "-c", "--", "x")),
        ((SPEC,), ()),
    ],
)
def test_run_hands_the_words_after_the_spec_on_untouched(
    application: FakeApplication, call: Call, words: tuple[str, ...], argv: tuple[str, ...]
) -> None:
    application.status = 42
    assert call("run", *words) == 42
    assert application.asked[-1] == ("run", SPEC, argv, RunOptions())


def test_run_options_may_follow_the_spec_where_the_command_is_marked(
    application: FakeApplication, call: Call
) -> None:
    assert call("run", SPEC, "--workdir", "/srv", "--", "id", "--user") == 0
    assert application.asked[-1] == ("run", SPEC, ("id", "--user"), RunOptions(directory="/srv"))


def test_run_refuses_an_option_in_place_of_a_command(
    application: FakeApplication, call: Call, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call("run", SPEC, "--profile", "quick") == 2
    assert application.asked == []
    assert "--profile" in capsys.readouterr().err


def test_run_options_go_before_the_spec(application: FakeApplication, call: Call) -> None:
    assert (
        call("run", "-e", "TZ=UTC", "-e", "A=b=c", "-w", "/srv", "-u", "1000:1000", "--offline", SPEC, "id") == 0
    )
    options = RunOptions(environment=(("TZ", "UTC"), ("A", "b=c")), directory="/srv", user="1000:1000")
    assert application.asked[-1] == ("run", SPEC, ("id",), options)
    assert application.asked[0] == ("make", GlobalOptions(offline=True))


def test_train_and_store_words(application: FakeApplication, call: Call) -> None:
    assert call("train", SPEC, "-o", "p.tar.xz") == 0
    assert call("store", "gc", "--dry-run", "--keep-days", "7") == 0
    assert call("store", "fsck", "--repair") == 0
    asked = [asked for asked in application.asked if asked[0] != "make"]
    assert asked == [
        ("train", SPEC, TrainOptions(output=Path("p.tar.xz"))),
        ("store_gc", True, 7.0),
        ("store_fsck", True),
    ]


def test_fsck_fails_while_problems_are_left(application: FakeApplication, call: Call) -> None:
    application.problems = ("blob sha256:12 has other content",)
    assert call("store", "fsck") == 1
    assert call("store", "fsck", "--repair") == 0


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_prints_a_script(call: Call, capsys: pytest.CaptureFixture[str], shell: str) -> None:
    assert call("completion", shell) == 0
    assert "_IMAGEWRIGHT_COMPLETE" in capsys.readouterr().out


def test_completion_completes(
    call: Call, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COMP_WORDS", "imagewright --offline build --prof")
    monkeypatch.setenv("COMP_CWORD", "3")
    assert call(_IMAGEWRIGHT_COMPLETE="bash_complete") == 0
    assert "--profile" in capsys.readouterr().out


def test_init_tells_what_it_wrote(call: Call, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("init", "--json") == 0
    assert json.loads(capsys.readouterr().out) == {"path": "/somewhere/imagewright.toml"}
    assert call("init") == 0
    assert capsys.readouterr().out.startswith("wrote /somewhere/imagewright.toml\n")
