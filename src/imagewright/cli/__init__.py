# SPDX-License-Identifier: Apache-2.0
"""The command line: words in, text out. The only room that prints or exits."""
