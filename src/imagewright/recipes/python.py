# SPDX-License-Identifier: Apache-2.0
"""How CPython is compiled: which scripts run in the build root, and with what environment.

Nothing here runs anything. A recipe is a tuple of :class:`~imagewright.model.plan.Script`; the engine runs them
one after the other on one overlay of the build root, and a Dockerfile prints them. The scripts are in
``scripts/python-*.sh`` and know only their environment, ``/inputs``, ``/usr/src/python`` and ``/out``; whoever
runs them adds ``IW_JOBS``, which must not change a byte of the result.

The choices are explained, with measurements, in ``docs/explanation/interpreter.md``.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib import resources

from imagewright.model.images import Bytecode, Flavour, Profile
from imagewright.model.plan import Script
from imagewright.recipes import alpine, cross
from imagewright.recipes.parts import WITHOUT_BYTECODE

REVISION = 1
"""Goes into the id of the compile step, for changes that neither texts nor environments show."""

PROFILE_INPUT = "profile.tar.xz"
"""The name under which a stored training profile is shown in ``/inputs``."""

PROFILE_OUTPUT = "profile.tar.xz"
"""The name under which training leaves its result in ``/out``."""

PATCH_INPUT = "patch-{number}"
"""The names under which patches are shown in ``/inputs``, counted from 1."""

_CONFIGURE = 'echo "::phase configure"\n'
"""Where patches come in: the source is there, and nothing was made of it yet."""

_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

_HARDENING = (
    # What Debian's dpkg-buildflags asks for, minus its -O2, which would come after CPython's -O3 and win.
    "-fstack-protector-strong",
    "-fstack-clash-protection",
    "-Wformat",
    "-Werror=format-security",
    "-D_FORTIFY_SOURCE=2",
)

_BRANCH_PROTECTION = {"x86_64": "-fcf-protection", "aarch64": "-mbranch-protection=standard"}
"""Control-flow protection, by the triplet's processor."""

_FRAME_POINTERS = {
    "x86_64": ("-fno-omit-frame-pointer", "-mno-omit-leaf-frame-pointer"),
    "aarch64": ("-fno-omit-frame-pointer", "-mno-omit-leaf-frame-pointer"),
}
"""For profilers that walk the stack. Elsewhere, gcc knows no option for leaf functions."""

_LINKING = (
    "-Wl,-z,relro",
    "-Wl,-z,now",
    "-Wl,--build-id=sha1",  # Debian's gcc does so by itself; debug files are named by it
)

_INTERPOSITION = "-fno-semantic-interposition"
"""Nobody replaces single functions of libpython; without this, position-independent code may not inline them."""

_PROFILE_USE = (
    "-fprofile-use",
    "-fprofile-correction",  # threads may have lost counts
)

_EXTRA_TESTS = (
    "test_asyncgen",
    "test_coroutines",
    "test_copy",
    "test_csv",
    "test_deque",
    "test_dict",
    "test_enum",
    "test_grammar",
    "test_list",
    "test_string",
    "test_urlparse",
    "test_zlib",
)
"""Regression tests to train with besides CPython's own selection: coroutines and containers are not in it."""

_PROGRAMS = ("arithmetic", "concurrency", "objects", "text")
_PROGRAMS_SINCE = (((3, 10), "matching"),)
"""Programs of ``recipes/training`` to train with."""

_ROUNDS = 30
"""How often each of them runs: half as long, all together, as the regression tests."""

_TRAIN = 'echo "::phase train"\n'
"""Before what the programs are written into the build root."""

_BUILTIN = (
    "_asyncio _bisect _blake2 _contextvars _csv _datetime _decimal _elementtree _heapq _json _lsprof _md5"
    " _multiprocessing _opcode _pickle _posixshmem _posixsubprocess _queue _random _sha1 _sha2 _sha3 _socket"
    " _statistics _struct _zoneinfo array cmath fcntl grp math mmap pyexpat resource select syslog termios"
)
"""Extension modules that become part of the executable, as words.

They need no library (binascii would bring zlib's), and are small; unicodedata and the codecs of Asia are not.
"""

