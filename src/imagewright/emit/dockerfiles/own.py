# SPDX-License-Identifier: Apache-2.0
"""What is a person's own in a Dockerfile: Python packages, a user, authorities, a locale, patches.

The same scripts whatever the variant: packages and locale are made where there is a shell and an interpreter, in a
stage of their own (``site``), and only copied into the image; user and authorities belong to the root.
"""

from __future__ import annotations

from collections.abc import Mapping

from imagewright.emit.dockerfiles import writing
from imagewright.emit.dockerfiles.compiling import recipe_stage
from imagewright.emit.dockerfiles.finishing import parts
from imagewright.emit.dockerfiles.model import Order
from imagewright.emit.dockerfiles.platforms import pins, requirements
from imagewright.emit.dockerfiles.sources import archive_arguments, archives_file
from imagewright.model.images import Bytecode, ImageDefinition, RootKind
from imagewright.model.site import Installers, LocalFile
from imagewright.recipes.accounts import with_account
from imagewright.recipes.authorities import LOCAL_AUTHORITIES, authority_name
from imagewright.recipes.bare import FILES
from imagewright.recipes.commands import account_script, packages_script, site_script
from imagewright.recipes.site import bytecode_script, library, locale_script

_AUTHORITIES = "authorities"


def has_site(definition: ImageDefinition) -> bool:
    """Whether there is anything to make above the interpreter."""
    site = definition.site
    return bool(site.requirements or site.locale) or definition.bytecode is Bytecode.STDLIB_SITE


def site_stage(order: Order) -> str:
    """The stages that make ``/site``; "" where nothing was chosen that needs them."""
    first = order.builds[0].definition
    if not has_site(first):
        return ""
    name = library(first.series, first.name.flavour)
    files = {"image-site.sh": site_script()}
    files |= {
        f"requirements.{architecture}": text
        for architecture, text in requirements(
            {build.architecture: build.wheels for build in order.builds}
        ).items()
    }
    words = [("IW_PYTHON", name)]
    if first.bytecode is Bytecode.STDLIB_SITE:
        files["site-bytecode.py"] = bytecode_script().text
        words.append(("IW_BYTECODE", "yes"))
    if first.site.locale:
        files |= {"site-locale.sh": locale_script().text, "image-packages.sh": packages_script()}
        locked = {build.architecture: build.locked.runtime.packages for build in order.builds if build.locked}
        files |= {f"packages.{architecture}": text for architecture, text in pins(locked).items()}
        files |= archives_file(order)
        words.append(("IW_LOCALE", first.site.locale))
    mounts = [
        writing.bind("recipe-site", "/recipe", "/recipe"),
        writing.bind("inputs", "/", "/from"),
        writing.bind("python", "/parts/installers", "/installers"),
        writing.bind("packages", "/", "/packages"),
        writing.cache("imagewright-packages", "/cache"),
    ]
    return (
        recipe_stage("site", files, order.style)
        + "\n"
        + writing.comment(
            "Of one's own: Python packages by their hashes, locale, bytecode. Nothing of a package runs."
        )
        + "FROM buildroot AS site\n"
        + parts(first.parts)
        + archive_arguments(order)
        + "ARG PIP_INDEX_URL\n"
        + writing.run(mounts, [*writing.words((*words, *_COMMON)), "sh /recipe/image-site.sh"])
    )


_COMMON = (("LC_ALL", "C.UTF-8"), ("PYTHONHASHSEED", "0"), ("PYTHONDONTWRITEBYTECODE", "1"))


def site_copies(definition: ImageDefinition) -> str:
    """What the image takes from there; and CPython's own pip for virtual environments, beside a pinned one."""
    text = ""
    if definition.site.installers is Installers.PINNED:
        place = f"usr/local/lib/{library(definition.series, definition.name.flavour)}/ensurepip"
        text += f"COPY --from=python /parts/installers/{place}/ /{place}/\n"
    return text + ("COPY --from=site /site/ /\n" if has_site(definition) else "")


def root_files(order: Order) -> dict[str, str]:
    """Files for the recipe of a configured root: authorities, and the script that adds a user."""
    first = order.builds[0].definition
    found = {
        f"{_AUTHORITIES}/{authority_name(each)}": _text(order, each)
        for each in sorted(first.site.certificates, key=authority_name)
    }
    return {**found, **({"image-account.sh": account_script()} if first.site.account else {})}


def before_packages(definition: ImageDefinition) -> list[str]:
    """Authorities lie where the package ca-certificates finds them when it makes its bundle."""
    if not definition.site.certificates:
        return []
    place = f"/{LOCAL_AUTHORITIES}"
    return [f"mkdir -p {place} &&", f"cp /recipe/{_AUTHORITIES}/*.crt {place}/ &&"]


def after_packages(definition: ImageDefinition) -> list[str]:
    """The user comes when every package has made its own."""
    account = definition.site.account
    if account is None:
        return []
    said = " ".join((account.name, str(account.uid), str(account.gid), account.home, account.shell))
    return [f"&& IW_ACCOUNT='{said}' SOURCE_DATE_EPOCH={definition.release_epoch} sh /recipe/image-account.sh"]


def bare_files(definition: ImageDefinition) -> Mapping[str, str]:
    """The databases of a bare root, with the user among those that are there. Raises ``ValueError``."""
    account = definition.site.account
    found = dict(FILES)
    return with_account(found, account, definition.release_epoch) if account else found


def bare_own(order: Order) -> tuple[dict[str, str], tuple[tuple[str, str], ...]]:
    """Files and variables for a bare root: authorities behind the others', the user's home."""
    definition = order.builds[0].definition
    assert definition.root is RootKind.BARE
    ordered = sorted(definition.site.certificates, key=lambda each: authority_name(each).encode())
    text = "".join(_text(order, each) for each in ordered)
    account = definition.site.account
    home = f"{account.home.strip('/')} 0700 {account.uid}:{account.gid}" if account else ""
    return {"authorities.crt": text} if text else {}, (("IW_HOME", home),) if home else ()


def _text(order: Order, file: LocalFile) -> str:
    """A certificate as text that ends with a line end."""
    text = order.files[file.path].decode("ascii")
    return text if text.endswith("\n") else f"{text}\n"
