# SPDX-License-Identifier: Apache-2.0
"""What ``update`` and ``outdated`` answer, as text for people."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from imagewright.cli.console import Paint
from imagewright.cli.summary import failures
from imagewright.cli.text import count, duration, one_line
from imagewright.cli.transfers import pushed
from imagewright.model.refreshing import Refreshed, RefreshedImage
from imagewright.model.results import (
    ChangedPackage,
    FoundRelease,
    OutdatedImage,
    OutdatedPackage,
    Rebuild,
    Updated,
)

_SHOWN = 30
"""Packages listed for one set or image; the rest is counted."""
_SECURITY = "security"
_LEAST = 12


def update(done: Updated, paint: Paint, width: int) -> list[str]:
    """Releases, then packages set by set, then what was written."""
    lines = [line for release in done.releases for line in _release(release, paint)]
    if done.releases:
        lines.append("")
    sets: dict[str, list[ChangedPackage]] = {}
    for package in done.packages:
        sets.setdefault(package.where, []).append(package)
    for where, packages in sets.items():
        urgent = sum(package.security for package in packages)
        words = count(len(packages), "package") + (f", {urgent} for security" if urgent else "")
        lines.append(f"{paint('bold', where)}  {paint('dim', words)}")
        ordered = sorted(packages, key=lambda one: (not one.security, one.name))
        rows = [(one.name, one.have or "", one.now or "gone", one.security) for one in ordered]
        lines += [*_table(rows, paint, width), ""]
    return [*lines, *_written(done)]


def update_names(done: Updated) -> list[str]:
    """Releases taken and packages changed, one word each."""
    names = [release.version for release in done.releases if release.taken]
    return [*names, *dict.fromkeys(package.name for package in done.packages)]


def _release(release: FoundRelease, paint: Paint) -> Iterator[str]:
    head = f"{paint('bold', f'CPython {release.version}')} after {release.have}"
    if release.taken:
        yield f"{paint('green', '+')} {head}  {paint('dim', _evidence(release.provenance))}"
    else:
        yield f"{paint('yellow', '!')} {head}, not taken"
        yield f"  {one_line(release.detail)}"


def _evidence(provenance: str) -> str:
    kind, _, who = provenance.partition(" ")
    said = {
        "openpgp": f"signed by {who[-16:]}",
        "sigstore": f"signed by {who} (Sigstore)",
        "debian": f"named by Debian {who}",
        "catalog": "pinned by the catalog",
    }
    return said.get(kind, "accepted without evidence")


def _written(done: Updated) -> list[str]:
    taken = sum(release.taken for release in done.releases)
    changed = len({package.name for package in done.packages})
    if not taken and not changed:
        return ["nothing new" + ("" if done.targets else f"; {done.lock} locks no image yet")]
    words = " and ".join(
        words
        for words in (
            f"{count(taken, 'release')} to {done.catalog}" if taken else "",
            f"{count(changed, 'package')} to {done.lock}" if changed else "",
        )
        if words
    )
    return [f"would write {words}" if done.dry_run else f"wrote {words}"]


def outdated(images: Sequence[OutdatedImage], paint: Paint, width: int) -> list[str]:
    """Each image with what is behind in it, and what its rebuild costs."""
    if not images:
        return ["every image in the store is up to date"]
    lines: list[str] = []
    for image in images:
        lines.append(f"{paint('bold', image.spec)}  {paint('dim', image.platform)}")
        if image.release is not None:
            lines.append(f"  release {image.release.have} → {paint('yellow', image.release.available)}")
        lines += _table(_rows(image.packages), paint, width)
        lines += [*_rebuild(image.rebuild, paint), ""]
    urgent = sum(any(package.security for package in image.packages) for image in images)
    return [
        *lines,
        f"{count(len(images), 'image')} behind" + (f", {urgent} with security updates" if urgent else ""),
    ]


def refreshed(done: Refreshed, paint: Paint, width: int) -> list[str]:
    """Each image that was built anew with what changed in it; what failed; what was published."""
    lines = [line for release in done.releases for line in _release(release, paint)]
    if done.dry_run:
        return [*lines, *outdated(done.behind, paint, width)]
    for image in done.refreshed:
        lines += _refreshed(image, paint, width)
    lines += failures(done.failed, paint)
    lost = [one for one in done.behind if one.rebuild is None]
    lines += [f"{paint('yellow', '!')} {one.spec} for {one.platform} cannot be built anew" for one in lost]
    for result in done.pushed:
        lines += [*pushed(result, paint, width, dry_run=False), ""]
    return [*lines, _ending(done)]


def _refreshed(image: RefreshedImage, paint: Paint, width: int) -> list[str]:
    found = image.difference
    lines = [
        f"{paint('bold green', image.image)}  {paint('dim', image.platform)}",
        f"{paint('dim', 'before')}  {image.previous}",
        f"{paint('dim', 'now')}     {image.digest}",
    ]
    if image.note is not None:
        lines.append(f"{paint('dim', 'note')}    {image.note}")
    rows = [(one.name, one.before or "new", one.after or "gone", False) for one in found.packages]
    return [*lines, *_table(rows, paint, width), ""]


def _ending(done: Refreshed) -> str:
    looked = count(done.looked, "image")
    if done.failed:
        return f"{count(len(done.failed), 'image')} failed: the lock and the tags are as they were"
    if not done.refreshed:
        return f"{looked} looked at, nothing to build anew"
    compiles = count(done.compiles, "compile") if done.compiles else "no compile"
    return f"{len(done.refreshed)} of {looked} built anew, {compiles}, {duration(done.seconds)}"


def _rows(packages: Iterable[OutdatedPackage]) -> list[tuple[str, str, str, bool]]:
    return [(one.name, one.have, one.available, one.security) for one in packages]


def _rebuild(rebuild: Rebuild | None, paint: Paint) -> list[str]:
    if rebuild is None:
        return [f"  {paint('dim', 'it cannot be rebuilt from this catalog')}"]
    if not rebuild.steps:
        return [f"  {paint('dim', f'what {rebuild.spec} is now is in the store already')}"]
    unknown = sum(step.seconds is None for step in rebuild.steps)
    known = f"about {duration(rebuild.seconds)}" if unknown < len(rebuild.steps) else "time not known"
    names = ", ".join(dict.fromkeys(step.name.split()[0] for step in rebuild.steps))
    compiles = f", {count(rebuild.compiles, 'compile')}" if rebuild.compiles else ", no compile"
    first = rebuild.seconds and unknown
    more = f" and {count(unknown, 'step')} that never ran here" if first else ""
    return [paint("dim", f"  build {rebuild.spec}: {known}{more}{compiles}"), paint("dim", f"    runs {names}")]


def _table(rows: Sequence[tuple[str, str, str, bool]], paint: Paint, width: int) -> list[str]:
    """Name, version here, version there, and a mark for security; long words are cut in the middle."""
    if not rows:
        return []
    shown = rows[:_SHOWN]
    room = width - 2 - 2 * 3 - len(_SECURITY)
    names = _fitting((name for name, *_ in shown), room // 3)
    haves = _fitting((have for _, have, *_ in shown), (room - names) // 2)
    nows = _fitting((now for _, _, now, _ in shown), room - names - haves)
    lines = []
    for name, have, now, security in shown:
        mark = paint("red", _SECURITY) if security else ""
        cells = f"  {_cut(name, names):<{names}}  {_cut(have, haves):<{haves}}  {_cut(now, nows):<{nows}}  "
        lines.append(f"{cells}{mark}".rstrip())
    if len(rows) > _SHOWN:
        lines.append(paint("dim", f"  … and {len(rows) - _SHOWN} more (--json gives all)"))
    return lines


def _fitting(words: Iterable[str], room: int) -> int:
    return min(max(room, _LEAST), max((len(word) for word in words), default=0))


def _cut(word: str, room: int) -> str:
    word = one_line(word)
    if len(word) <= room:
        return word
    head = (room - 1) * 2 // 3
    return f"{word[:head]}…{word[len(word) - (room - 1 - head) :]}"
