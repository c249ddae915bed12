# CPython 3.13.15 on trixie, with only what the interpreter needs, on a system that installs packages.
#
# Written by imagewright from its catalog (imagewright dockerfile 3.13.15-slim-trixie); changes here are lost.
# The scripts are those that `imagewright build` runs, with the same inputs.
#
# Platforms: linux/amd64, linux/arm/v5, linux/arm/v7, linux/arm64/v8, linux/386, linux/ppc64le, linux/riscv64,
# linux/s390x
# The lock does not know this image: packages have the versions that the archive has that day.
# Builders need here-documents and ADD --checksum (BuildKit since 0.11, buildah since 1.33).
# For the same times wherever it is built: --build-arg SOURCE_DATE_EPOCH=1785932743

# Inputs: the source archive and what lies beside this file; a build context of this name stands for them.
# Releases of this series are signed with the OpenPGP key 7169605F62C751356D054A26A821E680E5FA6305;
# `imagewright lock` verifies that, and what it found is fixed here by SHA-256.
FROM scratch AS inputs
ARG PYTHON_MIRROR
ADD --checksum=sha256:1e66a7945a48390ee4c2a4268a0e4185884059a13c4aab6d148aa208deea4a76 ${PYTHON_MIRROR}/ftp/python/3.13.15/Python-3.13.15.tar.xz /
COPY profile-amd64.tar.xz /

# Packages: a build context of this name, with packages and their index, stands for the archive.
FROM scratch AS packages

# The build root: a small root with compiler and libraries.
FROM debian:trixie-slim AS buildbase

FROM scratch AS recipe-buildroot
COPY <<"EOF" /recipe/image-packages.sh
#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Install or download packages with apt, and leave nothing of apt's own work behind.
#
#   image-packages install NAME…    install, and bring what is there already to the locked versions
#   image-packages download NAME…   only download, into /download
#
#   IW_PARTS             parts of the interpreter whose libraries are installed too, by
#                        /needs/PART (see image-parts.sh); none if empty
#   IW_OPTIONAL          extension modules whose libraries are left out
#   /recipe/packages.*   NAME=VERSION, one or more on a line: all that may be installed,
#                        of every architecture or of one; without one, whatever the archive has
#   /recipe/archives     ARCHITECTURES VARIABLE SUITE COMPONENTS: where packages come from,
#                        if the variable has an address; else the root's own apt sources are asked
#   /packages            a directory with packages and their index, asked instead of any archive
#   /cache               lists and packages that were downloaded before; may be empty
set -eu
umask 022

conf=$(mktemp -d)
trap 'rm -rf "$conf"' EXIT
architecture=$(dpkg --print-architecture)

# Which archive: a directory, addresses that were said, or the root's own.
if [ -e /packages/Packages ]; then
    echo 'deb [trusted=yes] file:/packages ./' > "$conf/sources"
elif [ -e /recipe/archives ]; then
    while read -r architectures variable suite components; do
        case ",$architectures," in
            *,any,* | *",$architecture,"*) ;;
            *) continue ;;
        esac
        eval "address=\${$variable:-}"
        if [ -n "$address" ]; then
            echo "deb $address $suite $components" >> "$conf/sources"
        fi
    done < /recipe/archives
fi

# Which versions: what the lock has, and nothing else.
locked=
for file in "/recipe/packages.any" "/recipe/packages.$architecture"; do
    [ ! -e "$file" ] || locked="$locked $(cat "$file")"
done
for package in $locked; do
    printf 'Package: %s\nPin: version %s\nPin-Priority: 1001\n\n' "${package%%=*}" "${package#*=}"
done > "$conf/preferences"
if [ -n "$locked" ]; then
    printf 'Package: *\nPin: release *\nPin-Priority: -1\n' >> "$conf/preferences"
fi

mkdir -p /cache/lists/partial /cache/archives/partial
cat > "$conf/apt.conf" << END
APT::Get::Assume-Yes "true";
APT::Get::allow-downgrades "true";
APT::Install-Recommends "false";
APT::Keep-Downloaded-Packages "true";
APT::Sandbox::User "root";
Acquire::GzipIndexes "false";
Acquire::Languages "none";
Dir::Cache::archives "/cache/archives";
Dir::Cache::pkgcache "";
Dir::Cache::srcpkgcache "";
Dir::Etc::preferences "$conf/preferences";
Dir::Etc::preferencesparts "/dev/null";
Dir::Log "$conf";
Dir::State::lists "/cache/lists";
Dpkg::Use-Pty "0";
END
if [ -e "$conf/sources" ]; then
    cat >> "$conf/apt.conf" << END
Dir::Etc::sourcelist "$conf/sources";
Dir::Etc::sourceparts "/dev/null";
END
fi
export APT_CONFIG="$conf/apt.conf" DEBIAN_FRONTEND=noninteractive DEBCONF_NONINTERACTIVE_SEEN=true
export LC_ALL=C.UTF-8 PERL_HASH_SEED=0 PERL_PERTURB_KEYS=0 PYTHONHASHSEED=0 TZ=UTC

installed() {
    [ "$(dpkg-query --show --showformat='${db:Status-Abbrev}' "$1" 2> /dev/null)" = 'ii ' ]
}

# The packages with libraries that the interpreter needs. What the root has already is not
# asked for: apt would take it for somebody's wish.
needed() {
    for part in ${IW_PARTS:-}; do
        [ ! -e "/needs/$part" ] || cat "/needs/$part"
    done | while read -r package module; do
        case " ${IW_OPTIONAL:-} " in
            *" $module "*) ;;
            *) installed "$package" || echo "$package" ;;
        esac
    done | LC_ALL=C sort -u
}

# apt notes what came along in the order in which it dealt with it, which says nothing.
sorted() {
    awk 'BEGIN { RS = ""; FS = "\n"; OFS = "\001" } { $1 = $1; print }' "$1" | LC_ALL=C sort |
        awk 'BEGIN { FS = "\001"; OFS = "\n"; ORS = "\n\n" } { $1 = $1; print }' > "$conf/sorted"
    cat "$conf/sorted" > "$1"
}

