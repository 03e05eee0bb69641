"""What is proposed to the user, asked for by a program or by what they type; a part of `User`."""

from functools import partial

from anyio import to_thread

from limner.api.rights import UserRights
from limner.memory.records import Suggestion
from limner.profiles.entities import EntityPortraitist, QuerySuggestions, Vocabulary, suggest_queries
from limner.profiles.suggestions import Suggested, suggest

__all__ = ["UserSuggesting"]


class UserSuggesting(UserRights):
    """The part of the door to one user by which limner proposes something to them."""

    def suggest(self, k: int = 1) -> Suggested:
        """Offer at most `k` next steps that are worth interrupting the user for (GUMBO, Shaikh et al. 2025); nothing is done.

        Each rests on propositions that are held. It is offered where its expected benefit (probability times value) exceeds the cost
        of interrupting (Horvitz 1999); otherwise, and where the user has had enough of them (`suggest_per_day`, `suggest_interval_h`),
        the answer says why not, and when to ask again. What is offered is stored, and not offered again.

        Args:
            k: Most of them.

        Raises:
            InputError: `k` is less than 1.
            ModelError: The model failed; nothing was stored.
            StaleClaim: Something was forgotten, or suggested, meanwhile; nothing was stored.
        """
        return self._limner.portal.run(partial(self.asuggest, k))

    async def asuggest(self, k: int = 1) -> Suggested:
        """Async twin of `suggest`."""
        model = await to_thread.run_sync(lambda: self._limner.model)
        settings = self._limner.settings
        return await suggest(
            self.memory, model, self._limner.encoder, settings, k=k, prompts=settings.prompts
        )

    def suggest_queries(
        self, query: str, page: str = "", *, k: int = 4, worded: bool = False
    ) -> QuerySuggestions:
        """Return at most `k` queries that go on from the one being typed, each from an entity of the user's (K-LaMP).

        The entities are those of the portrait `entities`, which is brought up to date first; no model is asked for that. Of a user of whom
        nothing is known, and where nothing of theirs goes with the query, names of the vocabulary that begin so are suggested, or nothing,
        and the reason is told.

        Args:
            query: As far as it is typed.
            page: Text of the page that the user is on.
            k: Most of them.
            worded: Whether the language model words them; else they are the query with the entity.

        Raises:
            InputError: The query is empty or longer than 500 characters, `k` is less than 1, or the vocabulary cannot be read.
            ModelError: The model failed.
            StaleClaim: Something was forgotten meanwhile.
        """
        return self._limner.portal.run(partial(self.asuggest_queries, query, page, k=k, worded=worded))

    async def asuggest_queries(
        self, query: str, page: str = "", *, k: int = 4, worded: bool = False
    ) -> QuerySuggestions:
        """Async twin of `suggest_queries`."""
        limner = self._limner
        vocabulary = await to_thread.run_sync(self._vocabulary)
        portrait = await EntityPortraitist(vocabulary).draw(self.memory)
        model = await to_thread.run_sync(lambda: limner.model) if worded else None
        prompts = limner.settings.prompts
        return await suggest_queries(
            portrait, query, page, vocabulary, limner.encoder, k=k, model=model, prompts=prompts
        )

    def _vocabulary(self) -> Vocabulary:
        limner = self._limner
        if limner.world is None or limner.known_dataset() is None:
            return Vocabulary.of(None, limner.settings.vocabulary)
        return limner.world.vocabulary(limner.settings.vocabulary)

    def suggestions(self) -> list[Suggestion]:
        """Return everything that was suggested, oldest first, with what the user made of it."""
        return self.memory.suggestions()

    def shown(self, id: str) -> Suggestion:
        """Note that a suggestion was before the user's eyes.

        Raises:
            NotFound: This user has none of this id.
        """
        return self.memory.show_suggestion(id)

    def accept(self, id: str) -> Suggestion:
        """Note that the user takes a suggestion up; limner does nothing of it.

        It becomes an observation of the source `suggestions`, unless that may not be recorded. Reflection does not read that one, as its
        words are a model's; later suggestions cost less or more by it.

        Raises:
            NotFound: This user has none of this id.
            InputError: It was dismissed already.
        """
        return self.memory.decide_suggestion(id, accepted=True)

    def dismiss(self, id: str) -> Suggestion:
        """Note that the user turns a suggestion down; see `accept`.

        Raises:
            NotFound: This user has none of this id.
            InputError: It was accepted already.
        """
        return self.memory.decide_suggestion(id, accepted=False)
