"""The General User Model: confidence-weighted propositions about a user, revised as evidence comes in.

The stages are plain functions, each in the module of its name: `propose`, `support`, `relate`, `revise`, `review`
(for computed findings); `reflect` runs them. GUM's last step, the audit, is `limner.profiles.sharing`.
"""

from limner.profiles.propositions.explanation import Explanation
from limner.profiles.propositions.findings import Baseline
from limner.profiles.propositions.portraitist import PropositionPortraitist
from limner.profiles.propositions.reflect import ItemKnowledge, Reflection, ReflectionStep

__all__ = [
    "Baseline",
    "Explanation",
    "ItemKnowledge",
    "PropositionPortraitist",
    "Reflection",
    "ReflectionStep",
]
