#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# What is one's own above the interpreter, into /site: Python packages, their bytecode, a locale.
#
#   /recipe/requirements.*   packages with hashes, of every architecture (any) or of one
#   /from                    their wheels, or whatever has none: then the index is asked
#   /installers              the part of the interpreter that has the pip of its source
#   IW_PYTHON                the interpreter: python3.13
#   IW_BYTECODE              yes: compile what was installed
#   IW_LOCALE                a locale to compile; none if empty
#   PIP_INDEX_URL            the index to ask; pip's own if empty
set -eu
umask 022

architecture=$(dpkg --print-architecture)
library=/usr/local/lib/$IW_PYTHON
mkdir -p /site/usr/local
wanted=$(mktemp)
for file in /recipe/requirements.any "/recipe/requirements.$architecture"; do
    [ ! -e "$file" ] || cat "$file" >> "$wanted"
done

if [ -s "$wanted" ]; then
    [ -n "${PIP_INDEX_URL:-}" ] || unset PIP_INDEX_URL
    set --
    for wheel in /from/*.whl; do
        [ ! -e "$wheel" ] || set -- --no-index --find-links /from
    done
    for pip in "/installers$library"/ensurepip/_bundled/pip-*.whl; do :; done
    "/usr/local/bin/$IW_PYTHON" -I "$pip/pip" install --root /site --prefix /usr/local --no-deps --no-compile \
        --no-cache-dir --only-binary=:all: --require-hashes --disable-pip-version-check \
        --root-user-action=ignore --no-warn-script-location "$@" --requirement "$wanted"
fi
rm "$wanted"

if [ "${IW_BYTECODE:-}" = yes ]; then
    # Where they will be, as bytecode tells the path; what is there already is the interpreter's pip.
    mkdir -p "/site$library/site-packages"
    cp -a "/site$library/site-packages/." "$library/site-packages/"
    begun=$(mktemp)
    "/usr/local/bin/$IW_PYTHON" /recipe/site-bytecode.py "$library/site-packages"
    cd /
    find "${library#/}/site-packages" -name '*.pyc' -newer "$begun" -exec cp -a --parents --target-directory=/site {} +
    rm "$begun"
fi

if [ -n "${IW_LOCALE:-}" ]; then
    sh /recipe/image-packages.sh download locales
    dpkg-deb --extract /download/locales_*.deb /tmp/locales
    order=little
    [ "$architecture" != s390x ] || order=big
    I18NPATH=/tmp/locales/usr/share/i18n sh /recipe/site-locale.sh "$IW_LOCALE" "$order"
    cp -a /out/. /site/
fi