verb=$1
shift
case $verb in
    install)
        apt-get --quiet update
        [ -z "$locked" ] || apt-get --quiet dist-upgrade
        # shellcheck disable=SC2046 # one word per package, on purpose
        apt-get --quiet install "$@" $(needed)
        [ ! -e /var/lib/apt/extended_states ] || sorted /var/lib/apt/extended_states
        ;;
    download)
        apt-get --quiet update
        mkdir -p /download
        cd /download
        apt-get --quiet download "$@"
        ;;
    *)
        echo "image-packages: unknown word $verb" >&2
        exit 2
        ;;
esac
EOF

COPY <<"EOF" /recipe/archives
any DEBIAN_MIRROR trixie main
any DEBIAN_MIRROR trixie-updates main
any DEBIAN_SECURITY_MIRROR trixie-security main
EOF


FROM buildbase AS buildroot
ARG DEBIAN_MIRROR
ARG DEBIAN_SECURITY_MIRROR
RUN --mount=type=bind,from=recipe-buildroot,source=/recipe,target=/recipe \
    --mount=type=bind,from=packages,target=/packages \
    --mount=type=cache,id=imagewright-packages,target=/cache,sharing=locked \
    sh /recipe/image-packages.sh install \
        # the root is unpacked merged: its alternative, usrmerge, has no work to do
        usr-is-merged \
        # compiles and links
        gcc \
        # headers of the C library
        libc6-dev \
        # runs CPython's build
        make \
        # configure asks it for Tcl/Tk, libffi and uuid
        pkgconf \
        # unpacks the source and the profile
        xz-utils \
        # headers for AF_BLUETOOTH in socket; nothing is linked
        libbluetooth-dev \
        # module bz2
        libbz2-dev \
        # module dbm.ndbm, as Berkeley DB provides it
        libdb-dev \
        # module ctypes
        libffi-dev \
        # module dbm.gnu
        libgdbm-dev \
        # module lzma
        liblzma-dev \
        # modules curses and curses.panel
        libncurses-dev \
        # module readline
        libreadline-dev \
        # module sqlite3
        libsqlite3-dev \
        # modules ssl and hashlib
        libssl-dev \
        # module tkinter, built everywhere, its libraries only in the full variant
        tk-dev \
        # module uuid
        uuid-dev \
        # modules zlib and zipimport, and pip, whose wheel is compressed
        zlib1g-dev

FROM scratch AS recipe-python
COPY <<"EOF" /recipe/image-inputs.sh
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
EOF

COPY <<"EOF" /recipe/inputs
1e66a7945a48390ee4c2a4268a0e4185884059a13c4aab6d148aa208deea4a76 any Python-3.13.15.tar.xz Python-3.13.15.tar.xz
204ee4a0ab46d9b128c0992e6d3b2a46d752930d4a6aa99f1aa853b2cd46b7ad amd64 profile-amd64.tar.xz profile.tar.xz
EOF

COPY <<"EOF" /recipe/python-prepare.sh
#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Unpack CPython and configure it.
#
#   /inputs/$IW_SOURCE   the release's source archive, already verified
#   IW_TRIPLET           the GNU triplet of the machine that will run Python
#   IW_CONFIGURE         further arguments of configure, separated by spaces
#   IW_PYTHON2           yes | no: whether the release is one of Python 2
#
# The directory is fixed, because its name ends up in debug information and in
# the names under which a training run leaves its counts.
set -eu

echo "::phase unpack"
mkdir -p /usr/src/python
cd /usr/src/python
tar -xf "/inputs/$IW_SOURCE" --strip-components=1 --no-same-owner

echo "::phase configure"
# What configure would find out about the machine it runs on rather than about the
# one that will run Python: which devices there are, whether semaphores and IPv6 work
# in this sandbox. Every Linux has all of it.
export ac_cv_file__dev_ptmx=yes ac_cv_file__dev_ptc=no
export ac_cv_posix_semaphores_enabled=yes ac_cv_broken_sem_getvalue=no
export ac_cv_buggy_getaddrinfo=no

# No CFLAGS here: configure would record them, and every extension module that
# somebody builds later would inherit them. The flags of the interpreter itself
# are given to make.
#
# --enable-shared makes configure describe an installation with a libpython, as
# programs that embed Python look for it. The executable is nevertheless linked
# from the same objects and does not load that library (see python-compile.sh).
# shellcheck disable=SC2086 # one word per argument, on purpose
./configure \
    --build="$IW_TRIPLET" \
    --prefix=/usr/local \
    --enable-shared \
    --enable-option-checking=fatal \
    --enable-ipv6 \
    $IW_CONFIGURE

# Python 2 links each extension module, its own and everybody's, with libpython where it
# finds this. Here the executable has all symbols, and an image may have no libpython.
if [ "$IW_PYTHON2" = yes ]; then
    sed -i 's|^#define Py_ENABLE_SHARED 1$|/* #undef Py_ENABLE_SHARED */|' pyconfig.h
fi
EOF

COPY <<"EOF" /recipe/python-prepare.env
architecture=$(dpkg --print-architecture 2> /dev/null || apk --print-arch)
case "$architecture" in
    amd64)
        IW_TRIPLET=x86_64-linux-gnu
        ;;
    armel)
        IW_TRIPLET=arm-linux-gnueabi
        ;;
    armhf)
        IW_TRIPLET=arm-linux-gnueabihf
        ;;
    arm64)
        IW_TRIPLET=aarch64-linux-gnu
        ;;
    i386)
        IW_TRIPLET=i686-linux-gnu
        ;;
    ppc64el)
        IW_TRIPLET=powerpc64le-linux-gnu
        ;;
    riscv64)
        IW_TRIPLET=riscv64-linux-gnu
        ;;
    s390x)
        IW_TRIPLET=s390x-linux-gnu
        ;;
    *) echo "this image is not made for $architecture" >&2; exit 1 ;;
esac
export IW_TRIPLET
EOF

COPY <<"EOF" /recipe/python-bootstrap.sh
#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Freeze the modules that the interpreter contains, with a throw-away interpreter.
#
#   IW_JOBS   how many processes make may run
#
# From 3.11 on, the build links two small interpreters whose only work is to
# freeze modules into C headers. Under link-time optimisation each of them costs
# as much as the real one. Their output does not depend on how well they were
# optimised, so they are compiled here without any optimisation, and only the
# headers are kept.
set -eu

echo "::phase freeze"
cd /usr/src/python
make -j"$IW_JOBS" CFLAGS_NODIST='-O0 -g0' Python/frozen.o Modules/getpath.o
if grep -q '^DEEPFREEZE_OBJS' Makefile; then
    make -j"$IW_JOBS" CFLAGS_NODIST='-O0 -g0' Python/deepfreeze/deepfreeze.o
