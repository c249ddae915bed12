# SPDX-License-Identifier: Apache-2.0
"""READMEs as registries show them, from the catalog and the publication's names and links."""
