"""Writes position snapshots, one JSON object a line on standard input, to position.snapshot.

The schema is the one that the registry holds: nothing is registered here. A field that may be null can be left out.
Timestamps are epoch milliseconds. A line that does not fit the schema is named on standard error as `line N: why`; the rest
is still written, and the exit code is 1. Bounds and rules over several fields are harvestline's to check: a record that
breaks one goes to position.snapshot.dlq.
"""

import argparse
import json
import sys

from confluent_kafka import Message, Producer
from confluent_kafka.schema_registry.avro import AvroSerializer
from confluent_kafka.serialization import MessageField, SerializationContext, SerializationError

from connection import add_arguments, kafka_settings, registry_client

TOPIC = "position.snapshot"

# How long the end waits for the last acknowledgements. Unit: seconds.
FLUSH_SECONDS = 60


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_arguments(parser)
    args = parser.parse_args()

    serialize = AvroSerializer(
        registry_client(args), conf={"auto.register.schemas": False, "use.latest.version": True}
    )
    producer = Producer(
        {
            # murmur2 is what Kafka's Java client and harvestline use: a symbol stays in one partition whoever writes it.
            "partitioner": "murmur2_random",
            "enable.idempotence": True,
            **kafka_settings(args),
        }
    )
    counts = {"written": 0, "failed": 0}

    def delivered(error: object, message: Message) -> None:
        if error is None:
            counts["written"] += 1
            return
        counts["failed"] += 1
        print(f"{message.topic()}: {error}", file=sys.stderr)

    for number, line in enumerate(sys.stdin, start=1):
        if line.strip() == "":
            continue
        try:
            snapshot = json.loads(line)
            value = serialize(snapshot, SerializationContext(TOPIC, MessageField.VALUE))
            key = f"{snapshot['account']}:{snapshot['symbol']}"
            timestamp = snapshot["observed_at"]
        except (ValueError, TypeError, KeyError, AttributeError, SerializationError) as error:
            counts["failed"] += 1
            print(f"line {number}: {error}", file=sys.stderr)
            continue
        while True:
            try:
                producer.produce(TOPIC, key=key, value=value, timestamp=timestamp, on_delivery=delivered)
                break
            except BufferError:
                # The queue is full: let acknowledgements come in.
                producer.poll(1)
        producer.poll(0)
    unsent = producer.flush(FLUSH_SECONDS)
    print(f"{counts['written']} written, {counts['failed'] + unsent} failed", file=sys.stderr)
    return 0 if counts["failed"] + unsent == 0 else 1


if __name__ == "__main__":
    sys.exit(main())
