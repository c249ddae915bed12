# SPDX-License-Identifier: Apache-2.0
"""Dockerfiles: one for an image, or the tree of a whole catalog, written or compared."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from imagewright.app.locks import load_lock
from imagewright.app.world import World
from imagewright.catalog.listing import platforms_of
from imagewright.catalog.selecting import current_images, matching, meant_flavours, refuse_unused
from imagewright.catalog.shipped import profile_bytes
from imagewright.catalog.specs import parse_spec
from imagewright.catalog.tags import directory_of, tags_of
from imagewright.emit.dockerfiles.gathering import build_of, same_kind
from imagewright.emit.dockerfiles.model import Order, PlatformBuild, Style, Written
from imagewright.emit.dockerfiles.printing import write_dockerfile
from imagewright.errors import UsageError
from imagewright.model.dockerfiles import Dockerfile, DockerfileOptions
from imagewright.model.images import ImageDefinition, ImageName
from imagewright.model.lock import Lock
from imagewright.model.platforms import Platform
from imagewright.model.results import LeftOut

NAME = "Dockerfile"


@dataclass(frozen=True, slots=True)
class Made:
    """A Dockerfile and the content of what lies beside it."""

    view: Dockerfile
    beside: Mapping[str, bytes]


class Printer:
    """Writes Dockerfiles from one catalog, one lock and one set of choices."""

    def __init__(self, world: World, options: DockerfileOptions) -> None:
        self._world = world
        self._options = options
        self._lock = load_lock(world.lock_path) or Lock()
        self._settings = world.settings(options.selection)
        mirrors = {role: addresses[0] for role, addresses in self._settings.mirrors if addresses}
        self._style = Style(options.classic, dict(options.bases), mirrors)

    def name(self, spec: str) -> ImageName:
        """The image that a specification names. Raises :class:`UsageError`."""
        return parse_spec(spec, self._world.catalog, self._settings.tag_defaults)

    def names(self) -> tuple[ImageName, ...]:
        """Every image of the current releases that is meant. Raises :class:`UsageError`."""
        catalog, only = self._world.catalog, self._options.selection.only
        scheme = catalog.by_scheme[self._settings.scheme]
        names = tuple(current_images(catalog, meant_flavours(only)))
        if not only:
            return names
        found = {
            name: matching(name, tags_of(name, catalog, scheme, self._settings.tag_defaults).simple, only)
            for name in names
        }
        refuse_unused(only, found.values())
        return tuple(name for name, patterns in found.items() if patterns)

    def definitions(self, name: ImageName) -> tuple[ImageDefinition, ...]:
        """An image on each platform that its Dockerfile is for. Raises as :meth:`write`."""
        builds = self._builds(name)
        write_dockerfile(self._order(name, builds))
        return tuple(build.definition for build in builds)

    def write(self, name: ImageName) -> Made:
        """One Dockerfile for all platforms. Raises :class:`UsageError` where there is none to write."""
        catalog = self._world.catalog
        builds = self._builds(name)
        written: Written = write_dockerfile(self._order(name, builds))
        scheme = catalog.by_scheme[self._settings.scheme]
        view = Dockerfile(
            image=str(name),
            directory=directory_of(name, catalog, scheme),
            platforms=tuple(str(build.definition.platform) for build in builds),
            pinned=all(build.locked is not None for build in builds),
            text=written.text,
            beside=tuple(file for file, _ in written.beside),
        )
        return Made(view, {file: self._content(origin) for file, origin in written.beside})

    def _order(self, name: ImageName, builds: tuple[PlatformBuild, ...]) -> Order:
        return Order(name, builds, self._world.catalog, self._style, dict(self._settings.files))

    def _builds(self, name: ImageName) -> tuple[PlatformBuild, ...]:
        """The image on each of its platforms; those that its suite has no packages for are passed over."""
        found: list[PlatformBuild] = []
        refusal: UsageError | None = None
        for platform in self._platforms(name):
            try:
                found.append(build_of(name, self._world.catalog, self._settings, platform, self._lock))
            except UsageError as error:
                refusal = refusal or error
        if not found:
            raise refusal or UsageError(
                f"{name} is published for none of these platforms", hint="say others with --platform"
            )
        chosen = same_kind(found)
        lost = [build.definition.platform for build in found if build not in chosen]
        if lost and self._options.selection.platforms:
            raise UsageError(
                f"the lock knows {name}, but not for {lost[0]}",
                hint=f"run: imagewright lock {name} --platform {','.join(map(str, lost))}",
            )
        return chosen

    def _platforms(self, name: ImageName) -> tuple[Platform, ...]:
        published = platforms_of(name, self._world.catalog)
        wanted = self._options.selection.platforms
        return tuple(one for one in published if one in wanted) if wanted else published

    def _content(self, origin: str) -> bytes:
        kind, _, name = origin.partition(":")
        if kind == "file":
            return dict(self._settings.files)[name]
        if kind != "catalog":
            raise UsageError(
                "a training profile of one's own cannot be written beside a Dockerfile yet",
                why="it is in the store, and Dockerfiles are written without one",
                hint="write it there: imagewright train -o profile-ARCHITECTURE.tar.xz",
            )
        return profile_bytes(name)


def print_dockerfile(world: World, spec: str, options: DockerfileOptions) -> Dockerfile:
    """The Dockerfile of one image."""
    printer = Printer(world, options)
    return printer.write(printer.name(spec)).view


def all_files(printer: Printer, names: Iterable[ImageName]) -> tuple[dict[str, bytes], tuple[LeftOut, ...]]:
    """Every file of a tree, by its path, and the images that have none."""
    files: dict[str, bytes] = {}
    left_out: list[LeftOut] = []
    for name in names:
        try:
            made = printer.write(name)
        except UsageError as error:
            left_out.append(LeftOut(str(name), "", error.why or error.message))
            continue
        directory = made.view.directory
        files[f"{directory}/{NAME}"] = made.view.text.encode()
        files |= {f"{directory}/{file}": content for file, content in made.beside.items()}
    return dict(sorted(files.items())), tuple(left_out)