_TESTS_2 = (
    "test_array test_base64 test_binascii test_binop test_bisect test_bytes test_cmath test_codecs"
    " test_collections test_complex test_copy test_cpickle test_csv test_datetime test_decimal test_deque"
    " test_dict test_difflib test_email test_float test_functools test_generators test_grammar test_hashlib"
    " test_heapq test_int test_itertools test_list test_long test_math test_memoryio test_operator"
    " test_pickle test_pprint test_re test_set test_sqlite test_str test_string test_struct test_time test_unicode"
    " test_urlparse test_xml_etree test_xml_etree_c test_zlib"
)
"""Regression tests to train Python 2 with, as words: those of the later selection that it has, and more.

Not test_bz2 and test_json, which fail in an interpreter with counters.
"""

_MODULES = (
    "_asyncio _bisect _bz2 _codecs_jp _csv _ctypes _curses _curses_panel _datetime _dbm _decimal _elementtree"
    " _gdbm _hashlib _heapq _json _lsprof _lzma _md5 _multibytecodec _multiprocessing _pickle _posixsubprocess"
    " _queue _random _sha3 _socket _sqlite3 _ssl _struct _tkinter array binascii cmath fcntl grp math mmap"
    " pyexpat readline resource select syslog termios unicodedata zlib"
)
"""Extension modules of every Python 3 we build, as words."""

_MODULES_SINCE = (
    ((3, 7), "_blake2 _contextvars _uuid"),
    ((3, 8), "_posixshmem _statistics"),
    ((3, 9), "_zoneinfo"),
    ((3, 14), "_zstd"),
)

