# SPDX-License-Identifier: Apache-2.0
"""Frozen dataclasses that every room shares, and the interfaces between rooms. No input, no output."""
