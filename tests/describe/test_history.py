# SPDX-License-Identifier: Apache-2.0
"""What builders write into an image's history, read back as a Dockerfile."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagewright.describe.history import dockerfile_lines, instructions
from imagewright.oci.config import History

POWERSHELL = "powershell -Command $ErrorActionPreference = 'Stop';"


def written(created_by: str, *, comment: str = "", before: str = "") -> list[str]:
    history = [History(created_by=text) for text in (before,) if text]
    found = instructions([*history, History(created_by=created_by, comment=comment)])
    return list(dockerfile_lines(found[-1]))


@pytest.mark.parametrize(
    ("said", "written"),
    [
        ('CMD ["python3" "-i"]', 'CMD ["python3", "-i"]'),
        ('CMD ["python"]', 'CMD ["python"]'),
        ('ENTRYPOINT ["a", "b c"]', 'ENTRYPOINT ["a", "b c"]'),
        ("CMD echo [done]", "CMD echo [done]"),
        ("CMD [python]", "CMD [python]"),
        ("ENV GREETING=good day # buildkit", 'ENV GREETING="good day"'),
        ("ENV A=1 B=two words C=3", 'ENV A=1 B="two words" C=3'),
        ('ENV A="kept as it is"', 'ENV A="kept as it is"'),
        ("ENV A=$HOME is left", "ENV A=$HOME is left"),
        ("ENV OLD form of it", "ENV OLD form of it"),
        ("LABEL org.example/a=b c", 'LABEL org.example/a="b c"'),
        (
            "COPY --chmod=4755 <<EOT /usr/bin/hello # buildkit",
            "COPY --chmod=4755 <<EOT /usr/bin/hello\n(the history does not say what was written here)\nEOT",
        ),
        ("COPY a <<b", "COPY a <<b"),
    ],
)
def test_what_buildkit_prints_becomes_valid_again(said: str, written: str) -> None:
    (found,) = instructions([History(created_by=said)])
    assert found.text == written


@pytest.mark.parametrize(
    ("created_by", "line"),
    [
        ("Apply image 1607-RTM-amd64", "RUN Apply image 1607-RTM-amd64"),
        ("/bin/sh -c apt-get update", "RUN apt-get update"),
        ("/bin/sh -c #(nop)  ENV PYTHON_VERSION=3.7.4", "ENV PYTHON_VERSION=3.7.4"),
        ('/bin/sh -c #(nop) CMD ["python3"]', 'CMD ["python3"]'),
        ("/bin/sh -c #(nop) ADD file:0a1b in / ", "ADD file:0a1b in /"),
        ('/bin/sh -c #(nop)  ENTRYPOINT &{["/bin/x" "-a"]}', 'ENTRYPOINT ["/bin/x", "-a"]'),
        ("/bin/sh -c #(nop)  EXPOSE 80/tcp", "EXPOSE 80/tcp"),
        ("EXPOSE map[8080/tcp:{} 443/tcp:{}]", "EXPOSE 443/tcp 8080/tcp"),
        ("COPY /usr/bin/x /usr/bin/ # buildkit", "COPY /usr/bin/x /usr/bin/"),
        ("RUN /bin/sh -c set -eux; \tmake # buildkit", "RUN set -eux; \tmake"),
        ("RUN apk add --no-cache curl", "RUN apk add --no-cache curl"),
        ("WORKDIR /app", "WORKDIR /app"),
        ("cmd /S /C #(nop)  SHELL [powershell -Command $x = 'a';]", "SHELL [powershell -Command $x = 'a';]"),
        (
            'HEALTHCHECK &{["CMD-SHELL" "curl -f http://localhost/ || exit 1"] "5m0s" "3s" "0s" "0s" \'\\x03\'}',
            "HEALTHCHECK --interval=5m0s --timeout=3s --retries=3 CMD curl -f http://localhost/ || exit 1",
        ),
        ('HEALTHCHECK &{["CMD" "ok"] "0s" "0s" "0s" \'\\x00\'}', 'HEALTHCHECK CMD ["ok"]'),
        ('HEALTHCHECK &{["NONE"] "0s" "0s" "0s" \'\\x00\'}', "HEALTHCHECK NONE"),
        ("HEALTHCHECK &{something else}", "HEALTHCHECK &{something else}"),
        ("imagewright base trixie-slim amd64", "# imagewright base trixie-slim amd64"),
        ("ENV A=one\ntwo", "ENV A=one\\"),
    ],
)
def test_what_each_builder_writes(created_by: str, line: str) -> None:
    assert written(created_by)[0] == line


@pytest.mark.parametrize("run", ["", "RUN "])
def test_build_arguments_are_told_apart_from_the_command(run: str) -> None:
    assert written(f"{run}|2 CFLAGS=-O2 -g JOBS=4 /bin/sh -c make -j$JOBS") == [
        "# ARGS: CFLAGS=-O2 -g JOBS=4",
        "RUN make -j$JOBS",
    ]
    found = instructions([History(created_by=f"{run}|2 CFLAGS=-O2 -g JOBS=4 /bin/sh -c make")])
    assert found[0].arguments == ("CFLAGS=-O2 -g", "JOBS=4")
    assert written(f"{run}|1 A=b /bin/make all") == ["# ARGS: A=b", "RUN /bin/make all"]
    assert written(f"{run}|0 /bin/sh -c make") == ["RUN make"]


def test_a_shell_holds_from_its_instruction_on() -> None:
    shell = f"cmd /S /C #(nop)  SHELL [{POWERSHELL}]"
    assert written(f"{POWERSHELL} #(nop)  ENV A=1", before=shell) == ["ENV A=1"]
    assert written(f"{POWERSHELL} Write-Host 'x'", before=shell) == ["RUN Write-Host 'x'"]
    assert written(f"{POWERSHELL} Write-Host 'x'") == [f"RUN {POWERSHELL} Write-Host 'x'"]
    assert written(
        "RUN /bin/bash -o pipefail -c make | tee log # buildkit", before="SHELL [/bin/bash -o pipefail -c]"
    ) == ["RUN make | tee log"]
    inherited = instructions([History(created_by="/bin/ash -c make")], ("/bin/ash", "-c"))
    assert inherited[0].text == "RUN make"


def test_comments_of_people_stay_and_those_of_buildkit_go() -> None:
    assert written("COPY a b # buildkit", comment="buildkit.dockerfile.v0") == ["COPY a b"]
    assert written("", comment="Imported from -") == ["# Imported from -"]
    assert written("") == ["# (nothing is said of this step)"]


def test_several_lines_are_a_here_document() -> None:
    assert written("/bin/sh -c make\nmake install") == ["RUN <<EOF", "make", "make install", "EOF"]
    assert written("/bin/sh -c cat\nEOF") == ["RUN <<EOFF", "cat", "EOF", "EOFF"]
    assert written("RUN /bin/sh -c <<X\nmake\nX # buildkit") == ["RUN <<X", "make", "X"]
    assert written("/bin/sh -c dir C:\\") == ["RUN <<EOF", "dir C:\\", "EOF"]


def test_nothing_that_a_terminal_obeys_is_passed_on() -> None:
    assert written("/bin/sh -c echo \x1b[31mred\x07") == ["RUN echo [31mred"]


COMMANDS = st.text(st.characters(exclude_categories=("Cc", "Cs", "Zl", "Zp")) | st.sampled_from("\n\t\\ <'\""))
ARGUMENTS = st.lists(st.from_regex(r"[A-Z]{1,3}=[a-z0-9./-]{0,5}", fullmatch=True), max_size=3)


def read_back(lines: list[str]) -> list[str]:
    """A small reader of Dockerfiles: instructions with their here-documents and continued lines."""
    found: list[str] = []
    left = iter("\n".join(lines).split("\n"))
    for line in left:
        if line.startswith("#"):
            continue
        if match := re.fullmatch(r"RUN <<(EOF+)", line):
            body = []
            while (part := next(left)) != match[1]:
                body.append(part)
            found.append("\n".join(body))
            continue
        whole = line
        while whole.endswith("\\"):
            whole = whole[:-1] + next(left)
        found.append(whole.removeprefix("RUN "))
    return found


@given(COMMANDS, ARGUMENTS, st.booleans())
def test_a_command_reads_back_as_it_was_run(command: str, arguments: list[str], buildkit: bool) -> None:
    # A command that is itself a here-document is kept as one; see the test above.
    command = command.strip()
    if not command or command.startswith(("<<", "#")) or command.endswith("# buildkit"):
        return
    head = f"|{len(arguments)} {' '.join([*arguments, '/bin/sh -c'])}" if arguments else "/bin/sh -c"
    raw = f"RUN {head} {command} # buildkit" if buildkit else f"{head} {command}"
    (found,) = instructions([History(created_by=raw)])
    assert read_back(list(dockerfile_lines(found))) == [command]
    assert list(found.arguments) == arguments


@given(st.text(), st.text(), st.lists(st.text(), max_size=3))
def test_any_text_gives_one_instruction_each(first: str, second: str, shell: list[str]) -> None:
    found = instructions([History(created_by=first), History(created_by=second, comment=first)], shell)
    assert len(found) == 2
    for each in found:
        assert all("\n" not in line and "\x1b" not in line for line in dockerfile_lines(each))
