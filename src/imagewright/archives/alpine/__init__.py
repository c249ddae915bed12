# SPDX-License-Identifier: Apache-2.0
"""What Alpine publishes, and whether to believe it: indexes, signatures, packages, solving."""
