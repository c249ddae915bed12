# SPDX-License-Identifier: Apache-2.0
"""One more user in the user database."""

from __future__ import annotations

import pytest

from imagewright.model.site import Account
from imagewright.recipes.accounts import with_account

APP = Account("app", 1000, 1001, "/home/app", "/bin/sh")
FILES = {
    "etc/passwd": "root:x:0:0:root:/root:/bin/bash\n",
    "etc/group": "root:x:0:",
    "etc/shadow": "root:*:1:0:99999:7:::\n",
    "etc/gshadow": "root:*::\n",
}


def test_a_user_without_a_password_and_a_group() -> None:
    assert with_account(FILES, APP, 86_400 * 20_000 + 5) == {
        "etc/passwd": f"{FILES['etc/passwd']}app:x:1000:1001::/home/app:/bin/sh\n",
        "etc/group": "root:x:0:\napp:x:1001:\n",
        "etc/shadow": f"{FILES['etc/shadow']}app:!:20000:0:99999:7:::\n",
        "etc/gshadow": f"{FILES['etc/gshadow']}app:!::\n",
    }


def test_one_who_is_there_already_stays() -> None:
    once = with_account(FILES, APP, 0)
    assert with_account(once, APP, 86_400) == once


def test_files_of_passwords_are_not_made() -> None:
    assert set(with_account({}, APP, 0)) == {"etc/passwd", "etc/group"}


@pytest.mark.parametrize(
    ("account", "why"),
    [
        (Account("root", 1000, 1000, "/", "/"), "root is there already, with the number 0"),
        (Account("x", 1, 7, "/", "/"), "the number 7 is that of seven"),
        (Account("x", 5, 8, "/", "/"), "the number 5 is that of five"),
    ],
)
def test_names_and_numbers_of_others_are_refused(account: Account, why: str) -> None:
    files = {"etc/passwd": "root:x:0:0::/:\nfive:x:5:5::/:\n", "etc/group": "root:x:0:\nseven:x:7:\n"}
    with pytest.raises(ValueError, match=why):
        with_account(files, account, 0)
