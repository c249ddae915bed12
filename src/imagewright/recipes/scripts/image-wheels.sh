#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Download wheels into /inputs, unless they are there, with the pip of the source archive.
#
#   /recipe/wheels   requirements with hashes (pip's --require-hashes)
#   IW_WHEELS        their file names
#   PIP_INDEX_URL    the index to ask; pip's own if empty
set -eu

missing=
for wheel in $IW_WHEELS; do
    [ -e "/inputs/$wheel" ] || missing=yes
done
[ -n "$missing" ] || exit 0
[ -n "${PIP_INDEX_URL:-}" ] || unset PIP_INDEX_URL
cd /usr/src/python
for pip in Lib/ensurepip/_bundled/pip-*.whl; do :; done
./python -E -s "$pip/pip" download --no-cache-dir --no-deps --only-binary=:all: --require-hashes \
    --disable-pip-version-check --dest /inputs --requirement /recipe/wheels
