# SPDX-License-Identifier: Apache-2.0
"""A signature counts only by a certificate that was chosen, and only what was signed is ever read."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime
from importlib import resources
from pathlib import Path
from tempfile import NamedTemporaryFile

import pysequoia
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imagewright.archives import openpgp
from imagewright.archives.keyring import Keyring, shipped_keyring
from imagewright.archives.openpgp import (
    Certificate,
    UnjudgedError,
    load_certificate,
    verify_cleartext,
    verify_detached,
)
from imagewright.catalog.shipped import shipped_catalog
from imagewright.errors import ConfigurationError, VerificationError
from imagewright.model.packages import PackageSystem
from support.archive import SignedArchive, SigningKey

TEXT = "Origin: Test\n-dash at the start\nSuite: stable\n"
KEY = SigningKey.make()
OTHER = SigningKey.make("Somebody Else <else@example.org>")
BEGIN = b"-----BEGIN PGP SIGNED MESSAGE-----"
GOOD = KEY.clearsign(TEXT)
DETACHED = bytes(pysequoia.Sig.from_bytes(KEY.detached(b"content")))


def certificate(key: SigningKey) -> Certificate:
    return load_certificate(key.certificate.encode(), key.fingerprint)


def verify(message: bytes, *keys: SigningKey) -> openpgp.SignedText:
    return verify_cleartext(message, [certificate(key) for key in keys or (KEY,)], subject="the Release")


def refusal(message: bytes, *keys: SigningKey) -> VerificationError:
    with pytest.raises(VerificationError) as caught:
        verify(message, *keys)
    return caught.value


def test_what_was_signed_is_given_back() -> None:
    signed = verify(KEY.clearsign(TEXT))
    assert signed.text.decode().rstrip("\n") == TEXT.rstrip("\n")
    assert signed.signers == (KEY.fingerprint,)


def test_another_key_does_not_count() -> None:
    error = refusal(OTHER.clearsign(TEXT))
    assert "no good signature" in error.message
    assert KEY.fingerprint in error.why


def test_no_certificate_believes_nothing() -> None:
    with pytest.raises(VerificationError, match="no good signature"):
        verify_cleartext(KEY.clearsign(TEXT), [], subject="it")


def test_one_of_several_signers_is_enough(tmp_path: Path) -> None:
    message = SignedArchive(tmp_path, KEY).sign(TEXT, [OTHER, KEY, SigningKey.make()])
    assert verify(message).signers == (KEY.fingerprint,)
    assert verify(message, KEY, OTHER).signers == tuple(sorted([KEY.fingerprint, OTHER.fingerprint]))
    assert "no good signature" in refusal(message, SigningKey.make()).message


def test_one_good_signature_does_not_save_changed_text(tmp_path: Path) -> None:
    message = SignedArchive(tmp_path, KEY).sign(TEXT, [OTHER, KEY])
    assert "no good signature" in refusal(message.replace(b"stable", b"forged"), KEY, OTHER).message


@given(st.data())
@settings(max_examples=150)
def test_no_bit_of_a_message_can_be_flipped_unnoticed(data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(GOOD) * 8 - 1))
    changed = bytearray(GOOD)
    changed[at // 8] ^= 1 << (at % 8)
    try:
        signed = verify(bytes(changed))
    except VerificationError:
        return
    # Some bits of the frame carry nothing (an unused armour bit, the Hash header): then the text is the same.
    assert signed.text.decode().rstrip("\n") == TEXT.rstrip("\n")


EVIL = b"Origin: Evil\n"


@pytest.mark.parametrize(
    "message",
    [
        EVIL + GOOD,
        b"\n" + GOOD,
        GOOD + EVIL,
        GOOD + GOOD,
        GOOD.replace(BEGIN, BEGIN + b" "),
        GOOD.replace(BEGIN, BEGIN + b"\nComment: x"),
        GOOD.replace(BEGIN + b"\n", BEGIN + b"\n" + EVIL),
        GOOD.replace(b"\nHash: SHA512\n\n", b"\nHash: SHA512\n \n\n"),
        GOOD.replace(b"\nHash: SHA512\n\n", b"\nHash: SHA512\n"),
        GOOD.replace(b"- -dash", b"-dash"),
        GOOD.replace(b"\n", b"\r\n"),
        GOOD.replace(b"Suite", b"Su\0ite"),
        GOOD.replace(b"-----BEGIN PGP SIGNATURE-----", b"-----BEGIN PGP SIGNATURE-----\n\n\n" + EVIL),
        GOOD.replace(b"-----BEGIN PGP SIGNATURE-----", EVIL + b"-----BEGIN PGP SIGNATURE-----"),
        GOOD.partition(b"-----BEGIN PGP SIGNATURE-----")[0],
        GOOD.replace(b"-----END PGP SIGNATURE-----", b""),
        TEXT.encode(),
        b"",
        pysequoia.sign(KEY.secret.signer(), TEXT.encode()),
        pysequoia.sign(KEY.secret.signer(), TEXT.encode(), armor=False),
        KEY.detached(TEXT.encode()),
    ],
)
def test_anything_but_one_signed_block_is_refused(message: bytes) -> None:
    assert refusal(message).code == 5


def test_two_blocks_are_refused_even_where_both_are_good() -> None:
    begin = b"-----BEGIN PGP SIGNATURE-----"
    nested = GOOD.replace(begin, GOOD + begin)
    assert "not one signed message" in refusal(nested).message


def test_blanks_at_line_ends_are_not_signed_and_change_nothing() -> None:
    # RFC 9580, 7.2: trailing blanks are not part of what is signed, so they must not become part of what is read.
    with suppress(VerificationError):
        signed = verify(GOOD.replace(b"stable\n", b"stable  \n"))
        assert signed.text.decode().rstrip("\n") == TEXT.rstrip("\n")


def test_sizes_are_bounded(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    many = SignedArchive(tmp_path, KEY).sign(TEXT, [KEY] * 17)
    assert "more than 16 signatures" in refusal(many).why
    monkeypatch.setattr(openpgp, "MAXIMUM_MESSAGE", 100)
    assert "more than 100 bytes" in refusal(GOOD).message


@given(st.binary(max_size=300))
def test_any_bytes_are_refused(data: bytes) -> None:
    for message in (data, GOOD.replace(b"Origin", data), GOOD[:-60] + data):
        with suppress(VerificationError):
            assert verify(message).text.rstrip(b"\n") == TEXT.encode().rstrip(b"\n")


@given(st.data())
@settings(max_examples=150)
def test_no_bit_of_a_detached_signature_can_be_flipped_unnoticed(data: st.DataObject) -> None:
    with NamedTemporaryFile() as file:
        file.write(b"content")
        file.flush()
        changed = bytearray(DETACHED)
        at = data.draw(st.integers(0, len(changed) * 8 - 1))
        changed[at // 8] ^= 1 << (at % 8)
        with suppress(VerificationError):
            # The unhashed part of a signature may change: it is not signed, and nothing is taken from it.
            chosen = [certificate(KEY)]
            assert verify_detached(Path(file.name), bytes(changed), chosen, subject="it") == (KEY.fingerprint,)


def test_a_detached_signature(tmp_path: Path) -> None:
    path = tmp_path / "source.tar.xz"
    path.write_bytes(b"content")
    chosen = [certificate(KEY)]
    assert verify_detached(path, KEY.detached(b"content"), chosen, subject="it") == (KEY.fingerprint,)
    both = bytes(pysequoia.Sig.from_bytes(OTHER.detached(b"content"))) + bytes(
        pysequoia.Sig.from_bytes(KEY.detached(b"content"))
    )
    assert verify_detached(path, both, chosen, subject="it") == (KEY.fingerprint,)


@pytest.mark.parametrize(
    "signature",
    [OTHER.detached(b"content"), KEY.detached(b"other"), b"", b"x", GOOD, KEY.certificate.encode(), b"x" * 70000],
)
def test_a_bad_detached_signature(signature: bytes, tmp_path: Path) -> None:
    path = tmp_path / "source.tar.xz"
    path.write_bytes(b"content")
    with pytest.raises(VerificationError, match="it"):
        verify_detached(path, signature, [certificate(KEY)], subject="it")


def test_a_signature_newer_than_our_copy_of_the_key_is_not_judged(tmp_path: Path) -> None:
    path = tmp_path / "source.tar.xz"
    path.write_bytes(b"content")
    good = certificate(KEY)
    expired = Certificate(good.fingerprint, datetime(2020, 1, 1, tzinfo=UTC), good.keys, certificate(OTHER).handle)
    with pytest.raises(UnjudgedError, match="newer than our copy"):
        verify_detached(path, KEY.detached(b"content"), [expired], subject="it")
    with pytest.raises(VerificationError, match="no good signature"):
        verify_detached(path, OTHER.detached(b"content"), [expired], subject="it")


def test_a_certificate_is_held_to_its_fingerprint() -> None:
    assert certificate(KEY).keys > {KEY.fingerprint}  # and the signing subkey
    both = KEY.certificate + OTHER.certificate
    for data, fingerprint in (
        (KEY.certificate, OTHER.fingerprint),
        (both, KEY.fingerprint),
        ("", KEY.fingerprint),
        ("nonsense", KEY.fingerprint),
        (KEY.certificate, KEY.fingerprint[-16:]),
        (KEY.certificate, KEY.fingerprint.lower()),
        ("x" * (1 << 21), KEY.fingerprint),
    ):
        with pytest.raises(VerificationError):
            load_certificate(data.encode(), fingerprint)


def test_a_revoked_certificate_is_refused() -> None:
    public = KEY.secret.extract_certificate()
    revoked = pysequoia.Cert.from_bytes(bytes(public) + bytes(public.revoke(KEY.secret.certifier())))
    with pytest.raises(VerificationError, match="revoked"):
        load_certificate(str(revoked).encode(), KEY.fingerprint)


# --- the keyring -------------------------------------------------------------------------------------------


def test_every_shipped_certificate_is_what_its_name_says() -> None:
    keyring = shipped_keyring()
    folder = resources.files("imagewright.archives") / "keys"
    files = {entry.name.removesuffix(".asc") for entry in folder.iterdir() if entry.name.endswith(".asc")}
    assert files == set(keyring.facts)
    for fingerprint, facts in keyring.facts.items():
        shipped = load_certificate(keyring.armoured[fingerprint], fingerprint)
        assert openpgp.is_fingerprint(fingerprint)
        assert facts.expires == (f"{shipped.expires:%Y-%m-%d}" if shipped.expires else "")
        assert facts.owner
        assert facts.origin


def test_every_fingerprint_of_the_catalog_has_a_certificate_of_the_right_owner() -> None:
    keyring = shipped_keyring()
    for suite in shipped_catalog().by_suite.values():
        if suite.system is PackageSystem.APK:
            continue  # signed with RSA keys by the names of their files, which a person's configuration gives
        for archive in suite.archives:
            assert keyring.for_suite(archive.name, fingerprints=archive.keys)
            owners = [keyring.facts[fingerprint].owner for fingerprint in archive.keys]
            assert all(suite.distribution.title() in owner for owner in owners)
            if suite.distribution == "debian":
                security = archive.name.endswith("-security")
                assert all(("Security" in owner) == security for owner in owners), archive.name


def test_a_suite_nobody_may_sign() -> None:
    with pytest.raises(ConfigurationError, match="potato"):
        shipped_keyring().for_suite("potato", fingerprints=[])


def test_a_fingerprint_without_a_certificate() -> None:
    with pytest.raises(ConfigurationError, match=OTHER.fingerprint):
        shipped_keyring().for_suite("x", fingerprints=[*shipped_keyring().facts, OTHER.fingerprint])


def test_certificates_of_ones_own_join_the_shipped_ones() -> None:
    keyring = shipped_keyring().joined(f"{KEY.certificate}\n{OTHER.certificate}".encode(), origin="own.asc")
    both = keyring.for_suite("x", fingerprints=[KEY.fingerprint, OTHER.fingerprint])
    assert [each.fingerprint for each in both] == [KEY.fingerprint, OTHER.fingerprint]
    assert set(shipped_keyring().armoured) < set(keyring.armoured)
    assert keyring.facts == shipped_keyring().facts


@pytest.mark.parametrize("data", [b"", b"nothing", KEY.certificate.encode()[:200], b"x" * (1 << 21)])
def test_a_file_without_certificates_is_refused(data: bytes) -> None:
    with pytest.raises(VerificationError, match=r"own\.asc"):
        shipped_keyring().joined(data, origin="own.asc")


def test_an_unusable_certificate_leaves_the_others() -> None:
    keyring = Keyring({KEY.fingerprint: KEY.certificate.encode(), OTHER.fingerprint: b"broken"}, {})
    both = keyring.for_suite("x", fingerprints=[OTHER.fingerprint, KEY.fingerprint])
    assert [one.fingerprint for one in both] == [KEY.fingerprint]
    with pytest.raises(VerificationError):
        keyring.for_suite("x", fingerprints=[OTHER.fingerprint])
    assert keyring.certificate("0" * 40) is None
