# SPDX-License-Identifier: Apache-2.0
"""What was added to this image is there and works: Python packages, installers, a user, a locale, authorities.

What was asked for is in the environment:

IW_SITE          Python packages, NAME==VERSION, separated by blanks
IW_ACCOUNT       name:uid:gid:home:shell
IW_LOCALE        a locale
IW_AUTHORITIES   files in /usr/local/share/ca-certificates
IW_PROGRAM       the program a container starts with
IW_SITE_COMPILED whether bytecode of packages is there
"""

from __future__ import annotations

import base64
import hashlib
import importlib.util
import locale
import os
import pwd
import re
import shutil
import ssl
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, PackagePath, distribution, distributions

from verdict import failed, need, passed, run, words

AUTHORITIES = "/usr/local/share/ca-certificates"
PEM = re.compile("-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)
UNCHECKED_HASH, CHECKED_HASH = 0b01, 0b11
"""PEP 552: bytecode that goes by its source's hash; only what starts pip is compared to it."""


def packages() -> str:
    wanted = words("IW_SITE")
    for word in wanted:
        name, _, version = word.partition("==")
        try:
            found = distribution(name)
        except PackageNotFoundError:
            failed(f"{name} is not installed")
        need(found.version == version, f"{name} is {found.version}, not {version}")
        for file in found.files or ():
            verify(file)
    return f"{len(wanted)} packages" if wanted else ""


def verify(file: PackagePath) -> None:
    """Compare a file with what RECORD says of it."""
    path = file.locate()
    need(os.path.isfile(path), f"{path} is in RECORD, but not there")
    if file.hash is None:
        return
    with open(path, "rb") as content:
        digest = hashlib.new(file.hash.mode, content.read()).digest()
    text = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
    need(text == file.hash.value, f"{path} is not what RECORD says")


def installers() -> str:
    found = [name for name in ("pip", "uv") if any(word.startswith(f"{name}==") for word in words("IW_SITE"))]
    for name in found:
        need(run(name, "--version").startswith(f"{name} "), f"{name} does not tell its version")
    if "pip" in found:
        output = run(sys.executable, "-m", "pip", "--disable-pip-version-check", "check")
        need("No broken requirements" in output, f"pip check says {output!r}")
    return " and ".join(found)


def compiled() -> str:
    if not os.environ.get("IW_SITE_COMPILED"):
        return ""
    count = 0
    for package in distributions():
        for file in package.files or ():
            path = str(file.locate())
            if not path.endswith(".py") or "/site-packages/" not in path:
                continue
            cached = importlib.util.cache_from_source(path)
            if os.path.exists(cached):
                with open(cached, "rb") as content:
                    header = content.read(16)
                with open(path, "rb") as content:
                    source = content.read()
                flags = int.from_bytes(header[4:8], "little")
                need(flags in (UNCHECKED_HASH, CHECKED_HASH), f"{cached} does not go by a hash")
                need(header[8:] == importlib.util.source_hash(source), f"{cached} was made from another source")
                count += flags == UNCHECKED_HASH
    installed = any(package.files for package in distributions())
    need(count or not installed, "no package has bytecode")
    return f"{count} modules compiled"


def account() -> str:
    text = os.environ.get("IW_ACCOUNT", "")
    if not text:
        return ""
    name, uid, gid, home, shell = text.split(":")
    entry = pwd.getpwnam(name)
    have = (str(entry.pw_uid), str(entry.pw_gid), entry.pw_dir, entry.pw_shell)
    need(have == (uid, gid, home, shell), f"{name} is {have}")
    program = (
        "import os, tempfile; tempfile.TemporaryFile(dir=os.environ['HOME']); print(os.getuid(), os.getgid())"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        user=int(uid),
        group=int(gid),
        extra_groups=[],
        env={**os.environ, "HOME": home},
        cwd="/",
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    need(done.stdout == f"{uid} {gid}\n", f"as {name}: {done.stdout[-300:]}")
    return f"user {name}"


def locales() -> str:
    wanted = os.environ.get("IW_LOCALE", "")
    if wanted:
        try:
            locale.setlocale(locale.LC_ALL, wanted)
        except locale.Error as error:
            failed(f"no locale {wanted}: {error}")
        need(locale.nl_langinfo(locale.CODESET) == "UTF-8", f"{wanted} is in {locale.nl_langinfo(locale.CODESET)}")
    return wanted


def authorities() -> str:
    wanted = words("IW_AUTHORITIES")
    believed = set(ssl.create_default_context().get_ca_certs(binary_form=True)) if wanted else set()
    for name in wanted:
        with open(f"{AUTHORITIES}/{name}", encoding="utf-8") as file:
            found = PEM.search(file.read())
        need(found and ssl.PEM_cert_to_DER_cert(found.group()) in believed, f"{name} is not believed")
    return f"{len(wanted)} authorities" if wanted else ""


def program() -> str:
    name = os.environ.get("IW_PROGRAM", "")
    need(not name or shutil.which(name), f"a container starts {name}, which is not there")
    return name


results = [each() for each in (packages, installers, compiled, account, locales, authorities, program)]
passed(", ".join(result for result in results if result) or "nothing was added")
