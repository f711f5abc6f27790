"""The same batches by librdkafka (pip install confluent-kafka): `python librdkafka.py write|read BROKERS TOPIC`. Lines as JavaClient.java's."""
import sys
from confluent_kafka import Consumer, Producer, TopicPartition

FIRST_TIMESTAMP = 1_767_225_600_000


def text(data):
    return 'null' if data is None else 'x' + data.hex()


def show(partition, offset, timestamp, key, value, headers):
    fields = [str(partition), str(offset), str(timestamp), text(key), text(value)]
    for name, content in headers or []:
        fields += [text(name.encode()), text(content)]
    print(' '.join(fields))


def record(what, index):
    key = None if index % 5 == 1 else b'' if index % 5 == 2 else f'main:SYMBOL{index % 4}'.encode()
    growth = 40 if what == 'snappy' else 4
    value = None if index % 7 == 3 else b'' if index % 7 == 4 else (f'{what} {index} ' * (1 + index * growth)).encode()
    timestamp = FIRST_TIMESTAMP + (-1_000 if index % 3 == 2 else 7) * index
    headers = [] if index % 2 == 0 else [
        ('z-first', what.encode()), ('a-null', None), ('repeated', b'1'), ('repeated', b''),
        ('constructor', b'\x00\xff'), ('größe \U0001F4C8', b'3')]
    return key, value, timestamp, headers


def write(brokers, topic):
    for codec in ['none', 'gzip', 'snappy', 'lz4', 'zstd']:
        producer = Producer({'bootstrap.servers': brokers, 'compression.type': codec, 'linger.ms': 60_000})
        offsets = {}
        for index in range(20):
            key, value, timestamp, headers = record(codec, index)
            def done(error, message, index=index):
                assert error is None, error
                offsets[index] = message.offset()
            producer.produce(topic, value, key, 0, on_delivery=done, timestamp=timestamp, headers=headers)
        assert producer.flush(30) == 0
        for index in range(20):
            key, value, timestamp, headers = record(codec, index)
            show(0, offsets[index], timestamp, key, value, headers)


def read(brokers, topic):
    consumer = Consumer({'bootstrap.servers': brokers, 'group.id': topic, 'enable.partition.eof': True,
                         'enable.auto.commit': False, 'check.crcs': True})
    for partition in sorted(consumer.list_topics(topic).topics[topic].partitions):
        consumer.assign([TopicPartition(topic, partition, 0)])
        while True:
            message = consumer.poll(10)
            if message is None or message.error():
                break
            show(partition, message.offset(), message.timestamp()[1], message.key(), message.value(), message.headers())
    consumer.close()


{'write': write, 'read': read}[sys.argv[1]](*sys.argv[2:])
