# SPDX-License-Identifier: Apache-2.0
"""The distribution protocol (OCI distribution-spec 1.1): references in, verified bytes out, tags moved last.

:mod:`client` speaks to one repository through :mod:`transport` (connections, patience, authorisation);
:mod:`upload` brings one blob there whatever happens on the way; :mod:`publish` keeps the order that cannot
mislead; :mod:`pull` brings an image here. What a registry says is bounded and verified before it is used.
"""
