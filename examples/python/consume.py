"""Prints one line for each harvest.intent and trade.closed, until SIGINT or SIGTERM.

At least once: an offset is stored after the line is printed, and what is stored is committed every few seconds and at the
end. After a crash some lines come twice, with the same ids: drop duplicates by intent_id and trade_id.
"""

import argparse
import signal
import sys

from confluent_kafka import Consumer, KafkaError, KafkaException
from confluent_kafka.schema_registry.avro import AvroDeserializer
from confluent_kafka.serialization import MessageField, SerializationContext

from connection import add_arguments, kafka_settings, registry_client


def intent_line(intent: dict) -> str:
    return (
        f"intent {intent['symbol']} {intent['side']} {intent['action']} {intent['fraction']} {intent['reason']}"
        f" R {intent['r']:.2f} {intent['intent_id']}"
    )


def trade_line(trade: dict) -> str:
    return (
        f"trade  {trade['symbol']} {trade['side']} {trade['quantity']} at {trade['exit_price']}"
        f" {trade['pnl_percent']:+.2f} % {trade['exit_reason']} {trade['trade_id']}"
    )


LINES = {"harvest.intent": intent_line, "trade.closed": trade_line}

# How long one poll waits, and so how long a signal may wait. Unit: seconds.
POLL_SECONDS = 0.5


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_arguments(parser)
    parser.add_argument("--group", default="example-python", help="a consumer group of your own")
    args = parser.parse_args()

    running = True

    def stop(_signal: int, _frame: object) -> None:
        nonlocal running
        running = False

    signal.signal(signal.SIGINT, stop)
    signal.signal(signal.SIGTERM, stop)

    # Without a schema of its own it reads every record as it was written. Give AvroDeserializer your copy of the schema to
    # have older and newer records resolved to that.
    deserialize = AvroDeserializer(registry_client(args))
    consumer = Consumer(
        {
            **kafka_settings(args),
            "group.id": args.group,
            "auto.offset.reset": "earliest",
            "enable.auto.offset.store": False,
        }
    )
    consumer.subscribe(list(LINES))
    try:
        while running:
            message = consumer.poll(POLL_SECONDS)
            if message is None:
                continue
            error = message.error()
            if error is not None:
                # librdkafka reconnects by itself; only what it calls fatal, and a missing topic, ends the program.
                if error.fatal() or error.code() == KafkaError.UNKNOWN_TOPIC_OR_PART:
                    raise KafkaException(error)
                print(f"waiting: {error.str()}", file=sys.stderr)
                continue
            record = deserialize(message.value(), SerializationContext(message.topic(), MessageField.VALUE))
            print(LINES[message.topic()](record), flush=True)
            consumer.store_offsets(message)
    finally:
        # Commits what is stored and leaves the group, so that another member goes on at once.
        consumer.close()


if __name__ == "__main__":
    main()
