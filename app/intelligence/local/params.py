"""How the local provider is set up (001); it is there without being set up at all."""

from typing import Annotated, TypeAlias

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from app.intelligence.providers._base import ProviderKind

LOCAL = "local"


def _absolute(path: str) -> str:
    if not path.startswith(("/", "~/")) or "\0" in path:
        raise ValueError("must begin with / or ~/")
    return path


def _split(value: object) -> object:
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


ScanPath: TypeAlias = Annotated[str, Field(max_length=1000), AfterValidator(_absolute)]


class LocalParams(BaseModel):
    """What of this machine is shown, and where large and old files are looked for."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    top_n_processes: int = Field(default=10, ge=1, le=50, description="Top memory and CPU processes to report.")
    large_file_threshold_mb: float = Field(default=100.0, gt=0, le=1e9, description="Minimum size of a large file.")
    old_file_days: int = Field(default=30, ge=1, le=36500, description="Files not changed for so many days are old.")
    scan_paths: Annotated[tuple[ScanPath, ...], BeforeValidator(_split)] = Field(
        default=("/var/log", "/tmp", "/var/tmp", "/var/cache"),  # noqa: S108  looked into, not written to
        max_length=50,
        description="Directories to look into when a disk is full, with commas between.",
    )


KIND = ProviderKind(
    label="Local analysis",
    config_model=LocalParams,
    setup="Built in: it looks at this machine and at the incident's own evidence, asks nobody and costs nothing. "
    "It answers while no other provider is active, and whenever the active one fails.",
)
