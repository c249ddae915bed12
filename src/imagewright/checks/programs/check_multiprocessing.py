# SPDX-License-Identifier: Apache-2.0
"""Worker processes by every start method, with semaphores, queues and shared memory."""

from __future__ import annotations

import multiprocessing
import multiprocessing.pool
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import shared_memory

from verdict import need, passed


def square(number: int) -> int:
    return number * number


def fill(name: str, text: bytes) -> None:
    memory = shared_memory.SharedMemory(name=name)
    assert memory.buf is not None
    memory.buf[: len(text)] = text
    memory.close()


def main() -> None:
    methods = multiprocessing.get_all_start_methods()
    need(set(methods) >= {"fork", "spawn"}, f"start methods are {methods}")
    for method in methods:
        context = multiprocessing.get_context(method)
        with context.Pool(2) as pool:
            answers = pool.map(square, range(5))
        need(answers == [0, 1, 4, 9, 16], f"{method}: {answers}")
    context = multiprocessing.get_context("spawn")
    memory = shared_memory.SharedMemory(create=True, size=16)
    worker = context.Process(target=fill, args=(memory.name, b"shared"))
    worker.start()
    worker.join()
    assert memory.buf is not None
    text = bytes(memory.buf[:6])
    memory.close()
    memory.unlink()
    need(text == b"shared", f"shared memory holds {text!r}")
    semaphore = multiprocessing.BoundedSemaphore(2)
    need(semaphore.acquire(timeout=1) and semaphore.get_value() == 1, "semaphores do not count")
    with ProcessPoolExecutor(2) as pool:
        need(list(pool.map(square, (3,))) == [9], "concurrent.futures lost an answer")
    passed(f"{', '.join(methods)}; semaphores, shared memory")


if __name__ == "__main__":
    main()
