# SPDX-License-Identifier: Apache-2.0
"""What may go from a repository: old dated tags and what only they named, nothing else."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from imagewright.model.digest import Digest
from imagewright.registry.housekeeping import superfluous


def digest(word: str) -> Digest:
    return Digest.of(word.encode())


def test_the_newest_dated_tags_stay_and_what_they_share_too() -> None:
    tags = {
        "slim": digest("c"),
        "slim-20260101": digest("a"),
        "slim-20260201": digest("b"),
        "slim-20260301": digest("c"),
        "full-20250101": digest("f"),
        f"sha256-{digest('a').hex}": digest("note"),
        f"sha256-{digest('c').hex}": digest("other note"),
    }
    reach = {digest("a"): (digest("base"), digest("old")), digest("c"): (digest("base"), digest("new"))}
    plan = superfluous(tags, reach, only=(), keep=2)
    assert plan.tags == (f"sha256-{digest('a').hex}", "slim-20260101")
    assert plan.manifests[0] == digest("a"), "an index goes before what it names"
    assert set(plan.manifests) == {digest("a"), digest("old")}
    assert superfluous(tags, reach, only=("full-*",), keep=1).tags == ()
    assert superfluous(tags, reach, only=(), keep=3).tags == ()


@given(
    st.dictionaries(
        st.from_regex(r"(slim|full)(-2026010[1-9])?", fullmatch=True), st.integers(0, 5), min_size=1, max_size=12
    ),
    st.integers(1, 4),
)
def test_nothing_that_a_staying_tag_leads_to_goes(named: dict[str, int], keep: int) -> None:
    tags = {tag: digest(str(number)) for tag, number in named.items()}
    reach = {digest(str(number)): (digest(f"part {number // 2}"),) for number in range(6)}
    plan = superfluous(tags, reach, only=(), keep=keep)
    alive = {tags[tag] for tag in tags if tag not in plan.tags}
    alive |= {part for one in list(alive) for part in reach[one]}
    assert not alive & set(plan.manifests)
    assert all("-2026" in tag for tag in plan.tags)
