# SPDX-License-Identifier: Apache-2.0
"""What vouches for images: ``attest``, ``keygen``, ``sign``, ``verify``, ``rebuild``."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from imagewright.cli import vouching
from imagewright.cli.commands.group import HELP, PROGRAM
from imagewright.cli.commands.registries import REPOSITORY, access, access_options
from imagewright.cli.options import Command, Example
from imagewright.cli.platforms import PlatformsType
from imagewright.cli.session import Session
from imagewright.errors import NotReproducibleError, UsageError
from imagewright.model.attestations import (
    DocumentKind,
    RebuildOptions,
    SignOptions,
    TrustOptions,
    VerifyOptions,
)
from imagewright.model.platforms import Platform

F = TypeVar("F", bound=Callable[..., Any])
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


def trust_options(command: F) -> F:
    """Whom to believe; see :func:`_trust`."""
    for option in (
        click.option(
            "--trusted-root",
            type=_KEY,
            metavar="FILE",
            help="Certificates and logs of another Sigstore instance than the public one.",
        ),
        click.option(
            "--issuer", default="", metavar="URL", help="The identity provider that must have vouched for it."
        ),
        click.option(
            "--identity",
            "identities",
            multiple=True,
            metavar="NAME",
            help="An identity that may have signed without a key: an address, a workflow; repeatable.",
        ),
        click.option("--key", type=_KEY, metavar="FILE", help="The public key that must have signed."),
    ):
        command = option(command)
    return command


def _trust(words: dict[str, Any], *, needed: bool) -> TrustOptions:
    """What :func:`trust_options` said, taken out of the words. Raises ``UsageError``."""
    found = TrustOptions(
        key=words.pop("key"),
        identities=words.pop("identities"),
        issuer=words.pop("issuer"),
        trusted_root=words.pop("trusted_root"),
    )
    if found.key is not None and (found.identities or found.issuer):
        raise UsageError("--key and --identity exclude each other", hint="a signature is by one or the other")
    if bool(found.identities) is not bool(found.issuer):
        raise UsageError(
            "--identity and --issuer belong together",
            why="anybody may call themselves anything at a provider of their own",
            hint="for example --identity team@example.org --issuer https://accounts.google.com",
        )
    if needed and found.anybody:
        raise UsageError(
            "nobody is named who is to be believed", hint="say --key FILE, or --identity and --issuer"
        )
    return found


@click.command(
    "sign",
    cls=Command,
    context_settings=HELP,
    examples=(
        Example(f"{PROGRAM} sign {_REF} --key team.key", "sign an image and what is said of it"),
        Example(f"{PROGRAM} sign {_REF} --keyless --bundle image.jsonl", "as yourself, by Sigstore"),
    ),
)
@click.argument("ref", metavar="REF")
@click.option("--key", type=_KEY, metavar="FILE", help="The private key.")
@click.option("--keyless", is_flag=True, help="Sign as who you are, by Sigstore's services.")
@click.option("--bundle", type=_KEY, metavar="FILE", help="Write what is signed there too, as Sigstore bundles.")
@click.option("--trust-config", type=_KEY, metavar="FILE", help="Other services than Sigstore's public ones.")
@access_options
@click.pass_obj
def sign(
    session: Session,
    /,
    *,
    ref: str,
    key: Path | None,
    keyless: bool,
    bundle: Path | None,
    trust_config: Path | None,
    **rest: Any,
) -> None:
    """Sign an image of a registry: its index, its platforms, and the documents attached to them.

    `imagewright verify` and cosign verify what this signs. Without a key, an identity provider says who you are:
    the CI's own, a token in SIGSTORE_ID_TOKEN, or a browser.
    """
    if (key is None) is not keyless:
        raise UsageError("it is signed either with --key FILE or --keyless")
    if trust_config is not None and not keyless:
        raise UsageError("--trust-config is for --keyless")
    application = session.application()
    password = b"" if key is None else _password(application.key_password(), new=False)
    interactive = keyless and sys.stdin.isatty()
    options = SignOptions(key, password, bundle, trust_config, interactive)
    result = application.sign(ref, options, access(rest))
    session.answer(result, lambda: vouching.signed(result), quiet=[str(result.digest)])


@click.command(
    "verify",
    cls=Command,
    context_settings=HELP,
    examples=(
        Example(f"{PROGRAM} verify {_REF} --key team.pub", "believe it only if the key says so"),
        Example(
            f"{PROGRAM} verify oci:layout --bundle image.jsonl --key team.pub --offline", "without any registry"
        ),
    ),
)
@click.argument("ref", metavar="REF")
@trust_options
@click.option(
    "--bundle",
    type=_KEY,
    metavar="FILE",
    help="Believe these bundles, not what the registry has; any REF.",
)
@click.option("--signature-only", is_flag=True, help="Do not ask for documents about the image.")
@access_options
@click.pass_obj
def verify(session: Session, /, *, ref: str, bundle: Path | None, signature_only: bool, **rest: Any) -> None:
    """Believe an image only if its signature, bill of materials and provenance are by a key or an identity.

    Exit status 8 if anything of this is missing or signed by somebody else.
    """
    options = VerifyOptions(_trust(rest, needed=True), bundle, signature_only)
    result = session.application().verify(ref, options, access(rest))
    session.answer(result, lambda: vouching.verified(result), quiet=[] if result.failed else [str(result.digest)])
    if result.failed:
        raise click.exceptions.Exit(NotReproducibleError.code)


@click.command(
    "rebuild",
    cls=Command,
    context_settings=HELP,
    examples=(Example(f"{PROGRAM} rebuild {_REF} --key team.pub", "prove where it comes from"),),
)
@click.argument("ref", metavar="REF")
@click.option("--platform", type=PlatformsType(), metavar="P", default=(), help="The platform; this machine's.")
@click.option("--cached", is_flag=True, help="Steps that are in the store need not be done again.")
@trust_options
@access_options
@click.pass_obj
def rebuild(session: Session, /, *, ref: str, platform: tuple[Platform, ...], cached: bool, **rest: Any) -> None:
    """Build an image again from what its provenance says went in, and compare digests.

    With --key or --identity, only a provenance that they signed is believed. Everything is done anew, from source,
    in a store that is gone afterwards. Exit status 8 if the digest is another, or nobody says how it was made.
    """
    if len(platform) > 1:
        raise UsageError("one platform at a time is built again")
    trust = _trust(rest, needed=False)
    options = RebuildOptions(platform[0] if platform else None, trust, cached=cached, access=access(rest))
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