fi
find . -name '*.o' -delete
rm -f Programs/_freeze_module _bootstrap_python pybuilddir.txt
EOF

COPY <<"EOF" /recipe/python-builtin.sh
#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Make extension modules a part of the executable, and have the Makefile say nothing of profiles.
#
#   IW_BUILTIN   their names; none if empty
#
# This follows the freezing of modules (see python-bootstrap.sh), whose interpreter needs none of them.
set -eu

cd /usr/src/python

# Modules that need no library beyond the C library's become part of the executable: they
# are optimised with the interpreter, and nothing is looked for and loaded to import them.
if [ -n "$IW_BUILTIN" ]; then
    awk -v names="$IW_BUILTIN" '
        BEGIN { split(names, list, " "); for (i in list) builtin[list[i]] = 1 }
        /^\*/ { mode = $1 }
        mode == "*shared*" && ($1 in builtin) { static = static $0 "\n"; next }
        { rest = rest $0 "\n" }
        END { printf "*static*\n%s%s", static, rest }
    ' Modules/Setup.stdlib > Modules/Setup.new
    mv Modules/Setup.new Modules/Setup.stdlib
    make Makefile
fi

# The flags for making and using a profile are of no use to whoever reads the
# installed Makefile; the ones we need come from IW_CFLAGS.
sed -i 's/^\(PGO_PROF_[A-Z]*_FLAG=\).*/\1/' Makefile
EOF

COPY <<"EOF" /recipe/python-compile.sh
#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Compile the interpreter, its library and its modules.
#
#   IW_PGO       none | use: whether to read /inputs/profile.tar.xz
#   IW_LTO       no | yes: link-time optimisation
#   IW_CFLAGS    what the compiler gets beyond configure's own flags
#   IW_LDFLAGS   the same for the linker
#   IW_PYTHON2   yes | no: whether the release is one of Python 2
#   IW_JOBS      how many processes may run; the result does not depend on it
set -eu

echo "::phase compile"
cd /usr/src/python
if [ "$IW_PGO" = use ]; then
    tar -xf /inputs/profile.tar.xz --no-same-owner
fi

# Most relocations of a position-independent executable only add its address. From glibc
# 2.36 on they can be a bit map instead of a table: nearly a tenth of the file is gone.
relocations=
libc=$(getconf GNU_LIBC_VERSION 2> /dev/null || true)
case "$libc" in
    'glibc 2.'[0-9] | 'glibc 2.'[12][0-9] | 'glibc 2.3'[0-5] | '') ;;
    *) relocations=-Wl,-z,pack-relative-relocs ;;
esac

# The *_NODIST variables are for CPython alone; nothing of them is recorded for
# extension modules.
build() {
    if [ "$IW_PYTHON2" = yes ]; then
        # It has none. What is recorded is written again below. An empty CFLAGS in
        # the environment makes make hand its own value down to distutils, which compiles
        # the modules.
        parallel=
        [ "$IW_LTO" = no ] || parallel=-flto=$IW_JOBS
        CFLAGS='' make -j"$IW_JOBS" EXTRA_CFLAGS="$IW_CFLAGS" LDFLAGS="$IW_LDFLAGS $relocations $parallel" "$@"
    elif [ "$IW_LTO" = yes ]; then
        # The headers of frozen modules exist already (see python-bootstrap.sh):
        # without dependencies make does not want the freezing programs again.
        # The number after -flto only says how many processes do the work.
        make -j"$IW_JOBS" CFLAGS_NODIST="$IW_CFLAGS" \
            LDFLAGS_NODIST="$IW_LDFLAGS $relocations -flto=$IW_JOBS" \
            FREEZE_MODULE_BOOTSTRAP_DEPS= FREEZE_MODULE_DEPS= "$@"
    else
        make -j"$IW_JOBS" CFLAGS_NODIST="$IW_CFLAGS" LDFLAGS_NODIST="$IW_LDFLAGS $relocations" "$@"
    fi
}

# One set of position-independent objects, linked twice. First the library, then
# an executable that contains the same objects instead of loading the library:
# LINK_PYTHON_OBJS is where newer releases say what the executable consists of,
# BLDLIBRARY where older ones do.
#
# Optimising the whole program is nearly all of the work of a link, and is done once for
# both: "ld -r" makes one object of all, with code in it instead of gcc's own form of it.
# Static libraries are not part of it. Nothing exports what they define, which only a
# link of something finished knows, and makes use of.
objects=
if [ "$IW_LTO" = yes ] && [ "$IW_PYTHON2" = no ]; then
    # shellcheck disable=SC2016 # make expands it
    printf '%s\n' 'whole.o: $(LIBRARY_OBJS)' \
        "	\$(CC) -r -fPIC -flto=$IW_JOBS -flinker-output=nolto-rel -o \$@ \$(LIBRARY_OBJS)" > whole.mk
    build -f Makefile -f whole.mk whole.o
    objects=LIBRARY_OBJS=whole.o
fi
# shellcheck disable=SC2016 # make expands it
build $objects LINK_PYTHON_OBJS='$(LIBRARY_OBJS)' BLDLIBRARY='$(LIBRARY_OBJS)' python
rm -f whole.o

echo "::phase modules"
# Everything else: extension modules, scripts, sysconfig's data.
build all

# sysconfig has just noted our flags, because make hands its arguments down through
# the environment. What extension modules will be built with is noted again without.
rm pybuilddir.txt
make FREEZE_MODULE_BOOTSTRAP_DEPS= FREEZE_MODULE_DEPS= pybuilddir.txt
EOF

COPY <<"EOF" /recipe/python-compile.env
architecture=$(dpkg --print-architecture 2> /dev/null || apk --print-arch)
case "$architecture" in
    amd64)
        IW_CFLAGS='-fno-semantic-interposition -fstack-protector-strong -fstack-clash-protection -Wformat -Werror=format-security -D_FORTIFY_SOURCE=2 -fcf-protection -flto -fprofile-use -fprofile-correction'
        IW_PGO=use
        ;;
    armel | armhf | i386 | ppc64el | riscv64 | s390x)
        IW_CFLAGS='-fno-semantic-interposition -fstack-protector-strong -fstack-clash-protection -Wformat -Werror=format-security -D_FORTIFY_SOURCE=2 -flto'
        IW_PGO=none
        ;;
    arm64)
        IW_CFLAGS='-fno-semantic-interposition -fstack-protector-strong -fstack-clash-protection -Wformat -Werror=format-security -D_FORTIFY_SOURCE=2 -mbranch-protection=standard -flto'
        IW_PGO=none
        ;;
    *) echo "this image is not made for $architecture" >&2; exit 1 ;;
