"""What may be told about a user, to whom, and what was told; a part of `User`."""

from anyio import to_thread

from limner.api.rights import UserRights
from limner.memory.records import AuditEntry
from limner.profiles.sharing import Judge, Shared, audit

__all__ = ["UserSharing"]


class UserSharing(UserRights):
    """The part of the door to one user by which something is told to others."""

    def share(self, recipient: str, purpose: str) -> Shared:
        """Return the statements that may be told to somebody for a purpose, and log the decision about each one.

        Denied is what is sensitive, about somebody else, not needed for the purpose, or in doubt (contextual integrity, Nissenbaum 2004; the
        audit of GUM, Shaikh et al. 2025, §3). It is a check by a list of words, an encoder and a language model, and no guarantee: see
        `docs/sharing.md` for how often it is wrong. Who the recipient really is, is for the caller to know.

        Args:
            recipient: To whom, in words, such as `the user's dentist`.
            purpose: What for, in words, such as `planning a treatment`.

        Returns:
            What may be told; `str()` of it is the statements alone. Evidence and reasoning never are among it.

        Raises:
            InputError: Recipient or purpose is empty, or nothing but orders; nothing is told.
            ModelError: The model failed; nothing is told, and the failure is logged.
            StoreError: The decisions could not be logged; nothing is told.
        """
        return self._limner.portal.run(self.ashare, recipient, purpose)

    async def ashare(self, recipient: str, purpose: str) -> Shared:
        """Async twin of `share`."""
        model = await to_thread.run_sync(lambda: self._limner.model)
        judge = Judge(model, self._limner.encoder, self._limner.settings.prompts)
        held = await to_thread.run_sync(self.memory.propositions)
        with model.ledger.stage(user=self.user_id):
            return await audit(self.memory, held, recipient, purpose, judge)

    def audit_log(self) -> list[AuditEntry]:
        """Return every decision about telling something to others, oldest first."""
        return self.memory.audit_log()
