# SPDX-License-Identifier: Apache-2.0
"""The real sandbox, as root and as an ordinary user with subordinate ids, on a root that holds one busybox."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from imagewright.errors import MachineError
from imagewright.model.sandboxing import OverlayRoot, SandboxRequest
from imagewright.sandbox.runner import NamespaceSandbox
from support.jails import RUNNER, Jail, snapshot
from support.machine import (
    Person,
    busybox_root,
    ordinary_person,
    root_person,
)

pytestmark = pytest.mark.integration

# ---- what is seen from inside


def test_no_processes_of_the_machine(jail: Jail) -> None:
    listed = jail.shell("for p in /proc/[0-9]*; do echo ${p#/proc/}; done").split()
    assert set(listed) <= {"1", "2", "3"}
    assert jail.shell("echo $$").strip() == "2"


def test_no_network_but_an_own_loopback(jail: Jail) -> None:
    assert [line.split(":")[0].strip() for line in jail("cat", "/proc/net/dev").splitlines()[2:]] == ["lo"]
    assert "unreachable" in jail.shell("nc -w 2 192.0.2.1 80 </dev/null", status=1)
    assert "unreachable" in jail.shell("ping -c 1 -W 1 192.0.2.1", status=1)
    talk = """
    echo hello >/tmp/say
    nc -l -p 7 >/tmp/heard &
    for attempt in $(seq 100); do nc -w 5 127.0.0.1 7 </tmp/say 2>/dev/null && break; sleep 0.1; done
    wait
    cat /tmp/heard
    """
    assert jail.shell(talk).strip() == "hello"


def test_no_files_of_the_machine(jail: Jail) -> None:
    assert set(jail("ls", "-A", "/").split()) == {"bin", "dev", "etc", "proc", "run", "sys", "tmp", "usr"}
    assert jail("cat", "/etc/secret-of-the-image") == "inside\n"
    for path in ("/etc/hostname", "/root", "/home", "/var", str(jail.place)):
        assert "No such file" in jail("ls", path, status=1)
    assert jail("ls", "-A", "/sys") == ""
    assert jail("ls", "-A", "/run") == "lock\n"
    devices = "fd full null ptmx pts random shm stderr stdin stdout tty urandom zero"
    assert jail("ls", "-A", "/dev").split() == devices.split()


def test_devices_work(jail: Jail) -> None:
    script = (
        "head -c 3 /dev/zero | wc -c; head -c 5 /dev/urandom | wc -c; echo x >/dev/null; cat /dev/null | wc -c"
    )
    assert jail.shell(script).split() == ["3", "5", "0"]
    assert "No space left" in jail.shell("echo x >/dev/full", status=1)


def test_layers_are_never_written(jail: Jail) -> None:
    before = snapshot(jail.base)
    script = (
        "echo changed >/etc/secret-of-the-image; rm -r /usr /bin/ls; mkdir /usr; touch /new; chmod 0 /etc; ls /"
    )
    assert jail.shell(script.replace("; ls /", "; echo *"), directory="/").split()[-1] == "usr"
    assert snapshot(jail.base) == before
    assert jail("cat", "/etc/secret-of-the-image") == "inside\n"


def test_a_layer_s_directory_can_be_replaced_in_memory(jail: Jail) -> None:
    assert jail.shell("rm -r /etc && mkdir /etc && ls -A /etc && mv /usr /usr2 && ls -d /usr*") == "/usr2\n"


@pytest.mark.parametrize(
    "script",
    [
        "mknod /tmp/disk b 254 0",
        "mknod /tmp/null c 1 3",
        "mount -t tmpfs none /tmp",
        "mount -t proc none /tmp",
        "mount -o remount,rw /proc/sys",
        "umount /proc/sys",
        "echo other >/proc/sys/kernel/hostname",
        "echo 1 >/proc/sys/vm/drop_caches",
        "echo h >/proc/sysrq-trigger",
        "unshare -U -r -m umount /proc/sys",
        "unshare -U -r -m mount -t proc none /tmp",
        "hostname other",
        "chroot /proc/1/root true",
        "readlink /proc/1/fd/0",
        "cat /proc/1/environ",
        "kill -9 1; kill -0 1 && exit 1",
        "test -s /proc/kcore",
        "test -s /proc/keys",
        "swapoff -a",
        "insmod /etc/secret-of-the-image",
        "nice -n -5 true",
        "touch /sys/here",
    ],
)
def test_root_inside_has_no_power(jail: Jail, script: str) -> None:
    process = jail.person.popen(jail.line("sh", "-c", script), stderr=subprocess.STDOUT)
    output = process.communicate(timeout=60)[0].decode()
    assert process.returncode != 0, output


def test_root_inside_can_do_what_maintainer_scripts_do(jail: Jail) -> None:
    script = """set -e
    touch /tmp/a; chown 33:65534 /tmp/a; stat -c %u:%g /tmp/a
    chmod 4755 /tmp/a; stat -c %a /tmp/a
    mkfifo /tmp/p; ln -s a /tmp/l; ln /tmp/a /tmp/h; mkdir -m 1777 /tmp/d; stat -c %a /tmp/d
    chroot / /bin/true
    setuidgid 2>/dev/null || true
    """
    assert jail.shell(script, status=0).split() == ["33:65534", "4755", "1777"]


def test_the_process_is_as_asked(jail: Jail) -> None:
    assert jail("hostname", hostname="somewhere").strip() == "somewhere"
    assert jail("sh", "-c", "umask").strip() == "0022"
    assert jail("env", environment=[["PATH", "/bin"], ["B", "2 3"], ["A", ""]]).splitlines() == [
        "PATH=/bin",
        "B=2 3",
        "A=",
    ]
    assert jail("pwd", directory="/usr").strip() == "/usr"
    assert jail("sh", "-c", "ulimit -c; ulimit -n; ulimit -s").split() == ["0", "1024", "8192"]
    assert jail("sh", "-c", "ulimit -n", limits=[["nofile", 64, 64]]).split() == ["64"]
    assert jail("readlink", "/proc/self/fd/0").strip() == "/dev/null"
    status = dict(line.split(":\t", 1) for line in jail("cat", "/proc/self/status").splitlines() if ":\t" in line)
    assert (status["NoNewPrivs"], status["CapInh"].strip("0"), status["CapAmb"].strip("0")) == ("1", "", "")
    assert status["CapEff"] == status["CapBnd"] == "00000000a80425fb"  # a container engine's default set


def test_another_user(jail: Jail) -> None:
    assert jail.shell("id -u; id -g; id -G", user=[1000, 50]).split() == ["1000", "50", "50"]
    lines = jail("grep", "-E", "^Cap(Prm|Eff)", "/proc/self/status", user=[1000, 50]).split()
    assert lines == ["CapPrm:", "0" * 16, "CapEff:", "0" * 16]
    assert "Permission denied" in jail("touch", "/new", user=[1000, 50], status=1)


def test_signals_are_default_whatever_the_parent_ignores(jail: Jail) -> None:
    ignored = (signal.SIGINT, signal.SIGQUIT, signal.SIGHUP, signal.SIGPIPE, signal.SIGCHLD, signal.SIGUSR1)

    def ignore() -> None:
        for number in ignored:
            signal.signal(number, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT})

    process = jail.person.popen(jail.line("cat", "/proc/self/status"), preexec_fn=ignore)
    lines = process.communicate(timeout=60)[0].decode().splitlines()
    masks = {
        line.split(":\t")[0]: int(line.split(":\t")[1], 16)
        for line in lines
        if line.startswith("Sig") and "Q" not in line
    }
    assert masks == {"SigPnd": 0, "SigBlk": 0, "SigIgn": 0, "SigCgt": 0}


def test_no_open_files_of_the_parent(jail: Jail, place: Path) -> None:
    with (place / "root/etc/secret-of-the-image").open() as secret:
        os.set_inheritable(secret.fileno(), True)
        process = jail.person.popen(jail.line("ls", "/proc/self/fd"), pass_fds=(secret.fileno(),))
        listed = process.communicate(timeout=60)[0].decode().split()
    assert listed == ["0", "1", "2", "3"]  # 3 is what ls reads


# ---- roots, layers and binds


def test_many_layers_with_awkward_names(jail: Jail, place: Path) -> None:
    layers = []
    for number in range(40):
        name = f"layers/{number:02} a:b,c\\d e=f'{'x' * 120}"
        layer = place / name
        layer.mkdir(parents=True, exist_ok=True)
        (layer / f"file-{number:02}").write_text(f"{number}\n")
        (layer / "top").write_text(f"{number}\n")
        layers.append(str(layer))
    assert sum(map(len, layers)) > 4096  # more than one page, which is all that mount(2) takes
    output = jail.shell("cat /top; cat /file-* | wc -l", lower=[*layers, str(jail.base)])
    assert output.split() == ["0", "40"]


def overlay(scratch: Path, jail: Jail) -> dict[str, object]:
    upper, work = jail.person.own(scratch / "up,per:1\\"), jail.person.own(scratch / "work")
    return {"lower": [str(jail.base)], "upper": str(upper), "work": str(work)}


def test_changes_land_in_the_upper_directory(jail: Jail, scratch: Path) -> None:
    where = overlay(scratch, jail)
    upper = Path(str(where["upper"]))
    jail.shell("echo one >/etc/new; rm /etc/secret-of-the-image; rm -r /usr; mkdir /usr; touch /usr/own", **where)
    assert sorted(str(path.relative_to(upper)) for path in upper.rglob("*")) == [
        "etc",
        "etc/new",
        "etc/secret-of-the-image",
        "usr",
        "usr/own",
    ]
    whiteout = (upper / "etc/secret-of-the-image").lstat()
    assert stat.S_ISCHR(whiteout.st_mode)
    assert whiteout.st_rdev == 0
    assert os.getxattr(upper / "usr", "user.overlay.opaque") == b"y"
    assert jail.shell("cat /etc/new; ls -A /usr /etc", **where).split() == ["one", "/etc:", "new", "/usr:", "own"]


def test_binds(jail: Jail, scratch: Path, person: Person) -> None:
    where = overlay(scratch, jail)
    source = person.own(scratch / "source")
    (source / "given").write_text("given\n")
    out = person.own(scratch / "out")
    binds = [
        {"source": str(source), "target": "/inputs/deep/er"},
        {"source": str(out), "target": "/out", "writable": True},
        {"source": str(source / "given"), "target": "/etc/one-file"},
    ]
    script = "cat /inputs/deep/er/given /etc/one-file; echo made >/out/made; cat /proc/mounts"
    output = jail.shell(script, binds=binds, **where)
    assert output.splitlines()[:2] == ["given", "given"]
    flags = {line.split()[1]: line.split()[3].split(",") for line in output.splitlines()[2:]}
    assert {"ro", "nosuid", "nodev"} <= set(flags["/inputs/deep/er"])
    assert {"rw", "nosuid", "nodev"} <= set(flags["/out"])
    assert {"rw", "nosuid", "nodev"} <= set(flags["/"])
    assert (out / "made").read_text() == "made\n"
    for attempt in ("echo x >/inputs/deep/er/given", "rm /inputs/deep/er/given", "echo x >/etc/one-file"):
        assert "Read-only file system" in jail.shell(attempt, status=1, binds=binds, **where)
    assert list(Path(str(where["upper"])).iterdir()) == []  # no mount points stay behind


def test_a_plain_root_is_changed_in_place_and_keeps_no_mount_points(
    jail: Jail, scratch: Path, person: Person
) -> None:
    tree = busybox_root(scratch / "tree")
    for path in (tree, *tree.iterdir()):
        os.chown(path, person.uid, person.gid)
    (tree / "sys").rmdir()
    binds = [
        {"source": "/etc", "target": "/made/for/it"},
        {"source": "/etc/hostname", "target": "/etc/one-file"},
        {"source": "/etc", "target": "/run/fresh"},
    ]
    where = {"plain": str(tree), "lower": [], "binds": binds}
    script = "echo in place >/etc/changed; ls /made/for/it/passwd /run/fresh/passwd; sleep 100 & exit 4"
    output = jail.shell(script, status=4, **where)
    assert output.split() == ["/made/for/it/passwd", "/run/fresh/passwd"]
    assert (tree / "etc/changed").read_text() == "in place\n"
    assert sorted(path.name for path in tree.iterdir()) == ["bin", "dev", "etc", "proc", "run", "tmp", "usr"]
    assert not (tree / "etc/one-file").exists()
    jail.shell("exit 0", **where)  # also when nobody is left who could be ended
    assert not (tree / "sys").exists()
    assert list((tree / "dev").iterdir()) == []


def test_tmpfs_and_binds_in_binds(jail: Jail, scratch: Path, person: Person) -> None:
    source = person.own(scratch / "source")
    person.own(source / "inner")
    (source / "inner/hidden").write_text("")
    fields = {"binds": [{"source": str(source), "target": "/srv"}], "tmpfs": ["/srv/inner", "/tmp", "/cache"]}
    output = jail.shell("ls -A /srv /srv/inner; touch /srv/inner/x; stat -c %a /tmp /cache", **fields)
    assert output.split() == ["/srv:", "inner", "/srv/inner:", "1777", "755"]
    message = jail.shell("true", status=125, **{**fields, "tmpfs": ["/srv/missing"]})
    assert "mount tmpfs on /srv/missing" in message
    assert not (source / "missing").exists()


def test_links_in_an_image_lead_nowhere_outside(jail: Jail, scratch: Path, person: Person) -> None:
    trap = scratch / "trap"
    trap.mkdir()
    outside = person.own(scratch / "outside")
    (trap / "data").symlink_to(outside)
    (trap / "mnt").symlink_to("../../../../../../.." + str(outside))
    lower = [str(trap), str(jail.base)]
    for target in ("/data/x", "/mnt/x", "/data", "/mnt"):
        message = jail.shell("true", status=125, lower=lower, binds=[{"source": "/etc", "target": target}])
        assert f"bind /etc on {target}" in message
    assert list(outside.iterdir()) == []
    (trap / "inner").symlink_to("/usr")
    output = jail.shell("ls /usr/passwd", lower=lower, binds=[{"source": "/etc", "target": "/inner"}])
    assert output == "/usr/passwd\n"


# ---- refusals


def test_someone_without_subordinate_ids_is_told(place: Path) -> None:
    root_person()
    person = ordinary_person()
    nobody = Person("nobody", 65534, 65534, person.python)
    assert "/etc/subuid has no line for nobody" in Jail(nobody, place)("true", status=125)
    process = nobody.popen([nobody.python, "-I", "-c", RUNNER, str(place), "true"], stderr=subprocess.PIPE)
    assert b"MachineError" in process.communicate(timeout=60)[1]


def test_forbidden_namespaces_are_told(place: Path) -> None:
    """In a user namespace of its own, where the setting can be changed without harm."""
    root_person()
    script = (
        "import sys; sys.path.insert(0, sys.argv[1]); from pathlib import Path;"
        "from imagewright.model.sandboxing import *; from imagewright.sandbox.runner import NamespaceSandbox;"
        "NamespaceSandbox().run(SandboxRequest(root=OverlayRoot((Path(sys.argv[1]),)), argv=('x',)), print)"
    )
    command = f'echo 0 >/proc/sys/user/max_user_namespaces; exec {sys.executable} -I -c "$0" {place}/code'
    line = ["unshare", "--user", "--map-root-user", "sh", "-c", command, script]
    done = subprocess.run(line, capture_output=True, text=True, check=False)
    assert "MachineError: The sandbox could not enter new namespaces: No space left on device" in done.stderr


def test_layers_that_are_not_there(root: OverlayRoot) -> None:
    missing = SandboxRequest(root=OverlayRoot((Path("/nowhere/at/all"), *root.lower)), argv=("true",))
    with pytest.raises(MachineError, match=r"make the root from layers /nowhere/at/all.*No such file") as caught:
        NamespaceSandbox().run(missing, lambda _: None)
    assert caught.value.code == 6


def test_a_python_that_is_not_there(root: OverlayRoot) -> None:
    with pytest.raises(MachineError, match="could not start /nowhere/python"):
        NamespaceSandbox(python="/nowhere/python").run(SandboxRequest(root=root, argv=("true",)), lambda _: None)


@pytest.mark.parametrize("request_text", ["{}", '{"argv": ["x"], "plain": "relative"}', "/nowhere"])
def test_bad_requests_to_the_program(place: Path, request_text: str) -> None:
    program = str(place / "code/imagewright/sandbox/jail.py")
    done = subprocess.run(
        [sys.executable, "-I", program, "--request", request_text], capture_output=True, check=False
    )
    assert (done.returncode, done.stderr[:6]) == (2, b"jail: ")
    done = subprocess.run([sys.executable, "-I", program], capture_output=True, check=False)
    assert (done.returncode, done.stderr[:6]) == (2, b"usage:")
