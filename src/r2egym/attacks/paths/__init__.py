"""Patches that try to write where a patch has no business: outside the tree, into ``.git``, through links."""