esac
export IW_CFLAGS IW_PGO
EOF

COPY <<"EOF" /recipe/python-install.sh
#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Install into /out/tree what an image needs, and nothing that tells where or how
# it was built.
#
#   IW_SERIES     e.g. 3.13
#   IW_WHEELS     wheels in /inputs to install besides what ensurepip brings,
#                 e.g. "wheel-0.45.1-py3-none-any.whl"; may be empty
#   IW_BYTECODE   none | stdlib: the standard library's modules are compiled beforehand, and
#                 those of pip that each of its runs loads
#   IW_PLAIN      packages and modules of the standard library that are left as source,
#                 as patterns of their paths without a suffix
#   IW_PYTHON     who installs and compiles: ./python, or the machine's own of the same
#                 release where it cannot run that
#   IW_MAKEFILE   the Makefile to go on with: Makefile, or what python-record.sh kept
set -eu

echo "::phase install"
cd /usr/src/python
tree=/out/tree
lib=/usr/local/lib/python$IW_SERIES

# "make install" compiles every module two or three times, tests included. It is given
# an empty program instead of compileall. The Makefile that is installed stays as it is.
sed 's|[^ ]*/compileall\.py |/dev/null |' "$IW_MAKEFILE" > Makefile.install
make -f Makefile.install install DESTDIR="$tree" ENSUREPIP=no \
    FREEZE_MODULE_BOOTSTRAP_DEPS= FREEZE_MODULE_DEPS= > install.log ||
    { cat install.log; exit 1; }

# pip, and setuptools where this release still bundles it, from the source archive's
# own wheels. Installed by name, or pip would note the path of the file.
names=pip
for wheel in Lib/ensurepip/_bundled/setuptools-*.whl; do
    [ ! -e "$wheel" ] || names="$names setuptools"
done
for wheel in $IW_WHEELS; do
    names="$names ${wheel%%-*}"
done
for pip in Lib/ensurepip/_bundled/pip-*.whl; do :; done
# shellcheck disable=SC2086 # one word per name, on purpose
PIP_ROOT_USER_ACTION=ignore "$IW_PYTHON" -E -s "$pip/pip" install --root="$tree" \
    --no-index --find-links=Lib/ensurepip/_bundled --find-links=/inputs \
    --no-cache-dir --no-compile --no-deps --no-warn-script-location \
    --disable-pip-version-check $names

# pip has programs for Windows in it, which start scripts there and nowhere else.
find "$tree$lib/site-packages/pip" -path '*/distlib/*.exe' -delete
sed -i '\|^pip/_vendor/distlib/[^/]*\.exe,|d' "$tree$lib"/site-packages/pip-*.dist-info/RECORD

# Not in an image: tests, static libraries, objects, and bytecode that still names
# build-time paths or times.
find "$tree/usr/local" -depth \
    \( -type d \( -name test -o -name tests -o -name idle_test -o -name __pycache__ \) \
    -o -type f \( -name '*.pyc' -o -name '*.pyo' -o -name '*.a' -o -name '*.o' \) \) \
    -exec rm -rf '{}' +
# Releases before 3.10 cannot be told not to build modules for tests.
rm -f "$tree$lib"/lib-dynload/_test*.so "$tree$lib"/lib-dynload/_ctypes_test*.so \
    "$tree$lib"/lib-dynload/_xxtest*.so "$tree$lib"/lib-dynload/xxlimited*.so

# Makefile and sysconfig record the build directory. It will not exist; the
# directory of the files from the build does.
for config in "$tree$lib"/config-* "$tree$lib/config"; do
    [ -d "$config" ] || continue
    grep -rlIF /usr/src/python "$tree/usr/local" |
        xargs -r sed -i "s|/usr/src/python|${config#"$tree"}|g"
done

# The names without a number. Python 2 has had them all along.
if [ "${IW_SERIES%%.*}" -ge 3 ]; then
    for name in idle pip pydoc python; do
        ln -sfT "${name}3" "$tree/usr/local/bin/$name"
    done
    ln -sfT python3-config "$tree/usr/local/bin/python-config"
fi

# Bytecode that Python accepts without comparing it to the source, so that neither
# file times nor who owns the directory matter; Python 2 compares times, and all files
# have the release's. One process per directory, because the bytes of a module depend
# on what the same process compiled before. Without -E, which would let the hash seed
# be random: up to 3.10 the order of a set of constants depends on it.
modes='-o 0 --invalidation-mode'
kind=unchecked-hash
if [ "${IW_SERIES%%.*}" -lt 3 ]; then
    modes=
    kind=
    find "$tree$lib" -name '*.py' -exec touch -d "@$SOURCE_DATE_EPOCH" '{}' +
fi
compile() { # DIRECTORY, and what compileall is to compile in it
    directory=$1
    shift
    # shellcheck disable=SC2086 # one word per argument, on purpose
    PYTHONHASHSEED=0 "$IW_PYTHON" -s -m compileall -q -f $modes $kind -d "${directory#"$tree"}" "$@" < /dev/null
}

# The modules of the standard library that are frozen into the executable, as IW_PLAIN names
# them. Their files are read only where somebody asks for it (-X frozen_modules=off), which
# an interpreter for debugging does by itself.
frozen() {
    "$IW_PYTHON" -s -c 'if 1:
        import sys
        try:
            from _imp import _frozen_module_names
            known = [] if hasattr(sys, "gettotalrefcount") else _frozen_module_names()
        except ImportError:
            known = []
        bootstrap = ["importlib/_bootstrap", "importlib/_bootstrap_external"] if known else []
        print(" ".join(bootstrap + [name.replace(".", "/") for name in known]))'
}

