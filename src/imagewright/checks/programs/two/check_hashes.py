# SPDX-License-Identifier: Apache-2.0
"""Hash functions give their published answers."""

from __future__ import absolute_import, division, print_function

import binascii
import crypt
import hashlib
import hmac
import os

from verdict import need, passed

ANSWERS = {
    "md5": "900150983cd24fb0d6963f7d28e17f72",
    "sha1": "a9993e364706816aba3e25717850c26c9cd0d89d",
    "sha256": "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
    "sha512": "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
    "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
}
for name, answer in ANSWERS.items():
    need(hashlib.new(name, b"abc").hexdigest() == answer, "%s is wrong" % name)
    need(getattr(hashlib, name)(b"abc").hexdigest() == answer, "hashlib.%s is wrong" % name)
key = binascii.hexlify(hashlib.pbkdf2_hmac("sha1", b"password", b"salt", 2))
need(key == "ea6c014dc72d6f8ccd1ed92ace1d41f0d8de8957", "PBKDF2 is wrong")
code = hmac.new(b"key", b"The quick brown fox jumps over the lazy dog", hashlib.md5).hexdigest()
need(code == "80070713463e7749b90c2dc24911e275", "HMAC is wrong")
need(os.urandom(8) != os.urandom(8), "no random bytes")
need(crypt.crypt("a", "$6$salt$").startswith("$6$"), "crypt does not know SHA-512")
passed("%d algorithms, PBKDF2, HMAC" % len(hashlib.algorithms_guaranteed))
