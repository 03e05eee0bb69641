"""Configuration: one typed object, from keyword arguments, the environment (`LIMNER_*`) or `limner.toml`."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

__all__ = ["FusionPart", "RecallWeights", "Settings"]

ExpandedPath = Annotated[Path, AfterValidator(lambda p: p.expanduser().absolute())]


FusionPart = Literal["lexical", "dense", "context", "speaker", "time", "answer"]
"""A part of the fitted fusion: words; meaning; what was asked before and how it is told; who speaks; when; the kind of answer."""


class RecallWeights(BaseModel):
    """What each part of the hybrid search counts; 0 switches a part off.

    Lexical and dense scores are min-max scaled over the candidates of one query before they are
    weighted, so the weights compare like with like.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    fitted: float = Field(default=0.0, ge=0)
    """The fusion of many signals that was fitted on conversations (`limner.memory.fusion`); what the settings search with."""
    without: frozenset[FusionPart] = frozenset()
    """Parts of the fusion that are left out."""
    lexical: float = Field(default=0.5, ge=0)
    """BM25 over stemmed terms."""
    dense: float = Field(default=0.5, ge=0)
    """Cosine similarity of the encoder's vectors."""
    context: float = Field(default=0.0, ge=0)
    """The best neighbour's score: observations of the same source just before and after."""
    recency: float = Field(default=0.0, ge=0)
    """0.5 ** (age / half-life); a proposition's half-life grows with its durability."""
    confidence: float = Field(default=0.0, ge=0)
    """Confidence / 10 of a proposition; observations count as 1."""
    half_life_days: float = Field(default=30.0, gt=0)
    """Half-life at durability 5 (and of observations); it doubles with every two steps of durability."""
    diversity: float = Field(default=0.0, ge=0, le=1)
    """1 − λ of maximal marginal relevance: 0 ranks by score alone."""

    @property
    def compares(self) -> bool:
        """Whether a search compares its query with vectors, which takes an encoder."""
        return self.fitted > 0 or self.dense > 0


class Settings(BaseSettings):
    """Everything that can be configured.

    Keyword arguments win over the environment (`LIMNER_HOME=…`, nested ones with two underscores:
    `LIMNER_RECALL__DENSE=0.7`), and the environment wins over `limner.toml` in the working folder.
    """

    model_config = SettingsConfigDict(
        env_prefix="LIMNER_", env_nested_delimiter="__", toml_file="limner.toml", frozen=True, extra="forbid"
    )

    home: ExpandedPath = Path("~/.limner")
    """Folder for the database and the vector index."""
    cache: ExpandedPath = Path("~/.cache/limner")
    """Folder for downloaded models and data sets; may be shared and deleted."""
    database_url: SecretStr | None = None
    """SQLAlchemy URL; none means SQLite in `home`."""
    chroma_url: str | None = None
    """`http://host:port` of a Chroma server, `ephemeral`, or none for a folder in `home`. `elsewhere` is for further processes on a
    PostgreSQL store whose index another host has in a folder: they compare vectors from SQL and leave the index alone."""

    exact_limit: int = Field(default=100_000, ge=0)
    """Documents of one kind up to which a user's vectors are compared one by one, in memory; Chroma indexes who has more."""

    snapshot_mb: int = Field(default=768, ge=1)
    """Megabytes in which searches may keep users' word statistics and vectors, those used last. Chroma indexes the vectors of a
    kind that would take more than a quarter of it, too."""

    base_url: str | None = None
    """OpenAI-compatible endpoint such as `http://localhost:8000/v1`; none starts the embedded engine."""
    api_key: SecretStr | None = None
    model: str = "qwen2.5-coder-1.5b-instruct"
    """Served model name with `base_url`; else a packaged model's name, a path to a GGUF file, or
    `owner/repository:file.gguf` on the Hugging Face hub."""
    context_length: int = Field(default=8192, ge=512)
    """Tokens of context to open the embedded engine with, or that the endpoint has."""
    temperature: float = Field(default=0.0, ge=0, le=2)
    seed: int = 0
    timeout_s: float = Field(default=120.0, gt=0)
    """Longest wait for one model call, in seconds."""
    patience_s: float = Field(default=10.0, ge=0)
    """Longest wait for an endpoint that says it is busy (HTTP 429, 503), in seconds; a batch job waits ten minutes."""
    cache_salt: bool = False
    """Whether vLLM keeps each user's prompts apart in its prefix cache. Nobody can then tell from an answer's speed what was said of
    somebody else, and the instructions that all users share are computed again for each."""
    threads: int | None = Field(default=None, ge=1)
    """Threads of the embedded engine; none means one per core."""
    call_plan: Literal["auto", "small", "batch"] = "auto"
    """How the stages ask a model: many short calls on one cached prefix, or one call a batch.
    `auto` takes `small` for the embedded engine and `batch` for an endpoint."""
    prompts: ExpandedPath | None = None
    """Folder whose files replace the built-in prompt of the same relative name."""
    confidence: ExpandedPath | None = None
    """File of confidence maps that `limner eval calibration --fit` wrote; none takes those that limner ships."""

    encoder: str = "all-MiniLM-L6-v2"
    """A packaged encoder's name, a folder, or a sentence-transformers name on the hub."""

    dataset: str | None = "ml-100k"
    """What is recommended from: a known data set or a folder of RecBole atomic files, loaded when first needed;
    none switches recommendations off."""
    recommenders: tuple[str, ...] = ("markov_knn", "blend")
    """Recommenders to fit, by registered name; the first is the base."""

    reflect_every: str = "manual"
    """When `observe` may start a reflection in the background: `manual`, a number of pending observations
    such as `20`, or an interval such as `15m`."""
    batch_tokens: int = Field(default=1500, ge=64)
    """Most tokens of observation text in one batch of a reflection."""
    vocabulary: ExpandedPath | None = None
    """JSON file of names that entities are found by, besides those of the data set; see `docs/portraits.md`."""
    suggest_per_day: int = Field(default=3, ge=0)
    """Most suggestions that are offered to a user within 24 hours; 0 switches them off."""
    suggest_interval_h: float = Field(default=4.0, ge=0)
    """Hours between two offers of suggestions."""
    suggest_cost: float = Field(default=2.5, ge=1, le=10)
    """What it costs to interrupt a user to whom nothing was suggested lately, 1 to 10; see `docs/suggestions.md`."""
    suggest_from: int = Field(default=5, ge=1, le=50)
    """Propositions that one call of `suggest` looks at."""
    summary_redraw: float = Field(default=0.25, ge=0, le=1)
    """Share of a summary's evidence that may be held no longer, or of its notes that may be new, before it is drawn anew. What was
    forgotten, and what the user denied, corrected or confirmed, draws it anew at once; 0 lets any change do so."""
    max_attempts: int = Field(default=3, ge=1)
    """Failed reflections after which an observation is parked with its reason."""
    retention_days: int | None = Field(default=None, ge=1, le=36500)
    """Days after being recorded at which observations are forgotten, with all that rests on them; none keeps them. A source of a user
    may have a period of its own."""
    max_observation_chars: int = Field(default=2_000_000, ge=1)
    recall: RecallWeights = RecallWeights(fitted=1, lexical=0, dense=0)

    @property
    def database_place(self) -> str | Path:
        """Where the database is: the URL as it is set, password included, or else the SQLite file in `home`."""
        if self.database_url is not None:
            return self.database_url.get_secret_value()
        return self.home / "limner.db"

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Read keyword arguments first, then the environment, then `limner.toml`."""
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls)