# What every run of pip loads, as paths in site-packages; also what it gives up in the middle
# of, such as a module that needs a package which is not there.
pip_start() {
    PYTHONHASHSEED=0 "$IW_PYTHON" -s -B -c 'if 1:
        import os, runpy, sys
        from importlib.machinery import SourceFileLoader
        directory = os.path.realpath(sys.argv[1])
        files, get_code = set(), SourceFileLoader.get_code
        def noted(loader, name):
            files.add(loader.path)
            return get_code(loader, name)
        SourceFileLoader.get_code = noted
        sys.path.insert(0, directory)
        sys.argv[:] = ["pip", "--version"]
        sys.stdout = sys.stderr
        try:
            runpy.run_module("pip", run_name="__main__", alter_sys=True)
        except SystemExit as exit:
            if exit.code:
                raise
        names = [os.path.relpath(file, directory) for file in files if file.startswith(directory + os.sep)]
        os.write(1, "".join(name + "\n" for name in sorted(names) if name.endswith(".py")).encode())' \
        "$tree$lib/site-packages" 2> pip.log
}

if [ "$IW_BYTECODE" != none ]; then
    echo "::phase bytecode"
    compile "$tree$lib" "$tree$lib" -l
    for package in "$tree$lib"/*/; do
        case "$package" in
            */lib-dynload/ | */config*/ | */site-packages/ | */__pycache__/) continue ;;
        esac
        name=${package%/}
        case " $IW_PLAIN " in
            *" ${name##*/} "*) continue ;;
        esac
        compile "${package%/}" "${package%/}"
    done
    plain=$IW_PLAIN
    [ "${IW_SERIES%%.*}" -lt 3 ] || plain="$plain $(frozen)"
    set -f # the patterns are for find
    for name in $plain; do
        folder=
        case "$name" in */*) folder=${name%/*}/ ;; esac
        find "$tree$lib" \( -path "$tree$lib/${folder}__pycache__/${name##*/}.*.pyc" \
            -o -path "$tree$lib/$name.pyc" -o -path "$tree$lib/$name/*.pyc" \) -delete
    done
    set +f
    find "$tree$lib" -depth -type d -name __pycache__ -empty -delete
fi

# pip starts once for each of its commands. Others replace it, perhaps file by file, so its
# bytecode is compared to the source's hash. In Python 2 it is left as source.
kind=checked-hash
if [ "$IW_BYTECODE" = stdlib ] && [ "${IW_SERIES%%.*}" -ge 3 ]; then
    pip_start > pip.start || { cat pip.log; exit 1; }
    sed 's|/[^/]*$||' pip.start | LC_ALL=C sort -u > pip.folders
    while read -r folder; do
        awk -v folder="$folder" 'BEGIN { n = length(folder) + 1 }
            substr($0, 1, n) == folder "/" && index(substr($0, n + 1), "/") == 0' pip.start |
            sed "s|^|$tree$lib/site-packages/|" > pip.files
        compile "$tree$lib/site-packages/$folder" -i pip.files
    done < pip.folders
fi
EOF

COPY <<"EOF" /recipe/python-finish.sh
#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Separate the debug information, then look whether everything is there.
#
#   IW_SERIES    e.g. 3.13
#   IW_MODULES   modules that must be importable: a missing library makes CPython's
#                build leave a module out without failing
#
# Leaves the stripped files in /out/tree and what was stripped from them, under the
# names by which debuggers look for it, in /out/debug, with gdb's support for Python.
set -eu

echo "::phase debug files"
tree=/out/tree
debug=/out/debug/usr/lib/debug/.build-id
mkdir -p "$debug"

find "$tree/usr/local/bin" "$tree/usr/local/lib" -type f \
    \( -name '*.so' -o -name '*.so.*' -o -name "python$IW_SERIES*" \) | LC_ALL=C sort |
    while read -r file; do
        id=$(readelf -n "$file" 2> /dev/null | sed -n 's/^ *Build ID: //p')
        [ -n "$id" ] || continue
        mkdir -p "$debug/${id%"${id#??}"}"
        objcopy --only-keep-debug --compress-debug-sections "$file" \
            "$debug/${id%"${id#??}"}/${id#??}.debug"
        strip --strip-unneeded --remove-section=.comment "$file"
    done

# gdb loads a script by itself that has the name of the file it debugs, below a
# directory it trusts ("info auto-load"): the commands py-bt, py-list, py-print, …
if [ -e /usr/src/python/Tools/gdb/libpython.py ]; then
    support=/out/debug/usr/share/gdb/auto-load
    for file in "$tree/usr/local/bin/python$IW_SERIES"* "$tree/usr/local/lib"/libpython*.so.*; do
        case "$file" in *-config | *-gdb.py) continue ;; esac
        if [ ! -f "$file" ] || [ -L "$file" ]; then continue; fi
        place=$support${file#"$tree"}-gdb.py
        mkdir -p "${place%/*}"
        cp /usr/src/python/Tools/gdb/libpython.py "$place"
    done
fi
find /out/debug -type f -exec chmod 644 '{}' +
chmod -R u=rwX,go=rX "$tree" /out/debug
find "$tree" /out/debug -exec touch -h -d "@$SOURCE_DATE_EPOCH" '{}' +

echo "::phase look"
# -B: looking must not leave bytecode.
"$tree/usr/local/bin/python$IW_SERIES" -B -E -s -c '
import sys
missing = []
for name in sys.argv[1].split():
    try:
        __import__(name)
    except ImportError as error:
        missing.append("%s (%s)" % (name, error))
if missing:
    sys.exit("not built: " + ", ".join(missing))
' "$IW_MODULES"

if readelf -d "$tree/usr/local/bin/python$IW_SERIES" | grep -E 'NEEDED.*libpython|R(UN)?PATH'; then
    echo "the executable must not load a libpython" >&2
    exit 1
fi
if grep -rlE '/usr/src/python|/out/tree|-flto|-fprofile-(generate|use|correction)' "$tree/usr/local"; then
    echo "these files tell how they were built" >&2
    exit 1
fi
EOF


# The interpreter. Nothing of the image's own root comes in, nor of its variant.
FROM buildroot AS compiled
ENV HOME=/root \
    LC_ALL=C.UTF-8 \
    PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    PYTHONHASHSEED=0 \
    SOURCE_DATE_EPOCH=1785932743 \
    TZ=UTC
RUN --network=none \
    --mount=type=bind,from=recipe-python,source=/recipe,target=/recipe \
    --mount=type=bind,from=inputs,target=/from \
    sh /recipe/image-inputs.sh
# Unpack and configure.
RUN --network=none \
    --mount=type=bind,from=recipe-python,source=/recipe,target=/recipe \
    --mount=type=tmpfs,target=/tmp \
    . /recipe/python-prepare.env && \
    IW_CONFIGURE='--with-dbmliborder=bdb:gdbm --with-ensurepip --enable-loadable-sqlite-extensions --without-static-libpython --disable-test-modules' \
    IW_PYTHON2=no \
    IW_SOURCE=Python-3.13.15.tar.xz \
    IW_JOBS="$(nproc)" \
    sh /recipe/python-prepare.sh
# Freeze modules with a throw-away interpreter.
RUN --network=none \
    --mount=type=bind,from=recipe-python,source=/recipe,target=/recipe \
    --mount=type=tmpfs,target=/tmp \
    IW_JOBS="$(nproc)" \
    sh /recipe/python-bootstrap.sh
# Make modules a part of the executable.
RUN --network=none \
    --mount=type=bind,from=recipe-python,source=/recipe,target=/recipe \
    --mount=type=tmpfs,target=/tmp \
    IW_BUILTIN='_asyncio _bisect _blake2 _contextvars _csv _datetime _decimal _elementtree _heapq _json _lsprof _md5 _multiprocessing _opcode _pickle _posixshmem _posixsubprocess _queue _random _sha1 _sha2 _sha3 _socket _statistics _struct _zoneinfo array cmath fcntl grp math mmap pyexpat resource select syslog termios' \
    IW_JOBS="$(nproc)" \
    sh /recipe/python-builtin.sh
# Compile. The network is not there, so that nothing but the inputs can get in.
RUN --network=none \
    --mount=type=bind,from=recipe-python,source=/recipe,target=/recipe \
    --mount=type=tmpfs,target=/tmp \
    . /recipe/python-compile.env && \
    IW_LDFLAGS='-Wl,-z,relro -Wl,-z,now -Wl,--build-id=sha1' \
    IW_LTO=yes \
    IW_PYTHON2=no \
    IW_JOBS="$(nproc)" \
    sh /recipe/python-compile.sh
# Install what an image needs, with bytecode.
RUN --network=none \
    --mount=type=bind,from=recipe-python,source=/recipe,target=/recipe \
    --mount=type=tmpfs,target=/tmp \
    IW_BYTECODE=stdlib \
    IW_MAKEFILE=Makefile \
    IW_PLAIN='_aix_support _android_support _apple_support _ios_support _osx_support _pydatetime _pydecimal _pyio _pyrepl/windows_* asyncio/proactor_events asyncio/windows_* ctypes/_aix ctypes/macholib ctypes/wintypes encodings/cp[05789]* encodings/cp1[01]* encodings/cp125[3-8] encodings/cp273 encodings/cp424 encodings/hp_roman8 encodings/iso8859_1[0-46-9] encodings/iso8859_[2-9] encodings/koi8_[tu] encodings/kz1048 encodings/mac_* encodings/mbcs encodings/oem encodings/palmos encodings/ptcp154 encodings/tis_620 ensurepip ftplib idlelib imaplib lib-tk lib2to3 mailbox modulefinder msilib multiprocessing/popen_spawn_win32 nturl2path pickletools poplib profile pyclbr pydoc pydoc_data tabnanny tkinter trace turtle turtledemo wave webbrowser xmlrpc' \
    IW_PYTHON=./python \
    IW_SERIES=3.13 \
    IW_WHEELS='' \
    IW_JOBS="$(nproc)" \
    sh /recipe/python-install.sh
# Split off debug information, and look whether every module is there.
RUN --network=none \
    --mount=type=bind,from=recipe-python,source=/recipe,target=/recipe \
    --mount=type=tmpfs,target=/tmp \
    IW_MODULES='_asyncio _bisect _blake2 _bz2 _codecs_jp _contextvars _csv _ctypes _curses _curses_panel _datetime _dbm _decimal _elementtree _gdbm _hashlib _heapq _json _lsprof _lzma _md5 _multibytecodec _multiprocessing _pickle _posixshmem _posixsubprocess _queue _random _sha3 _socket _sqlite3 _ssl _statistics _struct _tkinter _uuid _zoneinfo array binascii cmath fcntl grp math mmap pyexpat readline resource select syslog termios unicodedata zlib' \
    IW_SERIES=3.13 \
    IW_JOBS="$(nproc)" \
    sh /recipe/python-finish.sh

FROM scratch AS recipe-parts
COPY <<"EOF" /recipe/image-parts.sh
#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Split the interpreter's tree into its parts, and note what each needs.
#
#   /out/tree, /out/debug   what the build left
#   /from                   the inputs of the build
#
# Leaves /parts/PART, a tree each, and /needs/PART: lines of PACKAGE MODULE, where the
# module is the extension module that needs the package's library.
set -eu

# The first pattern that matches decides, as in every engine.
part_of() {
    case $1 in
        usr/lib/debug*) part=debug ;; # debug information, under the names by which debuggers look
        usr/share/gdb*) part=debug ;; # gdb loads it by itself with the interpreter: py-bt and others
        usr/local/lib/python*/site-packages/README*) part=interpreter ;; # the directory must be there
        usr/local/lib/python*/site-packages/*) part=installers ;; # pip, and setuptools and wheel below 3.12
        usr/local/lib/python*/ensurepip*) part=installers ;; # pip once more, for virtual environments
        usr/local/bin/pip*) part=installers ;; # starts pip
        usr/local/bin/easy_install*) part=installers ;; # starts setuptools of old
        usr/local/bin/wheel*) part=installers ;; # starts wheel
        usr/local/include*) part=development ;; # headers of the C API
        usr/local/lib/pkgconfig*) part=development ;; # tells build systems where headers are
        usr/local/lib/libpython*) part=development ;; # for programs that embed an interpreter
        usr/local/lib/python*/config) part=development ;; # what the interpreter was built with (Python 2)
        usr/local/lib/python*/config/*) part=development ;; # the same
        usr/local/lib/python*/config-*) part=development ;; # Makefile and templates, to build modules
        usr/local/lib/python*/build-details.json) part=development ;; # how to build for it (PEP 739)
        usr/local/bin/python*-config) part=development ;; # prints flags for compiler and linker
        usr/local/share/man*) part=extras ;; # manual pages
        usr/local/bin/idle*) part=extras ;; # starts IDLE
        usr/local/lib/python*/idlelib*) part=extras ;; # IDLE, an editor with windows
        usr/local/lib/python*/tkinter*) part=extras ;; # windows need Tk, and a display
        usr/local/lib/python*/lib-tk*) part=extras ;; # the same in Python 2
        usr/local/lib/python*/lib-dynload/_tkinter.*) part=extras ;; # the same, compiled
        usr/local/lib/python*/lib-dynload/_tkinter_*) part=extras ;; # the same, as some builds name it
        usr/local/lib/python*/turtledemo*) part=extras ;; # demonstrations in a window
        usr/local/lib/python*/turtle.py*) part=extras ;; # draws in a window
        usr/local/lib/python*/__pycache__/turtle.*) part=extras ;; # the same, as bytecode
        usr/local/lib/python*/pydoc_data*) part=extras ;; # the language reference as texts for help()
        usr/local/lib/python*/lib2to3*) part=extras ;; # rewrites Python 2 programs; gone with 3.13
        usr/local/bin/2to3*) part=extras ;; # starts it
        *) part=interpreter ;;
    esac
}

