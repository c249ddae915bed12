# SPDX-License-Identifier: Apache-2.0
"""Workflows for services that build whenever a repository changes: GitHub Actions, GitLab CI."""
