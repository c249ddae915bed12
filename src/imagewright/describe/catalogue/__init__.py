# SPDX-License-Identifier: Apache-2.0
"""The catalogue site: facts of many images in, static pages out. What reads and writes them is in ``app``."""