cp -a /out/debug/. /out/tree/

# A document that tells scanners of the interpreter, where the inputs have one.
for document in /from/*.spdx.json; do
    if [ -e "$document" ]; then
        mkdir -p /out/tree/usr/local/share/sbom
        install -m 644 "$document" /out/tree/usr/local/share/sbom/
    fi
done

mkdir -p /parts /needs /lists
cd /out/tree

# What is no directory, and directories that are empty.
find . -mindepth 1 \( ! -type d -o -empty \) -printf '%P\n' | LC_ALL=C sort |
    while IFS= read -r path; do
        part_of "$path"
        printf '%s\n' "$path" >> "/lists/$part"
    done

for list in /lists/*; do
    part=${list##*/}
    mkdir -p "/parts/$part"
    # The directories above each path come along, with their modes and times.
    awk '{ print; while (sub("/[^/]*$", "")) if (!seen[$0]++) print }' "$list" | LC_ALL=C sort |
        tar --create --no-recursion --files-from=- --numeric-owner |
        tar --extract --numeric-owner --preserve-permissions --directory="/parts/$part"
done

# What the tree itself provides needs no package.
libraries() {
    find "$1" -type f \( -name '*.so' -o -name '*.so.*' -o -path '*/bin/*' \)
}
libraries . | while read -r file; do
    readelf --dynamic "$file" 2> /dev/null | sed -n 's/.*(SONAME).*\[\(.*\)\]$/\1/p'
