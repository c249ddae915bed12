# SPDX-License-Identifier: Apache-2.0
"""Classes, calls, closures, exceptions, generators, copying: programs made of objects."""

import abc
import collections
import contextlib
import copy
import dataclasses
import enum
import functools
import gc
import heapq
import itertools
import operator
import typing


class Kind(enum.Enum):
    IDLE = 0
    DEVICE = 1
    WORKER = 2


class Task(abc.ABC):
    """Part of a small operating system: queue of packets, states, dispatch by class."""

    count = 0

    def __init__(self, name, priority, following=None):
        self.name = name
        self.priority = priority
        self.following = following
        self.queue = collections.deque()
        self.held = False
        Task.count += 1

    @abc.abstractmethod
    def run(self, packet): ...

    def step(self):
        packet = self.queue.popleft() if self.queue else None
        return self.run(packet)

    @property
    def waiting(self):
        return not self.queue


class Idle(Task):
    def __init__(self, *arguments, **named):
        super().__init__(*arguments, **named)
        self.seed = 1

    def run(self, packet):
        self.seed = (self.seed * 1103515245 + 12345) & 0x7FFFFFFF
        return self.following if self.seed & 4 else self


class Worker(Task):
    def run(self, packet):
        if packet is None:
            return self.following
        kind, data = packet
        if kind is Kind.WORKER:
            data[0] = (data[0] + 1) % 26
            for i in range(1, len(data)):
                data[i] = (data[i - 1] + i) % 26
        self.following.queue.append((Kind.DEVICE, data))
        return self.following


class Device(Task):
    def run(self, packet):
        if packet is None or packet[0] is not Kind.DEVICE:
            self.held = not self.held
            return self.following
        self.following.queue.append((Kind.WORKER, packet[1]))
        return self.following


def dispatch(steps=26000):
    """Tasks hand packets round."""
    idle = Idle("idle", 0)
    worker = Worker("worker", 1, idle)
    device = Device("device", 2, worker)
    worker.following = device
    idle.following = worker
    worker.queue.extend((Kind.WORKER, [0] * 4) for _ in range(3))
    task = idle
    for _ in range(steps):
        task = task.step() or idle
        if isinstance(task, Worker) and task.waiting:
            task = idle
    return Task.count


class Constraint:
    """One-way constraints between variables, as in incremental solvers."""

    def __init__(self, source, target, factor):
        self.source, self.target, self.factor = source, target, factor

    def satisfied(self):
        return self.target.value == self.source.value * self.factor

    def execute(self):
        self.target.value = self.source.value * self.factor


class Scaled(Constraint):
    def __init__(self, source, target, factor, offset):
        super().__init__(source, target, factor)
        self.offset = offset

    def satisfied(self):
        return self.target.value == self.source.value * self.factor + self.offset

    def execute(self):
        super().execute()
        self.target.value += self.offset


class Variable:
    def __init__(self, value):
        self.value = value
        self.constraints = []


def constraints(length=70, rounds=60):
    chain = [Variable(i) for i in range(length)]
    rules = []
    for i, (left, right) in enumerate(zip(chain, chain[1:])):
        rule = Scaled(left, right, 1, i) if i % 2 else Constraint(left, right, 1)
        left.constraints.append(rule)
        rules.append(rule)
    for r in range(rounds):
        chain[0].value = r
        todo = [chain[0]]
        while todo:
            for rule in todo.pop().constraints:
                if not rule.satisfied():
                    rule.execute()
                    todo.append(rule.target)
    return chain[-1].value


@dataclasses.dataclass
class Leaf:
    name: str
    value: int = 0
    tags: list = dataclasses.field(default_factory=list)


@dataclasses.dataclass(frozen=True, order=True)
class Key:
    major: int
    minor: int


class Point(typing.NamedTuple):
    x: int
    y: int


@typing.runtime_checkable
class Named(typing.Protocol):
    name: str


def copies(rounds=170):
    shape = {
        "list": [1, 2, (3, 4)],
        "leaves": [Leaf(str(i), i, ["a"]) for i in range(6)],
        "set": {1, 2},
        "p": Point(1, 2),
    }
    shape["self"] = shape["list"]
    for _ in range(rounds):
        other = copy.deepcopy(shape)
        copy.copy(other["leaves"][0])
        dataclasses.replace(other["leaves"][1], value=3)
        isinstance(other["leaves"][2], Named)
        Point(3, 4)._replace(x=1)
    keys = sorted(Key(i * 7 % 13, i) for i in range(400))
    return len({k: k.major for k in keys})


