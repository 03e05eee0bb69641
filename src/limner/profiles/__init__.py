"""Portraits: how what is known about a user is put into words."""

from limner.profiles.portraitist import Portraitist

__all__ = ["Portraitist"]
