"""What can be seen of storage destinations: which there are, who needs one, and how one is mounted."""

from producers.views.destinations.listed import (
    DestinationView,
    UnreadableDestination,
    destinations,
    fields,
    is_given,
)

__all__ = ["DestinationView", "UnreadableDestination", "destinations", "fields", "is_given"]
