"""The batch reflection on several machines: a Ray cluster's workers share out the users, or the shards, and a pool of endpoints."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from limner.api.cluster.driving import reflect_over_ray
    from limner.api.cluster.job import ClusterJob, ClusterReflection, ClusterStep

__all__ = ["ClusterJob", "ClusterReflection", "ClusterStep", "reflect_over_ray"]

_MODULE_OF = {
    "ClusterJob": "job",
    "ClusterReflection": "job",
    "ClusterStep": "job",
    "reflect_over_ray": "driving",
}


def __getattr__(name: str) -> object:
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULE_OF[name]}"), name)
