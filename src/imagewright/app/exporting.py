# SPDX-License-Identifier: Apache-2.0
"""Images written outside the store: one file or layout for all of them, or a directory with a file for each."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from imagewright.app.sending import target_of
from imagewright.errors import MachineError, UsageError
from imagewright.model.general import ArchiveFormat
from imagewright.model.images import ImageDefinition
from imagewright.model.options import BuildOptions
from imagewright.model.ports import BlobStore
from imagewright.model.results import BuiltImage, FailedImage
from imagewright.oci.descriptor import MANIFEST, Descriptor
from imagewright.oci.layout import Export, export


def write_all(
    images: Sequence[BuiltImage | FailedImage], blobs: BlobStore, options: BuildOptions, *, umask: int
) -> tuple[BuiltImage | FailedImage, ...]:
    """Write what was built to ``options.output``; each image then says where it is.

    One file or layout for all is written only if none failed, so that it is never a part of what was asked for.
    """
    output = options.output
    assert output is not None
    built = [image for image in images if isinstance(image, BuiltImage)]
    if is_directory(options):
        return tuple(
            _write_one(image, blobs, options, umask) if isinstance(image, BuiltImage) else image
            for image in images
        )
    if len(built) < len(images):
        return tuple(images)
    write_out(built, blobs, output, options.format)
    _permit(output, umask)
    return tuple(replace(image, archive=output) for image in built)


def refuse_output(definitions: Sequence[ImageDefinition], options: BuildOptions) -> None:
    """Raise :class:`UsageError` before anything is built, if the images do not fit into the output.

    One image for several platforms is one thing in OCI's formats, an index; Docker's own has nothing for it.
    """
    apart = options.format is ArchiveFormat.DOCKER_ARCHIVE
    count = len(definitions) if apart else len({str(definition.name) for definition in definitions})
    output = options.output
    if output is None:
        return
    if is_directory(options) and output.exists() and not output.is_dir():
        raise UsageError(f"{output} is in the way", why="it is no directory", hint="choose another with -o")
    if count > 1 and not is_directory(options) and options.format is not ArchiveFormat.OCI_DIR:
        raise UsageError(
            f"-o {output} is one file, and these are {count} images",
            hint=f"write a file for each with -o {output}/, or one layout with --format oci-dir",
        )


def is_directory(options: BuildOptions) -> bool:
    """Whether ``options.output`` is to hold a file for each image: it ends in a slash, or is a directory."""
    if options.output is None or options.format is ArchiveFormat.OCI_DIR:
        return False
    return options.separate or options.output.is_dir()


def file_name(image: BuiltImage) -> str:
    """The file of an image in such a directory: ``3.13.15-slim-trixie.linux-amd64.tar``."""
    return f"{image.image}.{image.platform.replace('/', '-')}.tar"


def write_out(images: Iterable[BuiltImage], blobs: BlobStore, output: Path, form: ArchiveFormat) -> None:
    """Write images into one file or directory, each under all its tags."""
    export([_export(image, blobs) for image in images], blobs, output, form)


def _write_one(image: BuiltImage, blobs: BlobStore, options: BuildOptions, umask: int) -> BuiltImage:
    assert options.output is not None
    path = options.output / file_name(image)
    try:
        options.output.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise MachineError(f"cannot write {options.output}", why=error.strerror or str(error)) from error
    write_out([image], blobs, path, options.format)
    _permit(path, umask)
    return replace(image, archive=path)


def _permit(path: Path, umask: int) -> None:
    """The permissions that the person's own umask gives."""
    if path.is_file():
        path.chmod(0o666 & ~umask)


def _export(image: BuiltImage, blobs: BlobStore) -> Export:
    manifest = Descriptor(MANIFEST, image.digest, blobs.size(image.digest), platform=target_of(image, blobs))
    return Export(manifest, tuple(f"{image.repository}:{tag}" for tag in image.tags))
