"""For how long backups are kept: the rules that there are, and what they would let go."""

from producers.views.retention.preview import Previewed, preview
from producers.views.retention.rules import RulesView, rules

__all__ = ["Previewed", "RulesView", "preview", "rules"]
