"""Next steps proposed to the user unasked, after GUMBO (Shaikh et al. 2025, "Creating General User Models from Computer Use").

What is proposed rests on propositions that are held. It is offered where its expected benefit exceeds the cost of interrupting (Horvitz 1999,
"Principles of Mixed-Initiative User Interfaces"), a few times a day, and never twice. Nothing is done: a suggestion is a sentence.
"""

from limner.profiles.suggestions.suggest import PassedOver, Suggested, suggest

__all__ = ["PassedOver", "Suggested", "suggest"]
