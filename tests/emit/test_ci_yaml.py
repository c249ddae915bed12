# SPDX-License-Identifier: Apache-2.0
"""What the writer wrote, others read as it was meant."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from imagewright.emit.ci.yaml import yaml_document

TEXTS = st.text(st.characters(codec="utf-8"), max_size=30)
LEAVES = TEXTS | st.booleans() | st.integers(-(10**9), 10**9)
KEYS = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), min_size=1, max_size=12)
VALUES = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3), max_leaves=8
)


def read(text: str, version: str = "1.2") -> Any:
    yaml = YAML(typ="safe", pure=True)
    yaml.version = version
    return yaml.load(text)


@given(st.dictionaries(KEYS, VALUES, min_size=1, max_size=3))
def test_what_is_read_is_what_was_written(value: dict[str, Any]) -> None:
    assert read(yaml_document(value)) == value


@pytest.mark.parametrize(
    "text",
    [
        "on",
        "yes",
        "NO",
        "y",
        "~",
        "null",
        "3.10",
        "010",
        "1_000",
        "1e3",
        ".5",
        "0x1f",
        "-",
        "- a",
        "a: b",
        "a #b",
        "*a",
    ],
)
@pytest.mark.parametrize("version", ["1.1", "1.2"])
def test_words_that_could_mean_something_else_stay_words(text: str, version: str) -> None:
    assert read(yaml_document({"key": text, text: "value"}), version) == {"key": text, text: "value"}


def test_scripts_are_blocks() -> None:
    text = yaml_document({"run": "one\n  two\n\nthree\n"}, ["why"])
    assert text == "# why\n\nrun: |\n  one\n    two\n\n  three\n"
    assert read(text) == {"run": "one\n  two\n\nthree\n"}
