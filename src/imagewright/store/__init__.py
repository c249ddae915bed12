# SPDX-License-Identifier: Apache-2.0
"""The store: content-addressed blobs, step index, trees, locks and garbage collection in one directory."""
