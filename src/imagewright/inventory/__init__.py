# SPDX-License-Identifier: Apache-2.0
"""What an image consists of, read from its own files: for bills of materials, reports and differences."""
