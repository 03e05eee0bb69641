"""Fakes for tests of code that uses limner: a scripted chat model and a deterministic encoder.

```python
from limner.testing import HashEncoder, scripted_model

model = scripted_model(["The user moved to Lisbon in May."])
encoder = HashEncoder()
```
"""

from limner.testing.chat import ScriptedChatModel, scripted_model
from limner.testing.encoder import HashEncoder

__all__ = ["HashEncoder", "ScriptedChatModel", "scripted_model"]
