# SPDX-License-Identifier: Apache-2.0
"""What vouches for images: ``attest``, ``keygen``, ``sign``, ``verify``, ``rebuild``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from imagewright.cli import vouching
from imagewright.cli.commands.group import HELP, PROGRAM
from imagewright.cli.commands.registries import REPOSITORY, access, access_options
from imagewright.cli.options import Command, Example, PlatformsType
from imagewright.cli.session import Session
from imagewright.errors import NotReproducibleError, UsageError
from imagewright.model.attestations import DocumentKind, RebuildOptions, SignOptions, VerifyOptions
from imagewright.model.platforms import Platform

_REF = f"{REPOSITORY}:3.13-slim"
_KEY = click.Path(path_type=Path, dir_okay=False)


@click.command(
    "attest",
    cls=Command,
    context_settings=HELP,
    examples=(
        Example(f"{PROGRAM} attest {_REF}", "attach bills of materials and provenance"),
        Example(f"{PROGRAM} attest store:3.13-slim-trixie --show spdx", "print what is in an image"),
    ),
)
@click.argument("ref", metavar="REF")
@click.option(
    "--show",
    type=click.Choice([kind.value for kind in DocumentKind]),
    help="Print this document of each platform instead; any REF.",
)
@access_options
@click.pass_obj
def attest(session: Session, /, *, ref: str, show: str | None, **rest: Any) -> None:
    """Say what is in an image, and how it was made.

    `push` does so by itself. No tag moves: documents are attached to the images that REF leads to.
    """
    reach = access(rest)
    if show is not None:
        for document in session.application().show_document(ref, DocumentKind(show), reach):
            session.console.out([document.decode()])
        return
    with session.progress() as sink:
        result = session.application().attest(ref, reach, sink)
    session.answer(result, lambda: vouching.attested(result), quiet=[str(result.digest)])


@click.command(
    "keygen",
    cls=Command,
    context_settings=HELP,
    examples=(Example(f"{PROGRAM} keygen team", "make team.key and team.pub"),),
)
@click.argument("prefix", metavar="PREFIX", type=_KEY, default=Path("imagewright"))
@click.pass_obj
def keygen(session: Session, /, *, prefix: Path) -> None:
    """Make a pair of keys to sign with: PREFIX.key, protected by a password, and PREFIX.pub.

    The files are cosign's. The password is asked for, or is in IMAGEWRIGHT_KEY_PASSWORD or COSIGN_PASSWORD.
    """
    application = session.application()
    pair = application.keygen(prefix, _password(application.key_password(), new=True))
    session.answer(pair, lambda: vouching.generated(pair), quiet=[str(pair.public)])


@click.command(
    "sign",
    cls=Command,
    context_settings=HELP,
    examples=(Example(f"{PROGRAM} sign {_REF} --key team.key", "sign an image and what is said of it"),),
)
@click.argument("ref", metavar="REF")
@click.option("--key", type=_KEY, required=True, metavar="FILE", help="The private key.")
@access_options
@click.pass_obj
def sign(session: Session, /, *, ref: str, key: Path, **rest: Any) -> None:
    """Sign an image of a registry: its index, its platforms, and the documents attached to them.

    `imagewright verify` and cosign verify what this signs.
    """
    application = session.application()
    options = SignOptions(key, _password(application.key_password(), new=False))
    result = application.sign(ref, options, access(rest))
    session.answer(result, lambda: vouching.signed(result), quiet=[str(result.digest)])


@click.command(
    "verify",
    cls=Command,
    context_settings=HELP,
    examples=(Example(f"{PROGRAM} verify {_REF} --key team.pub", "believe it only if the key says so"),),
)
@click.argument("ref", metavar="REF")
@click.option("--key", type=_KEY, required=True, metavar="FILE", help="The public key.")
@click.option("--signature-only", is_flag=True, help="Do not ask for documents about the image.")
@access_options
@click.pass_obj
def verify(session: Session, /, *, ref: str, key: Path, signature_only: bool, **rest: Any) -> None:
    """Believe an image only if a key has signed it, its bill of materials and its provenance.

    Exit status 8 if anything of this is missing or not signed by the key.
    """
    result = session.application().verify(ref, VerifyOptions(key, signature_only), access(rest))
    session.answer(result, lambda: vouching.verified(result), quiet=[] if result.failed else [str(result.digest)])
    if result.failed:
        raise click.exceptions.Exit(NotReproducibleError.code)


@click.command(
    "rebuild",
    cls=Command,
    context_settings=HELP,
    examples=(
        Example(f"{PROGRAM} rebuild {_REF} --key team.pub --store /tmp/empty", "prove where it comes from"),
    ),
)
@click.argument("ref", metavar="REF")
@click.option("--platform", type=PlatformsType(), metavar="P", default=(), help="The platform; this machine's.")
@click.option("--key", type=_KEY, metavar="FILE", help="Believe only a provenance that this public key signed.")
@access_options
@click.pass_obj
def rebuild(
    session: Session, /, *, ref: str, platform: tuple[Platform, ...], key: Path | None, **rest: Any
) -> None:
    """Build an image again from what its provenance says went in, and compare digests.

    Steps that are in the store are not done again: name an empty --store for a proof from source. Exit status 8
    if the digest is another.
    """
    if len(platform) > 1:
        raise UsageError("one platform at a time is built again")
    options = RebuildOptions(platform[0] if platform else None, key, access(rest))
    with session.progress() as sink:
        result = session.application().rebuild(ref, options, sink)
    session.answer(result, lambda: vouching.rebuilt(result), quiet=[str(result.rebuilt_digest)])
    if not result.identical:
        raise click.exceptions.Exit(NotReproducibleError.code)


def _password(found: bytes | None, *, new: bool) -> bytes:
    if found is not None:
        return found
    if not sys.stdin.isatty():
        raise UsageError("there is no password for the key", hint="set IMAGEWRIGHT_KEY_PASSWORD")
    text = click.prompt("Password of the key", hide_input=True, confirmation_prompt=new, err=True)
    return str(text).encode()
