"""What a person starts: the command line and the demonstration."""

__all__: list[str] = []
