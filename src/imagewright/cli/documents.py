# SPDX-License-Identifier: Apache-2.0
"""Results and events as JSON. The shape follows from the dataclasses, so it is defined in one place."""

from __future__ import annotations

import dataclasses
import json
import re
from pathlib import Path

from imagewright.errors import ImagewrightError
from imagewright.events import Event
from imagewright.model.digest import Digest
from imagewright.model.platforms import Platform

_CAPITAL = re.compile(r"(?<=[a-z])(?=[A-Z])")


def plain(value: object) -> object:
    """A result as JSON values: fields by their names, digests and paths as text, seconds in milliseconds' grain.

    Raises ``TypeError`` for a value that no result may hold.
    """
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, Digest | Path | Platform | str):
        return str(value)
    if isinstance(value, float):
        return round(value, 3)
    return _nested(value)


def _nested(value: object) -> object:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, tuple | list):
        return [plain(item) for item in value]
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    raise TypeError(f"not a value of a result: {value!r}")


def document(value: object) -> str:
    """One JSON document, indented for people."""
    return json.dumps(plain(value), indent=2, ensure_ascii=False)


def error_document(error: ImagewrightError) -> str:
    """What ``--json`` gives for an error."""
    facts = {
        "code": error.code,
        "kind": error.kind,
        "message": error.message,
        "why": error.why,
        "hint": error.hint,
        "details": {key: _detail(value) for key, value in error.details.items()},
    }
    return json.dumps({"error": facts}, indent=2, ensure_ascii=False)


def event_name(kind: type[Event]) -> str:
    """The kind of an event as scripts read it: ``step-started``."""
    return _CAPITAL.sub("-", kind.__name__).lower()


def event_line(event: Event, seconds: float) -> str:
    """One event as one line: ``event`` is its kind (``step-started``), ``at`` seconds since the command began."""
    facts = plain(event)
    assert isinstance(facts, dict)
    return json.dumps({"event": event_name(type(event)), "at": round(seconds, 3), **facts}, ensure_ascii=False)


def _detail(value: object) -> object:
    try:
        return plain(value)
    except TypeError:
        return str(value)
