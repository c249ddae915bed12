# SPDX-License-Identifier: Apache-2.0
"""Dockerfiles: the recipes that the native engine runs, printed for other engines."""
