"""A folder for vLLM's import path that holds one module and nothing that could hide another one."""

__all__: list[str] = []
