# SPDX-License-Identifier: Apache-2.0
"""Repositories of others → a configuration of ours. Everything is read as text; nothing of it is run."""
