# SPDX-License-Identifier: Apache-2.0
"""The README's picture shows what the program prints."""

from __future__ import annotations

import html
import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest

IMAGES = Path(__file__).parents[2] / "docs" / "images"
_TEXT = re.compile(r'<text [^>]*x="([0-9.e+]+)" y="([0-9.]+)"[^>]*>([^<]*)</text>')


@pytest.fixture(scope="module")
def render() -> ModuleType:
    spec = importlib.util.spec_from_file_location("render", IMAGES / "render.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def text_of(svg: str) -> list[str]:
    """The words of a picture, line by line; how they are spaced is not looked at."""
    lines: dict[float, str] = {}
    for _, y, words in _TEXT.findall(svg):
        lines[float(y)] = lines.get(float(y), "") + html.unescape(words)
    return ["".join(line.split()) for _, line in sorted(lines.items())]


def test_the_picture_is_what_the_program_prints_today(render: ModuleType) -> None:
    assert text_of((IMAGES / "build.svg").read_text()) == text_of(render.render()), "run bin/generate-docs"


def test_the_picture_shows_a_real_build(render: ModuleType) -> None:
    (image,) = render.recorded_images()
    assert image.profile == "release"
    words = "\n".join(text_of((IMAGES / "build.svg").read_text()))
    assert str(image.digest) in words
    assert "python.tar" in words
    assert all(step.name.replace(" ", "") in words for step in image.steps)


def test_the_picture_asks_nobody_for_anything(render: ModuleType) -> None:
    svg = (IMAGES / "build.svg").read_text()
    assert "http" not in svg.replace("http://www.w3.org/2000/svg", "")
