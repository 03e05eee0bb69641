"""Figures that others report on LaMP."""

__all__ = ["PUBLISHED"]

_SYSTEMS = ("no profile", "BM25, k=4", "Contriever, k=4", "Persona-Plug")
_TABLE = {
    "LaMP_1": {"accuracy": (0.502, 0.626, 0.636, 0.700)},
    "LaMP_2": {"accuracy": (0.359, 0.387, 0.396, 0.559), "macro_f1": (0.276, 0.306, 0.304, 0.495)},
    "LaMP_3": {"mae": (0.308, 0.298, 0.299, 0.242), "rmse": (0.611, 0.611, 0.616, 0.557)},
    "LaMP_4": {"rouge_1": (0.176, 0.186, 0.183, 0.211), "rouge_l": (0.160, 0.171, 0.169, 0.193)},
    "LaMP_5": {"rouge_1": (0.478, 0.477, 0.483, 0.487), "rouge_l": (0.428, 0.427, 0.433, 0.439)},
    "LaMP_7": {"rouge_1": (0.449, 0.446, 0.440, 0.537), "rouge_l": (0.396, 0.394, 0.390, 0.484)},
}
PUBLISHED = {
    task: {
        f"{measure}, {system} (theirs: FlanT5-XXL, time-based test)": value
        for measure, values in measures.items()
        for system, value in zip(_SYSTEMS, values, strict=True)
    }
    for task, measures in _TABLE.items()
}
"""By task: Liu et al. 2024, "LLMs + Persona-Plug = Personalized LLMs", table 1, test column. Persona-Plug is trained on
the task; the others are not."""
