# SPDX-License-Identifier: Apache-2.0
"""Worker processes, semaphores, shared memory."""

from __future__ import absolute_import, division, print_function

import multiprocessing

from verdict import need, passed


def square(number):
    return number * number


def fill(memory):
    memory[:6] = list(b"shared")


def main():
    pool = multiprocessing.Pool(2)
    answers = pool.map(square, range(5))
    pool.close()
    pool.join()
    need(answers == [0, 1, 4, 9, 16], "a pool gave %s" % answers)
    memory = multiprocessing.Array("c", 16)
    worker = multiprocessing.Process(target=fill, args=(memory,))
    worker.start()
    worker.join()
    need(memory[:6] == b"shared", "shared memory holds %r" % memory[:6])
    semaphore = multiprocessing.BoundedSemaphore(2)
    need(semaphore.acquire(timeout=1) and semaphore.get_value() == 1, "semaphores do not count")
    passed("a pool, semaphores, shared memory")


if __name__ == "__main__":
    main()
