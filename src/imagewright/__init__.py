# SPDX-License-Identifier: Apache-2.0
"""Imagewright builds Python container images from source, reproducibly and without a daemon."""

__version__ = "0.1.0"
