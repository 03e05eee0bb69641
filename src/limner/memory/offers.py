"""What was suggested to one user unasked; `UserMemory` adds what is recorded."""

from collections.abc import Sequence

from limner.memory import suggestions
from limner.memory.recording import UserRecording
from limner.memory.records import Suggestion, SuggestionState
from limner.memory.rows import lock_user
from limner.memory.sources import paused_since

__all__ = ("UserOffers",)


class UserOffers(UserRecording):
    """Suggestions of one user, and what they made of them."""

    def suggestions(self) -> list[Suggestion]:
        """Return everything that was suggested, oldest first."""
        with self._database.read() as connection:
            return suggestions.list_suggestions(connection, self.user_id)

    def save_suggestions(self, new: Sequence[Suggestion], *, after: int | None = None) -> None:
        """Keep suggestions: all of them, or none.

        Args:
            new: The suggestions.
            after: How many there were when these were thought of; none does not mind others made meanwhile.

        Raises:
            InputError: One is for another user, or rests on no proposition.
            StaleClaim: What one was made from has been erased or given up meanwhile, or others were made.
        """
        with self._database.write() as connection:
            lock_user(connection, self.user_id)
            suggestions.store_suggestions(connection, self.user_id, new, after)

    def show_suggestion(self, id: str) -> Suggestion:
        """Note that a suggestion was before the user's eyes.

        Raises:
            NotFound: This user has none of this id.
        """
        with self._database.write() as connection:
            lock_user(connection, self.user_id)
            return suggestions.mark_shown(connection, self.user_id, id)

    def decide_suggestion(self, id: str, *, accepted: bool) -> Suggestion:
        """Note that the user took a suggestion up, or turned it down.

        It becomes an observation of the source `suggestions` as well, unless that may not be recorded. Reflection does
        not read that one: most of its words are a model's own.

        Raises:
            NotFound: This user has none of this id.
            InputError: The other was decided already.
        """
        state: SuggestionState = "accepted" if accepted else "dismissed"
        longest = self._settings.max_observation_chars
        with self._database.write() as connection:
            lock_user(connection, self.user_id)
            return suggestions.decide(connection, self.user_id, id, state, longest)

    def is_paused(self) -> bool:
        """Return whether recording of this user is paused altogether."""
        with self._database.read() as connection:
            return paused_since(connection, self.user_id) is not None
