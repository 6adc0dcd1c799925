"""From settings and the backends' Secrets to the facts of this installation that tenants are built from. Pure."""

from collections.abc import Callable, Iterable

from .network import Network
from .settings import Settings
from .tenant import Platform


def platform(settings: Settings, backend: Callable[[str, str], str], network: Network, *, has_s3: bool) -> Platform:
    """What tenants are built from. `backend` gives a value of a backend's Secret by the names of the two."""
    return Platform(
        namespace=settings.namespace,
        domain=settings.domain,
        edge_port=settings.edge_port,
        postgres_host=backend("postgres", "host"),
        postgres_port=int(backend("postgres", "port")),
        kafka_bootstrap=backend("kafka", "bootstrap"),
        elasticsearch_url=backend("elasticsearch", "url"),
        redis_host=backend("redis", "host"),
        redis_port=int(backend("redis", "port")),
        network=network,
        elasticsearch_replicas=settings.elasticsearch_replicas,
        postgres_standby_host=settings.postgres_standby_host,
        postgres_standby_port=settings.postgres_standby_port,
        otlp_endpoint=settings.otlp_endpoint,
        measures_load=bool(settings.prometheus_url),
        s3_url=backend("s3", "url") if has_s3 else "",
        s3_region=backend("s3", "region") if has_s3 else "",
        image=settings.image,
        claims=1 if settings.backups_volume.source() else 0,
        smtp_host=settings.smtp_host,
        smtp_port=settings.smtp_port,
        smtp_from=settings.smtp_from,
    )


def bundle(certificates: Iterable[str]) -> str:
    """One file of PEM certificates, each once."""
    return "".join(f"{each}\n" for each in dict.fromkeys(text.strip() for text in certificates))
