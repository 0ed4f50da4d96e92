"""Whether what is stored is of this version: the repositories, the records of jobs, and what the cluster keeps."""

from producers.views.upgrade.looking import looked_at
from producers.views.upgrade.parts import Part, Standing, worst

__all__ = ["Part", "Standing", "looked_at", "worst"]