def puzzles():
    """Backtracking, permutations, search with priority queue; recursion."""

    def queens(n, row=0, columns=0, left=0, right=0):
        if row == n:
            return 1
        found, free = 0, ~(columns | left | right) & ((1 << n) - 1)
        while free:
            bit = free & -free
            free ^= bit
            found += queens(n, row + 1, columns | bit, (left | bit) << 1, (right | bit) >> 1)
        return found

    def placed(n):
        for order in itertools.permutations(range(n)):
            if n == len({order[i] + i for i in range(n)}) == len({order[i] - i for i in range(n)}):
                yield order

    def flips(n):
        most, numbers = 0, list(range(n))
        for order in itertools.islice(itertools.permutations(numbers), 6000):
            line, count = list(order), 0
            while line[0]:
                first = line[0] + 1
                line[:first] = line[first - 1 :: -1] if first < len(line) else line[::-1]
                count += 1
                if count > 50:
                    break
            most = max(most, count)
        return most

    def fill(cells, size, around):
        seen, todo, groups = set(), [], 0
        for cell in cells:
            if cell in seen:
                continue
            groups += 1
            todo.append(cell)
            while todo:
                at = todo.pop()
                if at in seen or at not in cells:
                    continue
                seen.add(at)
                todo.extend((at[0] + dx, at[1] + dy) for dx, dy in around)
        return groups

    around = ((0, 1), (1, 0), (0, -1), (-1, 0))
    cells = {(i % 60, i * 31 % 47) for i in range(1500)}
    heap, distance = [(0, (0, 0))], {(0, 0): 0}
    while heap:
        cost, (x, y) = heapq.heappop(heap)
        if cost > distance[x, y]:
            continue
        for dx, dy in around:
            to = x + dx, y + dy
            if 0 <= to[0] < 45 and 0 <= to[1] < 45:
                more = cost + 1 + (to[0] * to[1]) % 5
                if more < distance.get(to, 1 << 30):
                    distance[to] = more
                    heapq.heappush(heap, (more, to))
    return queens(8), len(list(placed(7))), flips(9), fill(cells, 60, around), distance[44, 44]


def generators():
    class Tree:
        def __init__(self, depth):
            self.value = depth
            self.left = Tree(depth - 1) if depth else None
            self.right = Tree(depth - 1) if depth else None

        def __iter__(self):
            if self.left:
                yield from self.left
            yield self.value
            if self.right:
                yield from self.right

    def averages():
        total, count, mean = 0.0, 0, None
        while True:
            total += yield mean
            count += 1
            mean = total / count

    running = averages()
    next(running)
    for value in Tree(11):
        running.send(value)
    running.close()
    chain = (x * 2 for x in range(6000) if x % 3)
    chain = (x for x in chain if x & 4)
    words = [w for n in range(900) for w in (str(n), n, n * 1.5) if w]
    pairs = {a: b for a, b in zip(range(3000), itertools.count(5))}
    squares = {x * x % 97 for x in range(4000)}
    first, *middle, last = words
    a, b, c, d, e, f = (1, 2, 3, 4, 5, 6)
    for _ in range(5000):
        a, b, c, d, e, f = b, c, d, e, f, a
        (a, b), (c, d) = (b, a), [d, c]
    return sum(chain), len(middle), len(pairs), len(squares)


class Meta(type):
    def __new__(cls, name, bases, namespace):
        namespace["fields"] = [n for n, v in namespace.items() if isinstance(v, Field)]
        return super().__new__(cls, name, bases, namespace)


class Field:
    def __set_name__(self, owner, name):
        self.name = "_" + name

    def __get__(self, instance, owner=None):
        return self if instance is None else getattr(instance, self.name, None)

    def __set__(self, instance, value):
        instance.__dict__[self.name] = value


class Model(metaclass=Meta):
    def __init__(self, **values):
        for name in self.fields:
            setattr(self, name, values.get(name))

    def __getattr__(self, name):
        if name.startswith("get_"):
            return functools.partial(getattr, self, name[4:])
        raise AttributeError(name)

    def __eq__(self, other):
        return all(getattr(self, f) == getattr(other, f) for f in self.fields)

    __hash__ = None


class Person(Model):
    name = Field()
    age = Field()


@contextlib.contextmanager
def counted(counter, name):
    counter[name] += 1
    try:
        yield counter
    finally:
        counter[name, "left"] += 1


@functools.lru_cache(maxsize=None)
def ways(n, parts=(1, 5, 10, 25)):
    if n == 0:
        return 1
    return sum(ways(n - p, parts[i:]) for i, p in enumerate(parts) if p <= n)


@functools.singledispatch
def shown(value):
    return repr(value)


@shown.register(int)
def _(value):
    return format(value, "x")


def calls(rounds=2600):
    counter = collections.Counter()

    def outer(step):
        def inner(*arguments, scale=1, **named):
            return sum(arguments) * scale + len(named) + step

        return inner

    for i in range(rounds):
        person = Person(name="n", age=i)
        person.get_age()
        with contextlib.suppress(KeyError):
            if i % 3 == 0:
                raise KeyError(i)
        with counted(counter, i % 5):
            pass
        try:
            int("x" if i % 50 == 0 else "7")
        except ValueError as error:
            counter[type(error).__name__] += 1
        outer(i)(1, 2, 3, scale=2, other=i)
        outer(i)(*(1, 2), **{"a": 1})
        shown(i)
        shown("s")
        person == Person(name="n", age=i)
        operator.attrgetter("name")(person)

    def fib(n):
        return n if n < 2 else fib(n - 1) + fib(n - 2)

    return fib(19), ways(120), counter


def rubbish(rounds=12):
    """Cycles, which only the collector frees."""
    for _ in range(rounds):
        nodes = [[i] for i in range(5000)]
        for left, right in zip(nodes, nodes[1:]):
            left.append(right)
        nodes[-1].append(nodes[0])
        del nodes
        gc.collect()


def main():
    dispatch()
    constraints()
    copies()
    puzzles()
    generators()
    calls()
    rubbish()


if __name__ == "__main__":
    main()
