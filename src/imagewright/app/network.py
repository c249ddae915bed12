# SPDX-License-Identifier: Apache-2.0
"""The network as this machine has it: proxies from the environment, certificates from the system."""

from __future__ import annotations

import os
import random
import time

from imagewright import __version__
from imagewright.app.proxies import more_authorities, proxies_of
from imagewright.app.world import World
from imagewright.archives.fetch import FetchOptions, HttpFetcher
from imagewright.model.ports import Fetcher


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
