"""One prefix cache, and yet one for each user: vLLM's `cache_salt`."""

import hmac
import secrets

from limner.inference.ledger import current_user

__all__ = ["PrefixSalt"]


class PrefixSalt:
    """Keeps the prefixes of users apart in the cache of one vLLM server.

    Who can ask a server that others use could otherwise tell, from the time that an answer takes, whether somebody has sent
    the same words before. vLLM shares a cached prefix only among requests of one salt; the prefix that all users have in
    common is then computed once for each of them.
    """

    def __init__(self) -> None:
        # Nobody else knows the key, and it goes with the process.
        self._key = secrets.token_bytes(32)

    def field(self) -> dict[str, str]:
        """Return the field of a request on behalf of the user of the surrounding `Ledger.stage` block."""
        name = (current_user() or "").encode("utf-8", "surrogatepass")
        return {"cache_salt": hmac.new(self._key, name, "sha256").hexdigest()}
