# SPDX-License-Identifier: Apache-2.0
"""The keys of ``imagewright.toml`` for a person's own images, as the reference tells them."""

from __future__ import annotations

SITE_KEYS: tuple[tuple[str, str, str, str], ...] = (
    (
        "requirements",
        "list of paths",
        "none",
        "Requirements files as `pip install --require-hashes` reads them, beside the configuration; wheels only.",
    ),
    ("python_packages", "list of texts", "none", "The same as lines: `NAME==VERSION --hash=sha256:…`."),
    (
        "installers",
        "`none`, `ensurepip`, `pinned` or `uv`",
        "`ensurepip`",
        "What installs Python packages: nothing, CPython's own pip, a pip that the lock pins, or uv in its place.",
    ),
    ("pip", "version", "the newest one when locked", 'The pip of `installers = "pinned"`.'),
    ("uv", "version", "the newest one when locked", 'The uv of `installers = "uv"`.'),
    (
        "user",
        "table: `name`, `uid`, `gid`, `home`, `shell`",
        "root",
        "Who the container runs as. Ids are 1000, home is `/home/NAME`, shell `/bin/sh` unless said otherwise.",
    ),
    (
        "ca_certificates",
        "list of paths",
        "none",
        "Certificates in PEM, one in each file, that programs in the image believe.",
    ),
    ("locale", "name", "none", "A locale to generate and to set as `LANG`: `de_DE.UTF-8`."),
    ("tzdata_legacy", "true or false", "false", "Also the time zones' old names, such as `US/Pacific`."),
    ("entrypoint", "list of words", "none", "What a container runs; its arguments come after it."),
    ("command", "list of words", "`python3`", "What a container runs, or the arguments of `entrypoint`."),
    ("working_directory", "path", "`/`", "Where it runs."),
    (
        "patches",
        "list of paths",
        "none",
        "Unified diffs for CPython's source, applied in this order with `patch -p1`.",
    ),
    ("repository", "name", "`python`", "What stands before the tags, with the registry if you like."),
    (
        "tags",
        "list of names",
        "the scheme's",
        "Tags instead of the scheme's; with `{release}`, `{series}`, `{flavour}`, `{variant}`, `{suite}`.",
    ),
)
"""Key, what it is, what holds without it, what it means."""

NETWORK_KEYS: tuple[tuple[str, str, str, str], ...] = (
    ("proxy", "address", "`http_proxy`, `https_proxy`", "A proxy for downloads; it never gets into an image."),
    ("no_proxy", "list of hosts", "`no_proxy`", "Hosts and domains reached without it."),
    ("ca_file", "path", "none", "CA certificates that downloads believe besides the system's, in PEM."),
)

CACHE_KEYS: tuple[tuple[str, str, str, str], ...] = (
    ("repository", "name", "none", "Where machines share finished steps: a repository of a registry."),
    ("read", "true or false", "true", "Take finished steps from there instead of making them."),
    ("write", "true or false", "false", "Leave those that a build made there; `build --cache-write`."),
    (
        "keys",
        "list of paths",
        "none",
        "Public keys (ECDSA P-256, PEM, as `cosign.pub`); one of them must have signed.",
    ),
    ("trust", "`keys` or `anyone`", "`keys`", "With `anyone`, whatever lies there is believed, signed or not."),
    (
        "sign",
        "path",
        "none",
        "The private key that signs what this machine leaves there; `imagewright keygen` makes one.",
    ),
    ("plain_http", "true or false", "false", "Speak to the registry without TLS; on loopback it may be."),
)

WINDOWS_KEYS: tuple[tuple[str, str, str, str], ...] = (
    (
        "base",
        "name",
        "`mcr.microsoft.com/windows/servercore`",
        "A repository whose tags `ltsc2022`, `ltsc2025` are what images of Windows stand on.",
    ),
    ("plain_http", "true or false", "false", "Speak to its registry without TLS; on loopback it may be."),
)

EXAMPLE_WINDOWS = """\
[windows]
base = "registry.example/windows/servercore"
plain_http = false
"""

EXAMPLE_SITE = """\
requirements = ["requirements.txt"]
python_packages = [
  "six==1.17.0 --hash=sha256:4721f391ed90541fddacab5acf947aa0d3dc7d27b2e1e8eda2be8970586c3274",
]
installers = "pinned"
pip = "26.2.1"
uv = "0.9.9"                    # read where installers is "uv"
user = { name = "app", uid = 1000, gid = 1000, home = "/home/app", shell = "/bin/sh" }
ca_certificates = ["certificates/company.pem"]
locale = "de_DE.UTF-8"
tzdata_legacy = true
entrypoint = ["python3", "-m", "app"]
command = ["--help"]
working_directory = "/home/app"
patches = ["patches/0001-greeting.patch"]
repository = "registry.example/team/python"
tags = ["{series}-app", "{release}-{suite}-app"]
"""

EXAMPLE_NETWORK = """\
[network]                       # for downloads alone
proxy = "http://proxy.example:3128"
no_proxy = ["mirror.example"]
ca_file = "certificates/proxy.pem"
"""

EXAMPLE_CACHE = """\
[cache]                         # finished steps that machines share
repository = "registry.example/team/cache"
read = true
write = false
keys = ["keys/cache.pub"]
trust = "keys"                  # or "anyone"
sign = "keys/cache.key"         # where write is true
plain_http = false
"""
