# SPDX-License-Identifier: Apache-2.0
"""Reports of images, and what makes two of them different. Pure: documents and files in, facts and text out."""
