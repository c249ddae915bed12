#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Compile one locale into /out.
#
#   $1         its name: de_DE.UTF-8, ca_ES.UTF-8@valencia
#   $2         big or little: the order of bytes, which is that of the image and not of the machine
#   I18NPATH   the sources of locales
set -eu

echo "::phase locale"
mkdir -p /out/usr/lib/locale
case $1 in
    *@*) source=${1%%.*}@${1##*@} ;;
    *) source=${1%%.*} ;;
esac
if [ ! -e "$I18NPATH/locales/$source" ]; then
    echo "there is no locale $source" >&2
    exit 2
fi
# 1: there were warnings, as there are for many.
localedef --no-archive "--$2-endian" -c -f UTF-8 -i "$source" --prefix=/out "$1" || [ $? -eq 1 ]
test -e /out/usr/lib/locale/*/LC_CTYPE
