# SPDX-License-Identifier: Apache-2.0
"""What begins when: never over budget, everything in the end, the longest way first."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from imagewright.engine.scheduling import OVERTAKEN, Budget, Grant, Load, Scheduler, Task, remaining
from imagewright.model.digest import Digest

LIGHT = Load(cores=2, memory=10)
HEAVY = Load(cores=64, memory=100, per_job=50)
ROOMY = Budget(8, 1 << 40)


def name(word: object) -> Digest:
    return Digest.of(str(word).encode())


def task(word: object, *needs: Task, load: Load = HEAVY, seconds: float = 100.0) -> Task:
    return Task(name(word), tuple(need.id for need in needs), load, seconds)


@st.composite
def graphs(draw: st.DrawFn) -> list[Task]:
    tasks: list[Task] = []
    for number in range(draw(st.integers(1, 14))):
        load = Load(draw(st.integers(1, 8)), draw(st.integers(0, 60)), draw(st.integers(0, 20)))
        needs = draw(st.lists(st.sampled_from(tasks), unique=True, max_size=3)) if tasks else []
        tasks.append(task(number, *needs, load=load, seconds=draw(st.sampled_from([0.0, 1.0, 20.0, 300.0]))))
    return tasks


budgets = st.builds(Budget, st.integers(1, 6), st.integers(1, 150))


def within(budget: Budget, running: dict[Digest, Grant]) -> bool:
    """What holds at every moment; one step alone may need more memory than there is."""
    jobs = sum(grant.jobs for grant in running.values())
    memory = sum(grant.memory for grant in running.values())
    return jobs <= budget.jobs and (memory <= budget.memory or len(running) == 1)


@given(graphs(), budgets, st.randoms(use_true_random=False))
def test_everything_runs_once_after_its_needs_and_never_over_budget(
    tasks: list[Task], budget: Budget, random: object
) -> None:
    by_id = {each.id: each for each in tasks}
    scheduler = Scheduler(tasks, budget)
    done: list[Digest] = []
    while scheduler.waiting or scheduler.running:
        for grant in scheduler.start():
            assert 1 <= grant.jobs <= max(1, by_id[grant.id].load.cores)
            assert set(by_id[grant.id].needs) <= set(done)
        assert scheduler.running, "nothing runs and something waits"
        assert within(budget, dict(scheduler.running))
        ended = random.choice(sorted(scheduler.running))  # type: ignore[attr-defined] # any end may come first
        scheduler.finish(ended)
        done.append(ended)
    assert sorted(done) == sorted(by_id)


@given(graphs(), budgets)
def test_the_same_plan_is_scheduled_the_same_way(tasks: list[Task], budget: Budget) -> None:
    assert Scheduler(tasks, budget).start() == Scheduler(tasks, budget).start()


@given(graphs(), budgets, st.randoms(use_true_random=False))
def test_failures_free_what_they_held_and_dropped_steps_never_begin(
    tasks: list[Task], budget: Budget, random: object
) -> None:
    scheduler = Scheduler(tasks, budget)
    (first, *_) = scheduler.start()
    scheduler.fail(first.id)
    scheduler.drop(list(scheduler.waiting))
    begun = set(scheduler.running)
    assert first.id not in begun
    assert scheduler.start() == ()
    for step in begun:
        scheduler.finish(step)
    assert not scheduler.waiting
    assert not scheduler.running


def test_the_longest_way_to_the_end_goes_first() -> None:
    base, root = task("base", load=LIGHT, seconds=30), task("root", load=LIGHT, seconds=10)
    python = task("python", root, seconds=300)
    assert remaining([base, root, python]) == {base.id: 30, root.id: 310, python.id: 300}
    assert [grant.id for grant in Scheduler([base, root, python], Budget(1, 1 << 40)).start()] == [root.id]


def test_compiles_share_the_cores() -> None:
    two = [task("one"), task("other")]
    assert [grant.jobs for grant in Scheduler(two, Budget(2, 1 << 40)).start()] == [1, 1]
    assert [grant.jobs for grant in Scheduler(two, ROOMY).start()] == [4, 4]
    assert [grant.jobs for grant in Scheduler(two[:1], Budget(2, 1 << 40)).start()] == [2]


def test_a_compile_that_is_about_to_begin_has_its_share_already() -> None:
    root = task("root", load=LIGHT, seconds=60)
    tasks = [root, task("one"), task("other", root)]
    scheduler = Scheduler(tasks, Budget(2, 1 << 40))
    assert [grant.jobs for grant in scheduler.start()] == [1, 1]
    scheduler.finish(root.id)
    assert [(grant.id, grant.jobs) for grant in scheduler.start()] == [(name("other"), 1)]


def test_a_long_step_waits_for_a_short_one_rather_than_begin_narrow() -> None:
    root, base = task("root", load=LIGHT, seconds=28), task("base", load=LIGHT, seconds=14)
    python = task("python", root, seconds=300)
    scheduler = Scheduler([root, base, python, task("more", load=LIGHT, seconds=1)], Budget(2, 1 << 40))
    assert {grant.id for grant in scheduler.start()} == {root.id, base.id}
    scheduler.finish(root.id)
    assert scheduler.start() == ()
    scheduler.finish(base.id)
    assert [(grant.id, grant.jobs) for grant in scheduler.start()] == [(python.id, 2)]


def test_many_cores_leave_one_to_short_steps() -> None:
    short = task("short", load=LIGHT, seconds=5)
    grants = {grant.id: grant.jobs for grant in Scheduler([task("python"), short], Budget(8, 1 << 40)).start()}
    assert grants == {name("python"): 7, short.id: 1}


def test_memory_narrows_a_compile_and_then_keeps_the_next_one_waiting() -> None:
    tasks = [task("one"), task("other"), task("third")]
    scheduler = Scheduler(tasks, Budget(6, 350))
    assert [(grant.jobs, grant.memory) for grant in scheduler.start()] == [(2, 200), (1, 150)]
    scheduler.finish(name("one"))
    assert [grant.id for grant in scheduler.start()] == [name("third")]


def test_what_never_fits_runs_alone() -> None:
    giant = task("giant", load=Load(4, 1000))
    scheduler = Scheduler([giant, task("other", load=LIGHT, seconds=1)], Budget(2, 500))
    assert scheduler.start() == (Grant(giant.id, 1, 1000),)


def test_a_step_that_does_not_fit_is_overtaken_only_so_often() -> None:
    giant = task("giant", load=Load(1, 90), seconds=1000)
    # Begun before it, so that memory is short from the start.
    first = replace(task("first", load=Load(1, 20)), seconds=2000)
    small = [task(number, load=Load(1, 1), seconds=1) for number in range(60)]
    scheduler = Scheduler([first, giant, *small], Budget(3, 100))
    begun: list[Digest] = [grant.id for grant in scheduler.start()]
    while len(scheduler.running) > 1:
        scheduler.finish(next(step for step in scheduler.running if step != first.id))
        begun += [grant.id for grant in scheduler.start()]
    assert giant.id not in begun
    assert OVERTAKEN <= len(begun) - 1 < OVERTAKEN + 3
    scheduler.finish(first.id)
    assert scheduler.start()[0].id == giant.id