done > /own

needed() {
    readelf --dynamic "$1" 2> /dev/null | sed -n 's/.*(NEEDED).*\[\(.*\)\]$/\1/p'
}

# dpkg-query prints PACKAGE:ARCHITECTURE: PATH, or PACKAGE, PACKAGE: PATH, or tells of a diversion.
owner() {
    dpkg-query --search "*/$1" |
        sed -n "/^diversion by /d; s|^\([^:, ]*\).*/$1\$|\1|p" | LC_ALL=C sort | head -n 1
}

for list in /lists/*; do
    part=${list##*/}
    libraries "/parts/$part" | LC_ALL=C sort | while read -r file; do
        module=${file##*/}
        needed "$file" | while read -r soname; do
            grep -qxF "$soname" /own || echo "$soname ${module%%.*}"
        done
    done | LC_ALL=C sort -u | while read -r soname module; do
        package=$(owner "$soname")
        if [ -z "$package" ]; then
            echo "no package of the build root has $soname" >&2
            exit 1
        fi
        echo "$package $module"
    done | LC_ALL=C sort -u > "/needs/$part"
done
EOF


# Its parts, and which packages the files of each part need.
FROM compiled AS python
RUN --network=none \
    --mount=type=bind,from=recipe-parts,source=/recipe,target=/recipe \
    --mount=type=bind,from=inputs,target=/from \
    sh /recipe/image-parts.sh

FROM scratch AS recipe-image
COPY <<"EOF" /recipe/image-packages.sh
#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Install or download packages with apt, and leave nothing of apt's own work behind.
#
#   image-packages install NAME…    install, and bring what is there already to the locked versions
#   image-packages download NAME…   only download, into /download
#
#   IW_PARTS             parts of the interpreter whose libraries are installed too, by
#                        /needs/PART (see image-parts.sh); none if empty
#   IW_OPTIONAL          extension modules whose libraries are left out
#   /recipe/packages.*   NAME=VERSION, one or more on a line: all that may be installed,
#                        of every architecture or of one; without one, whatever the archive has
#   /recipe/archives     ARCHITECTURES VARIABLE SUITE COMPONENTS: where packages come from,
#                        if the variable has an address; else the root's own apt sources are asked
#   /packages            a directory with packages and their index, asked instead of any archive
#   /cache               lists and packages that were downloaded before; may be empty
set -eu
umask 022

conf=$(mktemp -d)
trap 'rm -rf "$conf"' EXIT
architecture=$(dpkg --print-architecture)

# Which archive: a directory, addresses that were said, or the root's own.
if [ -e /packages/Packages ]; then
    echo 'deb [trusted=yes] file:/packages ./' > "$conf/sources"
elif [ -e /recipe/archives ]; then
    while read -r architectures variable suite components; do
        case ",$architectures," in
            *,any,* | *",$architecture,"*) ;;
            *) continue ;;
        esac
        eval "address=\${$variable:-}"
        if [ -n "$address" ]; then
            echo "deb $address $suite $components" >> "$conf/sources"
        fi
    done < /recipe/archives
fi

# Which versions: what the lock has, and nothing else.
locked=
for file in "/recipe/packages.any" "/recipe/packages.$architecture"; do
    [ ! -e "$file" ] || locked="$locked $(cat "$file")"
done
for package in $locked; do
    printf 'Package: %s\nPin: version %s\nPin-Priority: 1001\n\n' "${package%%=*}" "${package#*=}"
done > "$conf/preferences"
if [ -n "$locked" ]; then
    printf 'Package: *\nPin: release *\nPin-Priority: -1\n' >> "$conf/preferences"
fi

mkdir -p /cache/lists/partial /cache/archives/partial
cat > "$conf/apt.conf" << END
APT::Get::Assume-Yes "true";
APT::Get::allow-downgrades "true";
APT::Install-Recommends "false";
APT::Keep-Downloaded-Packages "true";
APT::Sandbox::User "root";
Acquire::GzipIndexes "false";
Acquire::Languages "none";
Dir::Cache::archives "/cache/archives";
Dir::Cache::pkgcache "";
Dir::Cache::srcpkgcache "";
Dir::Etc::preferences "$conf/preferences";
Dir::Etc::preferencesparts "/dev/null";
Dir::Log "$conf";
Dir::State::lists "/cache/lists";
Dpkg::Use-Pty "0";
END
if [ -e "$conf/sources" ]; then
    cat >> "$conf/apt.conf" << END
