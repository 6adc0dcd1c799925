"""How our processes log: JSON lines."""

import logging

import structlog


def configure(level: str) -> None:
    """JSON lines, ours and those of libraries; Kopf's per-object chatter only when something is wrong."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(level),
    )
    renderer = structlog.processors.JSONRenderer()
    handler = logging.StreamHandler()
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                renderer,
            ],
        )
    )
    logging.basicConfig(handlers=[handler], level=level, force=True)
    # At DEBUG the Kafka client would log its whole configuration, the password too.
    for name in ("kopf.objects", "kopf.activities", "httpx2", "aiohttp", "kafka"):
        logging.getLogger(name).setLevel(logging.WARNING)
