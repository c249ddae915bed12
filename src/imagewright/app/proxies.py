# SPDX-License-Identifier: Apache-2.0
"""Proxies and certificates as configuration and environment name them."""

from __future__ import annotations

import os

from imagewright.app.world import World
from imagewright.model.proxies import LOOPBACK, Proxies


def proxies_of(world: World) -> Proxies:
    """What the configuration says, and over it the environment."""
    chosen = world.settings().network if world.configured else None
    proxy, direct = ("", ()) if chosen is None else (chosen.proxy, chosen.direct)
    proxies = {scheme: proxy for scheme in ("http", "https") if proxy}
    proxies.update({scheme: url for scheme in ("http", "https") if (url := _variable(f"{scheme}_proxy"))})
    near = tuple(name.strip() for name in _variable("no_proxy").split(",") if name.strip())
    return Proxies(tuple(sorted(proxies.items())), (*LOOPBACK, *direct, *near))


def more_authorities(world: World) -> str:
    """The file of CA certificates that the configuration names, "" for none."""
    named = world.settings().network.authorities if world.configured else None
    return str(world.directory / named) if named else ""


def _variable(name: str) -> str:
    """A variable in small letters, or else in capitals; a web server's client can say ``HTTP_PROXY`` (httpoxy)."""
    value = os.environ.get(name, "")
    if value or (name == "http_proxy" and "REQUEST_METHOD" in os.environ):
        return value
    return os.environ.get(name.upper(), "")
