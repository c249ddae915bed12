# SPDX-License-Identifier: Apache-2.0
"""The network as this machine has it: proxies from the environment, certificates from the system."""

from __future__ import annotations

import os
import random
import time
from urllib.request import getproxies_environment

from imagewright import __version__
from imagewright.app.world import World
from imagewright.archives.fetch import FetchOptions, HttpFetcher
from imagewright.model.ports import Fetcher
from imagewright.model.proxies import LOOPBACK, Proxies


def make_fetcher(world: World) -> Fetcher:
    """The real one."""
    proxies = proxies_of(world)
    options = FetchOptions(
        proxies=proxies.by_scheme,
        direct=proxies.direct,
        authorities=os.environ.get("SSL_CERT_FILE", ""),
        more_authorities=more_authorities(world),
        allow_files=True,
        user_agent=f"imagewright/{__version__}",
    )
    return HttpFetcher(
        options,
        sleep=time.sleep,
        jitter=random.random,
        monotonic=world.clock.monotonic,
    )


def proxies_of(world: World) -> Proxies:
    """What the configuration says, and over it the environment."""
    chosen = world.settings().network
    proxies = {scheme: chosen.proxy for scheme in ("http", "https") if chosen.proxy}
    proxies.update(
        {scheme: url for scheme, url in getproxies_environment().items() if scheme in {"http", "https"}}
    )
    direct = tuple(name.strip() for name in os.environ.get("no_proxy", "").split(",") if name.strip())
    return Proxies(tuple(sorted(proxies.items())), (*LOOPBACK, *chosen.direct, *direct))


def more_authorities(world: World) -> str:
    """The file of CA certificates that the configuration names, "" for none."""
    named = world.settings().network.authorities
    return str(world.directory / named) if named else ""
