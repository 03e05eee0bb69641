"""How free text is scored against the wanted text."""

__all__: list[str] = []
