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
