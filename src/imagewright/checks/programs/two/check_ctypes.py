# SPDX-License-Identifier: Apache-2.0
"""Calls into the C library and back."""

from __future__ import absolute_import, division, print_function

import ctypes
import ctypes.util
import os

from verdict import need, passed

libc = ctypes.CDLL(None, use_errno=True)
need(libc.getpid() == os.getpid(), "getpid() differs")
libc.strtol.restype = ctypes.c_long
need(libc.strtol(b"-1f", None, 16) == -31, "strtol() is wrong")
libc.strtod.restype, libc.strtod.argtypes = ctypes.c_double, [ctypes.c_char_p, ctypes.c_void_p]
need(libc.strtod(b"2.5", None) == 2.5, "strtod() is wrong")
need(libc.close(-1) == -1 and ctypes.get_errno() == 9, "errno is lost")


class Division(ctypes.Structure):
    """div_t, which is returned by value."""

    _fields_ = (("quotient", ctypes.c_int), ("remainder", ctypes.c_int))


libc.div.restype = Division
result = libc.div(17, 5)
need((result.quotient, result.remainder) == (3, 2), "structures by value are wrong")
compare_type = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_int), ctypes.POINTER(ctypes.c_int))
numbers = (ctypes.c_int * 5)(5, 1, 4, 2, 3)
libc.qsort(numbers, 5, ctypes.sizeof(ctypes.c_int), compare_type(lambda left, right: left[0] - right[0]))
need(list(numbers) == [1, 2, 3, 4, 5], "qsort() with a callback gave %s" % list(numbers))
found = ctypes.util.find_library("c") if os.path.exists("/sbin/ldconfig") else "libc.so.6"
need(found == "libc.so.6", "find_library('c') gave %s" % found)
passed("C library, structures, callbacks, errno")
