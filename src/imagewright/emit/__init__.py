# SPDX-License-Identifier: Apache-2.0
"""What is written for others to read or build from: the library manifest, READMEs. Pure."""
