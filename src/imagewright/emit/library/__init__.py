# SPDX-License-Identifier: Apache-2.0
"""The manifest of an official-images library: what tags there are, and from which commit each is built.

The format: https://github.com/docker-library/official-images#instruction-format; its reader: ``manifest`` of
https://github.com/docker-library/bashbrew.
"""
