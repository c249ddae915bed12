# SPDX-License-Identifier: Apache-2.0
"""What vouches for an image: bills of materials, provenance, signatures. Pure: bytes in, bytes out."""
