#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Give the cross tools their plain names, so that nothing records that they are some.
#
#   IW_TRIPLET   the triplet of the machine that will run Python, as directories
#                have it
#   IW_TOOLS     the same, as the tools are named by it (they differ for i386)
#
# The scripts that follow have /cross/bin first in their PATH.
set -eu

echo "::phase cross tools"
mkdir -p /cross/bin
for tool in as gcc gcc-ar gcc-nm gcc-ranlib ld objcopy objdump readelf strip; do
    ln -s "/usr/bin/$IW_TOOLS-$tool" "/cross/bin/$tool"
done
# Those that read objects of link-time optimisation need gcc's plugin for them, which
# binutils finds by itself for the machine's own compiler only.
for tool in ar nm ranlib; do
    printf '#!/bin/sh\nexec /usr/bin/%s-gcc-%s "$@"\n' "$IW_TOOLS" "$tool" > "/cross/bin/$tool"
    chmod 755 "/cross/bin/$tool"
done
cat > /cross/bin/pkg-config << END
#!/bin/sh
# Where the linker looks by itself needs no -L, which would be recorded.
export PKG_CONFIG_LIBDIR=/usr/lib/$IW_TRIPLET/pkgconfig:/usr/share/pkgconfig
export PKG_CONFIG_SYSTEM_LIBRARY_PATH=/usr/lib/$IW_TRIPLET:/usr/lib
exec /usr/bin/pkg-config "\$@"
END
chmod 755 /cross/bin/pkg-config
gcc --version
