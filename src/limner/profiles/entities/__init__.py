"""What a user searched for, read and used, as entities of a vocabulary; and queries suggested from them.

After K-LaMP (Baek et al. 2024, "Knowledge-Augmented Large Language Models for Personalized Contextual Query Suggestion", arXiv 2311.06318):
a light store for each user, of entities of a public knowledge graph with counts, instead of a profile in words. The graph is a vocabulary
here: the values and titles of a catalogue, or a file.
"""

from limner.profiles.entities.portraitist import EntityPortraitist
from limner.profiles.entities.queries import QuerySuggestion, QuerySuggestions, suggest_queries
from limner.profiles.entities.vocabulary import Entity, Vocabulary

__all__ = [
    "Entity",
    "EntityPortraitist",
    "QuerySuggestion",
    "QuerySuggestions",
    "Vocabulary",
    "suggest_queries",
]
