# python emit.py http|grpc ADDRESS COUNT: sends this many records with OpenTelemetry's Python SDK, in several parts.
import logging
import sys

from opentelemetry.sdk._logs import LoggerProvider, LoggingHandler
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.resources import Resource

transport, address, count = sys.argv[1:]
PART = 10_000
PATIENCE = 60
if transport == "grpc":
    from opentelemetry.exporter.otlp.proto.grpc._log_exporter import OTLPLogExporter

    exporter = OTLPLogExporter(endpoint=address, insecure=True, timeout=PATIENCE)
else:
    from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter

    exporter = OTLPLogExporter(endpoint="http://" + address + "/v1/logs", timeout=PATIENCE)
provider = LoggerProvider(resource=Resource.create({"service.name": "snake"}))
provider.add_log_record_processor(
    BatchLogRecordProcessor(exporter, max_queue_size=2 * PART, max_export_batch_size=1_000)
)
logger = logging.getLogger("Shop")
logger.addHandler(LoggingHandler(logger_provider=provider))
for n in range(int(count)):
    logger.warning("%d", n)
    if n % PART == PART - 1:
        provider.force_flush(PATIENCE * 1000)
provider.shutdown()
