"""The reference for people at /docs: the two documents for machines, rendered as one page that needs no script."""

from coachwire.reference.page import reference

__all__ = ["reference"]