_MODULES_2 = (
    "_bisect _bsddb _csv _ctypes _curses _curses_panel _elementtree _functools _hashlib _heapq _io _json _lsprof"
    " _multiprocessing _random _socket _sqlite3 _ssl _struct _tkinter array binascii bz2 cPickle cStringIO"
    " datetime dbm fcntl gdbm grp itertools math mmap operator pyexpat readline resource select strop syslog"
    " termios time unicodedata zlib"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Compilation:
    """One interpreter to compile.

    ``source`` is the source archive's file name in ``/inputs``, ``triplet`` the GNU triplet, ``epoch`` seconds
    (SOURCE_DATE_EPOCH: the release's date is a good choice). ``build_triplet`` is that of the machine where it
    does not run what it makes ("" where it does). ``trained`` says that a stored profile will be in ``/inputs``;
    a release build without one is optimised without counts. ``wheels`` are file names of
    wheels in ``/inputs`` to install besides pip; ``patches`` are to be applied, ``/inputs/patch-1`` first.
    ``musl`` says that the C library is that one, ``absent`` which extension modules need not be there.
    """

    release: str
    source: str
    triplet: str
    epoch: int
    profile: Profile = Profile.RELEASE
    flavour: Flavour = Flavour.DEFAULT
    trained: bool = False
    bytecode: Bytecode = Bytecode.STDLIB
    frame_pointers: bool = False
    wheels: tuple[str, ...] = ()
    extra_configure: tuple[str, ...] = ()
    patches: int = 0
    build_triplet: str = ""
    musl: bool = False
    absent: tuple[str, ...] = ()

    @property
    def series(self) -> str:
        """``3.13`` of ``3.13.15`` and of ``3.13.0rc1``."""
        return ".".join(self.release.split(".")[:2])

    @property
    def version(self) -> tuple[int, int]:
        """``(3, 13)``."""
        major, minor = self.series.split(".")
        return int(major), int(minor)

    @property
    def directory(self) -> str:
        """What follows ``python`` in file names: ``3.13``, ``3.14t``. A debug build's directory has no letter."""
        return f"{self.series}t" if self.flavour is Flavour.FREE_THREADED else self.series


def compile_scripts(wanted: Compilation) -> tuple[Script, ...]:
    """The scripts that leave the install tree in ``/out/tree`` and its debug files in ``/out/debug``."""
    optimised = wanted.profile is Profile.RELEASE
    names = ["prepare", *(["bootstrap"] if optimised else []), "builtin", "compile", "install", "finish"]
    environment = {
        "prepare": _preparation(wanted, tests=False),
        "builtin": {"IW_BUILTIN": _builtin(wanted)},
        "compile": {
            "IW_PGO": "use" if optimised and wanted.trained else "none",
            "IW_LTO": "yes" if optimised else "no",
            "IW_PYTHON2": _python2(wanted),
            "IW_CFLAGS": " ".join(compiler_flags(wanted)),
            "IW_LDFLAGS": " ".join(linker_flags(wanted)),
        },
        "install": {
            "IW_SERIES": wanted.directory,
            "IW_PYTHON": "./python",
            "IW_MAKEFILE": "Makefile",
            "IW_WHEELS": " ".join(wanted.wheels),
            "IW_BYTECODE": wanted.bytecode.value,
            "IW_PLAIN": " ".join(WITHOUT_BYTECODE),
        },
        "finish": {"IW_SERIES": wanted.directory, "IW_MODULES": " ".join(required_modules(wanted))},
    }
    if wanted.build_triplet:
        _across(names, environment, wanted)
    return tuple(_script(name, wanted, environment.get(name, {})) for name in names)


def training_scripts(wanted: Compilation) -> tuple[Script, ...]:
    """The scripts that leave a profile of the release in ``/out/profile.tar.xz``.

    Training has no link-time optimisation, which comes after the counters are placed and would only cost time.
    All other flags must be those of :func:`compile_scripts`, or gcc finds that functions and counts differ.
    """
    environment = {
        "IW_CFLAGS": " ".join((*_common_flags(wanted), "-fprofile-generate")),
        "IW_LDFLAGS": " ".join((*_LINKING, "-fprofile-generate")),
        "IW_TESTS": _TESTS_2 if wanted.version < (3, 0) else " ".join(_EXTRA_TESTS),
        "IW_PROGRAMS": " ".join(training_programs(wanted)),
        "IW_ROUNDS": str(_ROUNDS),
        "IW_PYTHON2": _python2(wanted),
    }
    return (
        _script("prepare", wanted, _preparation(wanted, tests=True)),
        _script("builtin", wanted, {"IW_BUILTIN": _builtin(wanted)}),
        _script("train", wanted, environment),
    )


def compiler_flags(wanted: Compilation) -> tuple[str, ...]:
    """What the compiler gets beyond configure's own flags (which hold ``-O3 -g``), for the final build."""
    flags = _common_flags(wanted)
    if wanted.version < (3, 12):
        # distutils compiles the extension modules there, from absolute paths, which __FILE__ would repeat.
        flags = (*flags, "-fmacro-prefix-map=/usr/src/python/=")
    if wanted.profile is Profile.QUICK:
        # Half the time of -O2, and no debug information to write. Fortification wants some optimisation.
        return (*flags, "-O1", "-g0")
    return (*flags, "-flto", *_PROFILE_USE) if wanted.trained else (*flags, "-flto")


def linker_flags(wanted: Compilation) -> tuple[str, ...]:
    """What the linker gets beyond configure's own flags, for the final build; none of it is recorded."""
    return (*_LINKING, alpine.STACK_LINKING) if wanted.musl else _LINKING


def required_modules(wanted: Compilation) -> tuple[str, ...]:
    """Extension modules whose absence fails the build."""
    if wanted.version < (3, 0):
        return tuple(_MODULES_2.split())
    words = _MODULES.split()
    for since, more in _MODULES_SINCE:
        if wanted.version >= since:
            words += more.split()
    return tuple(sorted(set(words) - set(wanted.absent)))


def training_programs(wanted: Compilation) -> tuple[str, ...]:
    """Names of the programs in ``recipes/training`` that the release can run."""
    if wanted.version < (3, 0):
        return ()
    since = (name for version, name in _PROGRAMS_SINCE if wanted.version >= version)
    return tuple(sorted((*_PROGRAMS, *since)))


def _common_flags(wanted: Compilation) -> tuple[str, ...]:
    processor = wanted.triplet.partition("-")[0]
    flags = [_INTERPOSITION, *_HARDENING]
    if processor in _BRANCH_PROTECTION:
        flags.append(_BRANCH_PROTECTION[processor])
    if wanted.version < (3, 0):
        # gcc 10 (bullseye) with -fno-semantic-interposition takes Py_Exit, which only finalises and exits, for a
        # function without effect, and leaves the call out: every sys.exit() ends with status 1.
        flags.append("-fno-ipa-pure-const")
    if wanted.musl:
        flags.append(alpine.STACK_FLAG)
    if wanted.frame_pointers:
        flags += _FRAME_POINTERS.get(processor, ("-fno-omit-frame-pointer",))
    return tuple(flags)


def _preparation(wanted: Compilation, *, tests: bool) -> dict[str, str]:
    patches = {"IW_PATCHES": " ".join(map(str, range(1, wanted.patches + 1)))} if wanted.patches else {}
    return {
        **patches,
        "IW_PYTHON2": _python2(wanted),
        "IW_SOURCE": wanted.source,
        "IW_TRIPLET": wanted.triplet,
        "IW_CONFIGURE": " ".join(_configure(wanted, tests=tests)),
    }


def _builtin(wanted: Compilation) -> str:
    """Modules that become part of the executable. Older releases have no list that says how each is built."""
    return _BUILTIN if wanted.version >= (3, 11) else ""


def _across(names: list[str], environment: dict[str, dict[str, str]], wanted: Compilation) -> None:
    """Have the scripts compile for another processor than the machine's."""
    names.insert(0, "cross")
    names.insert(names.index("install"), "record")
    environment["cross"] = cross.tools_environment(wanted.triplet)
    environment["record"] = {"IW_TRIPLET": wanted.triplet}
    environment["prepare"].update(cross.answers(wanted.triplet))
    environment["install"].update({"IW_PYTHON": f"python{wanted.series}", "IW_MAKEFILE": "Makefile.cross"})


def _configure(wanted: Compilation, *, tests: bool) -> tuple[str, ...]:
    """Arguments of configure that depend on the release; unknown ones would be errors."""
    across = cross.configure_arguments(wanted.build_triplet, wanted.triplet) if wanted.build_triplet else ()
    arguments = [
        # Berkeley DB for dbm.ndbm, as in the official images; gdbm has an interface of its own.
        "--with-dbmliborder=bdb:gdbm",
        # On record only: python-install.sh installs pip itself, without compiling it.
        "--with-ensurepip",
    ]
    if wanted.version < (3, 0):
        arguments.append("--enable-unicode=ucs4")
    else:
        arguments.append("--enable-loadable-sqlite-extensions")
    if wanted.version >= (3, 10):
        arguments.append("--without-static-libpython")
        if not tests:
            arguments.append("--disable-test-modules")
    if wanted.flavour is Flavour.FREE_THREADED:
        arguments.append("--disable-gil")
    elif wanted.flavour is Flavour.DEBUG:
        arguments.append("--with-pydebug")
    return (*across, *arguments, *wanted.extra_configure)


@cache
def _text(name: str) -> str:
    return (resources.files("imagewright.recipes") / "scripts" / f"python-{name}.sh").read_text(encoding="utf-8")


def _python2(wanted: Compilation) -> str:
    """Whether make, distutils and the regression tests are those of Python 2."""
    return "yes" if wanted.version < (3, 0) else "no"


def _written(programs: tuple[str, ...]) -> str:
    """Shell text that writes the programs into ``/tmp/training``."""
    directory = resources.files("imagewright.recipes") / "training"
    lines = ["mkdir -p /tmp/training\n"]
    for name in programs:
        text = (directory / f"{name}.py").read_text(encoding="utf-8")
        lines.append(f"cat > /tmp/training/{name}.py << 'IW_PROGRAM'\n{text}IW_PROGRAM\n")
    return "".join(lines)


def _script(name: str, wanted: Compilation, environment: dict[str, str]) -> Script:
    text = _text(name)
    if name == "prepare" and wanted.patches:
        before, mark, after = text.partition(_CONFIGURE)
        text = f"{before}{_text('patch')}{mark}{after}"
    if name == "train":
        before, mark, after = text.partition(_TRAIN)
        text = f"{before}{_written(training_programs(wanted))}{mark}{after}"
    everywhere = {
        "HOME": "/root",
        "LC_ALL": "C.UTF-8",
        "PATH": f"{cross.TOOLS}:{_PATH}" if wanted.build_triplet else _PATH,
        "PYTHONHASHSEED": "0",
        "SOURCE_DATE_EPOCH": str(wanted.epoch),
        "TZ": "UTC",
    }
    return Script(f"python-{name}", text, tuple(sorted({**everywhere, **environment}.items())))
