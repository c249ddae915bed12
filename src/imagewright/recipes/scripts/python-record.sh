#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Have the Makefile and sysconfig's data say what they say after a native build.
#
#   IW_TRIPLET   the triplet of the machine that will run Python
#
# configure gives some variables other values when it compiles across. None of them
# is of use to who reads an installed Makefile; the original is kept as
# Makefile.cross for what is left of the build.
set -eu

echo "::phase record"
cd /usr/src/python
cp -p Makefile Makefile.cross

# A variable that this release does not have stays away.
restore() {
    sed -i "s|^\($1[?]\{0,1\}=\)\([[:space:]]*\).*|\1\2$2|" Makefile
}
# shellcheck disable=SC2016 # make expands these
{
    restore PYTHON_FOR_BUILD './$(BUILDPYTHON) -E'
    restore PYTHON_FOR_BUILD_DEPS '$(BUILDPYTHON)'
    restore FREEZE_MODULE '$(PYTHON_FOR_FREEZE) $(srcdir)/Programs/_freeze_module.py'
    restore FREEZE_MODULE_DEPS '_bootstrap_python $(srcdir)/Programs/_freeze_module.py'
}
restore RUNSHARED 'LD_LIBRARY_PATH=/usr/src/python'
restore PYTHON_FOR_REGEN python3
restore PYTHON_FOR_FREEZE ./_bootstrap_python
restore FREEZE_MODULE_BOOTSTRAP ./Programs/_freeze_module
restore FREEZE_MODULE_BOOTSTRAP_DEPS Programs/_freeze_module
restore _PYTHON_HOST_PLATFORM ''
host=$(sed -n 's/^HOST_GNU_TYPE=[[:space:]]*//p' Makefile)
restore BUILD_GNU_TYPE "$host"
# The arguments: without those of cross-compiling, with the alias of a native build.
sed -i "/^CONFIG_ARGS=/ {
    s| '--build=[^']*' '--host=[^']*' '--with-build-python'||
    s| 'build_alias=[^']*'| 'build_alias=$IW_TRIPLET'|
    s| 'host_alias=[^']*'||
}" Makefile
touch -r Makefile.cross Makefile

# The generator reads "Makefile", whatever make itself reads.
rm pybuilddir.txt
make -f Makefile.cross FREEZE_MODULE_BOOTSTRAP_DEPS= FREEZE_MODULE_DEPS= pybuilddir.txt
