# SPDX-License-Identifier: Apache-2.0
"""apt-get installs a package from an archive made on the spot, and a slim image stays slim."""

from __future__ import absolute_import, division, print_function

import glob
import hashlib
import os

from verdict import need, passed, run

HERE = "/tmp/archive"
NAME = "imagewright-hello"
CONTROL = (
    "Package: %s\nVersion: 1\nArchitecture: all\nMaintainer: nobody <nobody@example.org>\n"
    "Depends: libc6\nDescription: says hello\n" % NAME
)
FILES = (
    ("DEBIAN/control", 0o644, CONTROL),
    ("DEBIAN/postinst", 0o755, "#!/bin/sh\nset -e\necho configured > /var/lib/imagewright-hello\n"),
    ("usr/bin/" + NAME, 0o755, "#!/bin/sh\necho 'Hello, world!'\n"),
    ("usr/share/man/man1/%s.1" % NAME, 0o644, ".TH HELLO 1\n"),
)

for path, mode, text in FILES:
    place = os.path.join(HERE, "package", path)
    if not os.path.isdir(os.path.dirname(place)):
        os.makedirs(os.path.dirname(place))
    with open(place, "w") as file:
        file.write(text)
    os.chmod(place, mode)
deb = os.path.join(HERE, NAME + ".deb")
run("dpkg-deb", "--build", os.path.join(HERE, "package"), deb)
with open(deb, "rb") as file:
    content = file.read()
with open(os.path.join(HERE, "Packages"), "w") as file:
    digest = hashlib.sha256(content).hexdigest()
    file.write("%sFilename: ./%s.deb\nSize: %d\nSHA256: %s\n\n" % (CONTROL, NAME, len(content), digest))
for path in glob.glob("/etc/apt/sources.list.d/*"):
    os.unlink(path)
with open("/etc/apt/sources.list", "w") as sources:
    sources.write("deb [trusted=yes] file:%s ./\n" % HERE)
run("apt-get", "update", "-qq", "-o", "APT::Update::Error-Mode=any", DEBIAN_FRONTEND="noninteractive")
run("apt-get", "install", "-qq", "--yes", NAME, DEBIAN_FRONTEND="noninteractive")
need(run(NAME).strip() == "Hello, world!", "%s says something else" % NAME)
need(os.path.exists("/var/lib/imagewright-hello"), "the package's script did not run")
kept = glob.glob("/var/cache/apt/archives/*.deb")
need(not kept, "downloads are kept: %s" % kept)
if os.path.exists("/etc/dpkg/dpkg.cfg.d/docker"):
    need(not glob.glob("/usr/share/man/man1/%s*" % NAME), "documentation is installed")
run("apt-get", "purge", "-qq", "--yes", NAME, DEBIAN_FRONTEND="noninteractive")
passed("%s from an archive made here" % NAME)
