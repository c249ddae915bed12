#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Lay out the inputs of the build in /inputs, each only if it is what the lock says.
#
#   /from                what was downloaded, or a build context that stands for it
#   /recipe/inputs       SHA256 ARCHITECTURES FILE NAME: lines for any or some architectures;
#                        NAME is what the build's scripts call the file
set -eu

architecture=$(dpkg --print-architecture 2> /dev/null || apk --print-arch)
mkdir -p /inputs
while read -r sha256 architectures file name; do
    case ",$architectures," in
        *,any,* | *",$architecture,"*) ;;
        *) continue ;;
    esac
    cp "/from/$file" "/inputs/$name"
    echo "$sha256  /inputs/$name" | sha256sum --check --strict -
done < /recipe/inputs
