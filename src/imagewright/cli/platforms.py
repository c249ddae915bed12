# SPDX-License-Identifier: Apache-2.0
"""The type of options that name platforms."""

from __future__ import annotations

from typing import Any

import click

from imagewright.model.platforms import Platform, parse_platform


class PlatformsType(click.ParamType[tuple[Platform, ...]]):
    """Platforms, separated by commas, by any of their names."""

    name = "platforms"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[Platform, ...]:
        """Read ``linux/amd64,arm64v8``."""
        if isinstance(value, tuple):
            return value
        try:
            return tuple(dict.fromkeys(parse_platform(word) for word in str(value).split(",") if word.strip()))
        except ValueError as error:
            self.fail(str(error), param, ctx)
