# SPDX-License-Identifier: Apache-2.0
"""OCI images as bytes: layers, configuration, manifest, index, layout and archives."""