Dir::Etc::sourcelist "$conf/sources";
Dir::Etc::sourceparts "/dev/null";
END
fi
export APT_CONFIG="$conf/apt.conf" DEBIAN_FRONTEND=noninteractive DEBCONF_NONINTERACTIVE_SEEN=true
export LC_ALL=C.UTF-8 PERL_HASH_SEED=0 PERL_PERTURB_KEYS=0 PYTHONHASHSEED=0 TZ=UTC

installed() {
    [ "$(dpkg-query --show --showformat='${db:Status-Abbrev}' "$1" 2> /dev/null)" = 'ii ' ]
}

# The packages with libraries that the interpreter needs. What the root has already is not
# asked for: apt would take it for somebody's wish.
needed() {
    for part in ${IW_PARTS:-}; do
        [ ! -e "/needs/$part" ] || cat "/needs/$part"
    done | while read -r package module; do
        case " ${IW_OPTIONAL:-} " in
            *" $module "*) ;;
            *) installed "$package" || echo "$package" ;;
        esac
    done | LC_ALL=C sort -u
}

# apt notes what came along in the order in which it dealt with it, which says nothing.
sorted() {
    awk 'BEGIN { RS = ""; FS = "\n"; OFS = "\001" } { $1 = $1; print }' "$1" | LC_ALL=C sort |
        awk 'BEGIN { FS = "\001"; OFS = "\n"; ORS = "\n\n" } { $1 = $1; print }' > "$conf/sorted"
    cat "$conf/sorted" > "$1"
}

verb=$1
shift
case $verb in
    install)
        apt-get --quiet update
        [ -z "$locked" ] || apt-get --quiet dist-upgrade
        # shellcheck disable=SC2046 # one word per package, on purpose
        apt-get --quiet install "$@" $(needed)
        [ ! -e /var/lib/apt/extended_states ] || sorted /var/lib/apt/extended_states
        ;;
    download)
        apt-get --quiet update
        mkdir -p /download
        cd /download
        apt-get --quiet download "$@"
        ;;
    *)
        echo "image-packages: unknown word $verb" >&2
        exit 2
        ;;
esac
EOF

COPY <<"EOF" /recipe/image-tidy.sh
#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# The end of an installation: libraries are made known, and what tells when and how it
# was done goes.
set -eu

ldconfig

# Backups, logs, caches, and what every container has of its own.
find / -xdev -mindepth 2 -depth \( \
    -path '/var/lib/dpkg/*-old' -o \
    -path '/var/cache/debconf/*-old' -o \
    -path '/var/lib/ucf/*.[0-9]' -o \
    -path '/etc/passwd-' -o \
    -path '/etc/group-' -o \
    -path '/etc/shadow-' -o \
    -path '/etc/gshadow-' -o \
    -path '/etc/subuid-' -o \
    -path '/etc/subgid-' -o \
    -path '/var/cache/ldconfig/aux-cache' -o \
    -path '/var/cache/apt/*.bin' -o \
    -path '/var/cache/apt/archives/*.deb' -o \
    -path '/var/cache/fontconfig/*' -o \
    -path '/var/cache/man/*' -o \
    -path '/var/lib/apt/lists/?*_*' -o \
    -path '/var/lib/dbus/machine-id' -o \
    -path '/var/lib/systemd/random-seed' -o \
    -path '/var/log/dpkg.log' -o \
    -path '/var/log/alternatives.log' -o \
    -path '/var/log/bootstrap.log' -o \
    -path '/var/log/fontconfig.log' -o \
    -path '/var/log/apt/*' -o \
    -path '/usr/*.cpython-3[0-9].pyc' -o \
    -path '/usr/*.cpython-310.pyc' -o \
    -path '/run/*' -o \
    -path '/tmp/*' -o \
    -path '/var/tmp/*' -o \
    -path '/dev/*' \
    \) ! -path '/run/lock' ! -path '/run/.containerenv' ! -path '/run/secrets' ! -path '/run/secrets/*' -delete

# Files that stay, without content.
for file in \
    /etc/machine-id \
    /var/log/faillog \
    /var/log/lastlog \
    ; do
    if [ -s "$file" ]; then
        : > "$file"
    fi
done
EOF

COPY <<"EOF" /recipe/archives
any DEBIAN_MIRROR trixie main
any DEBIAN_MIRROR trixie-updates main
any DEBIAN_SECURITY_MIRROR trixie-security main
EOF


# The distribution's own root.
FROM debian:trixie-slim AS base

# The image. The interpreter's parts are layers of their own.
FROM base AS image

ENV PATH=/usr/local/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    GPG_KEY=7169605F62C751356D054A26A821E680E5FA6305 \
    PYTHON_VERSION=3.13.15 \
    PYTHON_SHA256=1e66a7945a48390ee4c2a4268a0e4185884059a13c4aab6d148aa208deea4a76

COPY --from=python /parts/interpreter/ /
COPY --from=python /parts/development/ /
COPY --from=python /parts/installers/ /
COPY --from=python /parts/extras/ /

ARG DEBIAN_MIRROR
ARG DEBIAN_SECURITY_MIRROR

# Packages with the libraries that the interpreter was linked with, as its own files say, and others. Lists
# and archives stay in the cache, logs and backups go: nothing of the installation is left.
RUN --mount=type=bind,from=recipe-image,source=/recipe,target=/recipe \
    --mount=type=bind,from=packages,target=/packages \
    --mount=type=cache,id=imagewright-packages,target=/cache,sharing=locked \
    --mount=type=bind,from=python,source=/needs,target=/needs \
    IW_PARTS='interpreter development installers extras' \
    IW_OPTIONAL=_tkinter \
    SOURCE_DATE_EPOCH=1785932743 \
    sh /recipe/image-packages.sh install \
        # TLS with the public certificate authorities
        ca-certificates \
        # names of protocols and services, which socket.getservbyname looks up
        netbase \
        # time zones for zoneinfo
        tzdata \
    && sh /recipe/image-tidy.sh

CMD ["python3"]
