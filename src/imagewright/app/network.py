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


def make_fetcher(world: World) -> Fetcher:
    """The real one."""
    chosen = world.settings().network
    proxies = {scheme: chosen.proxy for scheme in ("http", "https") if chosen.proxy}
    proxies.update(
        {scheme: url for scheme, url in getproxies_environment().items() if scheme in {"http", "https"}}
    )
    direct = tuple(name.strip() for name in os.environ.get("no_proxy", "").split(",") if name.strip())
    options = FetchOptions(
        proxies=tuple(sorted(proxies.items())),
        direct=(*FetchOptions().direct, *chosen.direct, *direct),
        authorities=os.environ.get("SSL_CERT_FILE", ""),
        more_authorities=str(world.directory / chosen.authorities) if chosen.authorities else "",
        allow_files=True,
        user_agent=f"imagewright/{__version__}",
    )
    return HttpFetcher(
        options,
        sleep=time.sleep,
        jitter=random.random,
        monotonic=world.clock.monotonic,
    )
