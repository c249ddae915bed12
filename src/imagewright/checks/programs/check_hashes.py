# SPDX-License-Identifier: Apache-2.0
"""Hash functions and key derivation give their published answers."""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
import sys
import warnings

from verdict import need, passed

ANSWERS = {
    "md5": "900150983cd24fb0d6963f7d28e17f72",
    "sha1": "a9993e364706816aba3e25717850c26c9cd0d89d",
    "sha256": "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
    "sha512": "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
    "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
    "sha3_256": "3a985da74fe225b2045c172d6bd390bd855f086e3e9d525b46bfe24511431532",
    "blake2b": "ba80a53f981c4d0d6a2797b69f12f6e94c212f14685ac4b74b12bb6fdbffa2d1"
    "7d87c5392aab792dc252d5de4533cc9518d38aa8dbf1925ab92386edd4009923",
    "blake2s": "508c5e8c327c14e2e1a72ba34eeb452f37458b209ed63a294d999b4c86675982",
}
for name, answer in ANSWERS.items():
    need(hashlib.new(name, b"abc").hexdigest() == answer, f"{name} is wrong")
    need(getattr(hashlib, name)(b"abc").hexdigest() == answer, f"hashlib.{name} is wrong")
guaranteed = sorted(hashlib.algorithms_guaranteed)
for name in guaranteed:
    state = hashlib.new(name, b"abc")
    need(len(state.digest(8) if name.startswith("shake") else state.digest()) >= 8, f"{name} gives nothing")  # type: ignore[call-arg]
key = hashlib.scrypt(b"", salt=b"", n=16, r=1, p=1, dklen=16)
need(key.hex() == "77d6576238657b203b19ca42c18a0497", "scrypt is wrong")
key = hashlib.pbkdf2_hmac("sha1", b"password", b"salt", 2)
need(key.hex() == "ea6c014dc72d6f8ccd1ed92ace1d41f0d8de8957", "PBKDF2 is wrong")
need(
    hmac.new(b"key", b"abc", "sha256").hexdigest() == hmac.digest(b"key", b"abc", "sha256").hex(), "HMAC is wrong"
)
need(len(secrets.token_bytes(32)) == 32 and os.urandom(8) != os.urandom(8), "no random bytes")
if sys.version_info < (3, 13):
    warnings.simplefilter("ignore", DeprecationWarning)
    import crypt

    need(crypt.crypt("a", "$6$salt$") is not None, "crypt does not know SHA-512")
passed(f"{len(guaranteed)} algorithms, scrypt, PBKDF2, HMAC")
