"""PersonaFeedback: the better personalised of two replies, as people chose it."""

from limner.evals.personafeedback.choice import personafeedback

__all__ = ["personafeedback"]
