# SPDX-License-Identifier: Apache-2.0
"""The commands. Each reads its words, calls one use case, and writes the answer.

One module holds the commands of one theme; they are listed here, in the order a person meets them, and imported
when they are needed: a command should not wait for what others need.
"""

from __future__ import annotations

from imagewright.cli.commands.group import COMPLETE_VARIABLE, PROGRAM, cli
from imagewright.cli.options import Deferred

__all__ = ["COMPLETE_VARIABLE", "PROGRAM", "cli"]

MODULES = {
    "build": "building",
    "plan": "building",
    "lock": "building",
    "tags": "tags",
    "update": "updating",
    "outdated": "updating",
    "refresh": "refreshing",
    "check": "images",
    "run": "images",
    "train": "training",
    "push": "pushing",
    "pull": "registries",
    "copy": "registries",
    "inspect": "registries",
    "report": "describing",
    "diff": "describing",
    "attest": "attesting",
    "keygen": "attesting",
    "sign": "attesting",
    "verify": "attesting",
    "rebuild": "attesting",
    "retag": "registries",
    "untag": "registries",
    "gc-remote": "registries",
    "library": "library",
    "import": "importing",
    "readme": "readme",
    "dockerfile": "dockerfiles",
    "dockerfiles": "dockerfiles",
    "bake": "baking",
    "ci": "workflows",
    "status": "status",
    "site": "site",
    "store": "store",
    "init": "starting",
    "completion": "completion",
}
"""Where each command is."""

SUMMARIES = {
    "build": "Build images from source into the store.",
    "plan": "Show what a build would do, and why; with --workers also when, and at what cost.",
    "lock": "Make or refresh imagewright.lock; show what changed.",
    "tags": "List images with their simple and shared tags.",
    "update": "Take in new CPython releases and new package versions.",
    "outdated": "List built images that are behind, and what a rebuild costs.",
    "refresh": "Build what is behind anew, and publish it.",
    "check": "Run the acceptance checks inside images.",
    "run": "Run a command in an image, without Docker.",
    "train": "Train a profile for the optimisation.",
    "push": "Publish images with all their tags.",
    "pull": "Bring an image of a registry into the store, verified.",
    "copy": "Copy an image from any place to a registry, a layout or an archive.",
    "inspect": "Show what a reference names, without fetching any layer.",
    "report": "Describe an image of any place, whoever built it.",
    "diff": "Compare two images: packages, configuration, interpreter, layers and files.",
    "attest": "Say what is in an image, and how it was made.",
    "keygen": "Make a pair of keys to sign with: PREFIX.key, protected by a password, and PREFIX.pub.",
    "sign": "Sign an image of a registry: its index, its platforms, and the documents attached to them.",
    "verify": (
        "Believe an image only if its signature, bill of materials and provenance are by a key or an identity."
    ),
    "rebuild": "Build an image again from what its provenance says went in, and compare digests.",
    "retag": "Let tags name what REF names: together, or none of them.",
    "untag": "Delete tags of a repository.",
    "gc-remote": "Delete old dated tags of a repository, and manifests that nothing else names.",
    "library": "Write the library manifest of the catalog's images, or read one.",
    "import": "Print the configuration that a repository of Dockerfiles amounts to, and say what it lacks.",
    "readme": "Write the README of a repository: its tags, platforms and variants, and how to use it.",
    "dockerfile": "Print the Dockerfile of an image, from the same recipe that a build runs.",
    "dockerfiles": (
        "Write the Dockerfiles of every image of the catalog into DIR, or compare them with what is there."
    ),
    "bake": "Write a bake file, with which BuildKit builds images and compiles each interpreter once.",
    "ci": "Print a workflow for GitHub Actions or GitLab CI, which compiles each interpreter once.",
    "status": "Show which images were built, checked and pushed, by the store's records.",
    "site": "Write static pages about images: those of the store, or of REFs of any place.",
    "store": "Look at the store, clean it, verify it.",
    "init": "Write a small imagewright.toml to begin with.",
    "completion": "Print the completion script of a shell.",
}
"""The first sentence of each command's help, so that a list of commands imports none of them."""

cli.commands = Deferred(__name__, MODULES, SUMMARIES)
