#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Runs inside a root whose packages are unpacked already, with dpkg's database saying so.
#
#   root-configure configure [PACKAGE…]   their postinst, by dpkg, which sees to the order; all if none is named
#   root-configure libraries              the dynamic linker's cache, for libraries that no package brought
#   root-configure preinst DIRECTORY      the preinst of every package staged in that directory
#
# Several of these may follow each other, separated by "--".
set -eu
umask 022
cd /
admin=/var/lib/dpkg

# dpkg(1), "INTERNAL ENVIRONMENT": what a maintainer script may ask for. It is run from tmp.ci, with the other
# control files beside it, because debconf looks for the templates there.
preinst() {
	staged=$1
	for directory in "$staged"/*/; do
		[ -d "$directory" ] || continue
		name=${directory%/}
		name=${name##*/}
		name=${name#*_}
		rm -rf "$admin/tmp.ci"
		mv "$directory" "$admin/tmp.ci"
		echo "Preparing ${name%_*} ..."
		status=0
		DPKG_MAINTSCRIPT_PACKAGE=${name%_*} DPKG_MAINTSCRIPT_ARCH=${name##*_} \
			DPKG_MAINTSCRIPT_NAME=preinst DPKG_MAINTSCRIPT_PACKAGE_REFCOUNT=1 DPKG_MAINTSCRIPT_DEBUG=0 \
			DPKG_ADMINDIR=$admin DPKG_ROOT='' DPKG_FORCE='' DPKG_COLORS=never \
			"$admin/tmp.ci/preinst" install || status=$?
		rm -rf "$admin/tmp.ci"
		if [ "$status" -ne 0 ]; then
			echo "the preinst script of ${name%_*} ended with status $status" >&2
			exit 1
		fi
	done
	rm -rf "$staged"
}

step() {
	what=$1
	shift
	case $what in
		preinst) preinst "$@" ;;
		configure)
			echo "::phase configure"
			if [ $# -eq 0 ]; then
				dpkg --configure --pending
			else
				dpkg --configure "$@"
			fi
			;;
		libraries) ldconfig ;;
		*)
			echo "root-configure: unknown step $what" >&2
			exit 2
			;;
	esac
}

words=
for word in "$@" --; do
	if [ "$word" = -- ]; then
		# shellcheck disable=SC2086 # names of packages have no blanks
		[ -z "$words" ] || step $words
		words=
	else
		words="$words $word"
	fi
done
