"""Where Kafka and the schema registry are, from the environment and the command line.

KAFKA_BROKERS and SCHEMA_REGISTRY_URL are the variables that harvestline itself reads.
"""

import argparse
import os

from confluent_kafka.schema_registry import SchemaRegistryClient


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--brokers", default=os.environ.get("KAFKA_BROKERS", "127.0.0.1:9092"))
    parser.add_argument(
        "--registry",
        default=os.environ.get("SCHEMA_REGISTRY_URL", "http://127.0.0.1:8081/apis/ccompat/v7"),
    )
    parser.add_argument(
        "-X",
        dest="properties",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="any other setting of librdkafka, for example -X security.protocol=SASL_SSL",
    )


def kafka_settings(args: argparse.Namespace) -> dict[str, str]:
    extra = dict(setting.split("=", 1) for setting in args.properties)
    return {"bootstrap.servers": args.brokers, **extra}


def registry_client(args: argparse.Namespace) -> SchemaRegistryClient:
    settings = {"url": args.registry}
    username = os.environ.get("SCHEMA_REGISTRY_USERNAME")
    if username is not None:
        settings["basic.auth.user.info"] = f"{username}:{os.environ.get('SCHEMA_REGISTRY_PASSWORD', '')}"
    return SchemaRegistryClient(settings)
