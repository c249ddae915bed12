# SPDX-License-Identifier: Apache-2.0
"""Coroutines, tasks, streams, threads, processes."""

import asyncio
import concurrent.futures
import contextvars
import queue
import random
import tempfile
import threading

CONTEXT = contextvars.ContextVar("context", default=0)


async def leaf(rng, cache, waits):
    key = rng.randrange(300)
    if key in cache:
        return cache[key]
    if waits:
        await asyncio.sleep(0)
    cache[key] = sum(i * key for i in range(30))
    return cache[key]


async def tree(depth, rng, cache, waits):
    """A tree of tasks, each waiting for its children."""
    if depth == 0:
        return await leaf(rng, cache, waits)
    CONTEXT.set(depth)
    return sum(await asyncio.gather(*(tree(depth - 1, rng, cache, waits) for _ in range(5))))


async def grouped(depth, rng, cache):
    if depth == 0 or not hasattr(asyncio, "TaskGroup"):
        await leaf(rng, cache, True)
        return
    async with asyncio.TaskGroup() as group:
        for _ in range(5):
            group.create_task(grouped(depth - 1, rng, cache))


async def numbers(count):
    for i in range(count):
        yield i


async def nested(depth):
    if depth:
        async for value in nested(depth - 1):
            yield value
        yield depth
        async for value in nested(depth - 1):
            yield value


async def returned(n):
    return n if n < 2 else await returned(n - 1) + await returned(n - 2)


async def echo(reader, writer):
    while data := await reader.readline():
        writer.write(data.upper())
        await writer.drain()
    writer.close()


async def streams():
    # Not TCP: a build has no network, not even with itself.
    with tempfile.TemporaryDirectory() as directory:
        await talk(f"{directory}/socket")


async def talk(path):
    server = await asyncio.start_unix_server(echo, path)
    async with server:
        reader, writer = await asyncio.open_unix_connection(path)
        for i in range(400):
            writer.write(b"line %d %s\n" % (i, b"x" * (i % 900)))
            await writer.drain()
            await reader.readline()
        writer.close()
        await writer.wait_closed()


async def queues():
    waiting: asyncio.Queue = asyncio.Queue(maxsize=10)

    async def produce():
        for i in range(700):
            await waiting.put(i)
        await waiting.put(None)

    async def consume():
        total, lock = 0, asyncio.Lock()
        while (item := await waiting.get()) is not None:
            async with lock:
                total += item
        return total

    await asyncio.gather(produce(), consume())
    try:
        await asyncio.wait_for(asyncio.sleep(30), 0.001)
    except asyncio.TimeoutError:
        pass


async def together():
    rng = random.Random(0)
    await tree(4, rng, {}, False)
    await tree(4, rng, {}, True)
    await grouped(4, rng, {})
    total = 0
    async for value in numbers(8000):
        total += value
    async for value in nested(11):
        total += value
    total += sum([v async for v in numbers(2000)])
    await returned(16)
    await streams()
    await queues()


def threads():
    todo: queue.Queue = queue.Queue()
    lock, done = threading.Lock(), []

    def work():
        while (item := todo.get()) is not None:
            with lock:
                done.append(item * item)

    workers = [threading.Thread(target=work) for _ in range(3)]
    for worker in workers:
        worker.start()
    for i in range(1500):
        todo.put(i)
    for _ in workers:
        todo.put(None)
    for worker in workers:
        worker.join()
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        return sum(pool.map(abs, range(-600, 0)))


def main():
    asyncio.run(together())
    if hasattr(asyncio, "eager_task_factory"):

        async def eager():
            asyncio.get_running_loop().set_task_factory(asyncio.eager_task_factory)
            await tree(4, random.Random(1), {}, True)

        asyncio.run(eager())
    threads()


if __name__ == "__main__":
    main()
