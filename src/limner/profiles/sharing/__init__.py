"""What may be told about a user, to whom and for what: an audit by contextual integrity."""

from limner.profiles.sharing.audit import Decision, Shared, audit
from limner.profiles.sharing.judgement import Judge
from limner.profiles.sharing.kinds import Kind

__all__ = ["Decision", "Judge", "Kind", "Shared", "audit"]
