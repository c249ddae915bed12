# SPDX-License-Identifier: Apache-2.0
"""Dockerfiles of images on Windows Server Core: the release's own installer, run without a window.

They are built on Windows, by a host of the same or a newer version, with the engine's classic builder. Nothing of
the recipe for Linux applies, as nothing is compiled.
"""

from __future__ import annotations

from collections.abc import Sequence

from imagewright.catalog.settings import WindowsChoices
from imagewright.catalog.versions import directory
from imagewright.emit.dockerfiles import writing
from imagewright.emit.dockerfiles.finishing import execution
from imagewright.emit.dockerfiles.heading import HEAD
from imagewright.emit.dockerfiles.model import Order, Written
from imagewright.emit.dockerfiles.sources import PYTHON_MIRROR, PYTHON_ROLE, argument

DIGEST = "PYTHON_INSTALLER_SHA256"
_OPTIONS = (
    "/quiet",
    "InstallAllUsers=1",
    "TargetDir=C:\\Python",
    "PrependPath=1",
    "Shortcuts=0",
    "Include_doc=0",
    "Include_launcher=0",
    "Include_test=0",
)
_SIGNER = "CN=.?Python Software Foundation"
"""Part of the certificate's subject; names with blanks may stand in quotes."""


def write_windows(order: Order) -> Written:
    """The Dockerfile of one image. Its line ends are continued by a grave accent, as paths have backslashes."""
    definition = order.builds[0].definition
    release, suite = definition.name.release, order.name.suite
    base = order.style.base(f"{WindowsChoices().base}:{suite}")
    place = f"ftp/python/{directory(release)}/python-{release}-amd64.exe"
    head = writing.comment(
        f"""\
CPython {release} on {suite}, {order.catalog.by_variant[order.name.variant].title}.

{HEAD} (imagewright dockerfile {order.name}); changes here are lost.

Platforms: {definition.platform}. It is built on Windows, whose version must be that of the base image or newer: \
docker build --build-arg {PYTHON_MIRROR}=… --build-arg {DIGEST}=… .
The release's page tells the digest of its installer; Windows itself looks at who signed it."""
    )
    text = [
        f"# escape=`\n{head}",
        f"FROM {base}\n",
        argument(PYTHON_ROLE, order.style) + f"ARG {DIGEST}\n",
        "".join(f"ENV {name}={value}\n" for name, value in definition.configuration.environment),
        # Right before RUN: hadolint forgets the shell at an ENV or ARG that follows.
        writing.comment("Errors end the build; progress would be drawn for nobody.")
        + 'SHELL ["powershell", "-Command", "$ErrorActionPreference = \'Stop\'; '
        "$ProgressPreference = 'SilentlyContinue';\"]\n",
        writing.comment("Download, verify digest and signature, install, look, and leave nothing behind.")
        + _run(_commands(place)),
        execution(definition.configuration),
    ]
    return Written("\n".join(text))


def _commands(place: str) -> list[str]:
    options = ", ".join(f"'{option}'" for option in _OPTIONS)
    return [
        f"if (-not $env:{DIGEST}) {{ throw 'say the digest of the installer: --build-arg {DIGEST}=...' }};",
        f"if (-not $env:{PYTHON_MIRROR}) {{ throw 'say where releases are: --build-arg {PYTHON_MIRROR}=...' }};",
        f"$url = $env:{PYTHON_MIRROR} + '/{place}';",
        "Write-Host ('Downloading {0} ...' -f $url);",
        "[Net.ServicePointManager]::SecurityProtocol = [Net.SecurityProtocolType]::Tls12;",
        "Invoke-WebRequest -UseBasicParsing -Uri $url -OutFile 'python.exe';",
        "$digest = (Get-FileHash python.exe -Algorithm sha256).Hash;",
        f"if ($digest -ne $env:{DIGEST}) {{ throw 'the installer is not what its digest says' }};",
        "$signature = Get-AuthenticodeSignature python.exe;",
        f"$signed = $signature.Status -eq 'Valid' -and $signature.SignerCertificate.Subject -match '{_SIGNER}';",
        "if (-not $signed) { throw 'the installer is not signed as it should be' };",
        f"$options = @({options});",
        "$exitCode = (Start-Process python.exe -Wait -NoNewWindow -PassThru -ArgumentList $options).ExitCode;",
        "if ($exitCode -ne 0) { throw ('the installer ended with {0}' -f $exitCode) };",
        "$env:PATH = [Environment]::GetEnvironmentVariable('PATH', [EnvironmentVariableTarget]::Machine);",
        "Write-Host 'Looking ...';",
        "$version = python -c 'import platform; print(platform.python_version())';",
        "if ($version -ne $env:PYTHON_VERSION) { throw 'another Python answers' };",
        "python -m pip --version;",
        "Remove-Item python.exe -Force;",
        "Remove-Item $env:TEMP\\* -Recurse -Force -ErrorAction SilentlyContinue",
    ]


def _run(lines: Sequence[str]) -> str:
    return "RUN " + " `\n    ".join(lines) + "\n"
