import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Future;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.Headers;
import org.apache.kafka.common.header.internals.RecordHeaders;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/**
 * Apache Kafka's own client, to prove record batches against. A single source file: `java -cp 'JARS/*' JavaClient.java …`.
 *
 *     write BROKERS TOPIC   one batch by each codec to partition 0, then transactions; prints what a committed reader must find
 *     read BROKERS TOPIC    prints what a committed reader finds, in order of partition and offset
 *
 * A line is a record: partition, offset, timestamp, key, value, then name and value of each header; in hexadecimal, `null` for null.
 */
public class JavaClient {
  private static final HexFormat HEX = HexFormat.of();
  private static final long FIRST_TIMESTAMP = 1_767_225_600_000L;

  public static void main(String[] args) throws Exception {
    switch (args[0]) {
      case "write" -> write(args[1], args[2]);
      case "read" -> read(args[1], args[2]);
      default -> throw new IllegalArgumentException(args[0]);
    }
  }

  private static void write(String brokers, String topic) throws Exception {
    for (String codec : List.of("none", "gzip", "snappy", "lz4", "zstd")) {
      try (var producer = producer(brokers, Map.of("compression.type", codec))) {
        send(producer, topic, codec, 20, true);
      }
    }
    try (var producer = producer(brokers, Map.of("compression.type", "lz4", "transactional.id", topic))) {
      producer.initTransactions();
      for (String end : List.of("commit", "abort", "abort", "commit")) {
        producer.beginTransaction();
        send(producer, topic, end, 3, end.equals("commit"));
        if (end.equals("commit")) producer.commitTransaction();
        else producer.abortTransaction();
      }
    }
  }

  private static KafkaProducer<byte[], byte[]> producer(String brokers, Map<String, Object> settings) {
    // One batch a codec: nothing is sent before the flush.
    var all = new HashMap<String, Object>(Map.of("bootstrap.servers", brokers, "linger.ms", 60_000, "batch.size", 1_000_000));
    all.putAll(settings);
    return new KafkaProducer<>(all, new ByteArraySerializer(), new ByteArraySerializer());
  }

  private static void send(KafkaProducer<byte[], byte[]> producer, String topic, String what, int count, boolean isKept)
      throws Exception {
    List<ProducerRecord<byte[], byte[]>> records = new ArrayList<>();
    List<Future<RecordMetadata>> sent = new ArrayList<>();
    // More than the 32 KiB of a snappy block.
    int growth = what.equals("snappy") ? 40 : 4;
    for (int index = 0; index < count; index++) {
      byte[] key = index % 5 == 1 ? null : index % 5 == 2 ? new byte[0] : bytes("main:SYMBOL" + index % 4);
      byte[] value = index % 7 == 3 ? null : index % 7 == 4 ? new byte[0] : bytes((what + " " + index + " ").repeat(1 + index * growth));
      // Not in order: deltas are negative, too.
      long timestamp = FIRST_TIMESTAMP + (index % 3 == 2 ? -1_000L : 7L) * index;
      records.add(new ProducerRecord<>(topic, 0, timestamp, key, value, headers(what, index)));
    }
    for (var record : records) sent.add(producer.send(record));
    producer.flush();
    for (int index = 0; index < count; index++) {
      var record = records.get(index);
      long offset = sent.get(index).get().offset();
      if (isKept) print(0, offset, record.timestamp(), record.key(), record.value(), record.headers());
    }
  }

  private static Headers headers(String what, int index) {
    Headers headers = new RecordHeaders();
    if (index % 2 == 0) return headers;
    headers.add("z-first", bytes(what)).add("a-null", null).add("repeated", bytes("1")).add("repeated", new byte[0]);
    return headers.add("constructor", new byte[] {0, -1}).add("größe \uD83D\uDCC8", bytes("3"));
  }

  private static void read(String brokers, String topic) {
    var settings = Map.<String, Object>of("bootstrap.servers", brokers, "isolation.level", "read_committed", "enable.auto.commit", false);
    try (var consumer = new KafkaConsumer<>(settings, new ByteArrayDeserializer(), new ByteArrayDeserializer())) {
      for (var info : consumer.partitionsFor(topic)) {
        var partition = new TopicPartition(topic, info.partition());
        consumer.assign(List.of(partition));
        consumer.seekToBeginning(List.of(partition));
        long end = consumer.endOffsets(List.of(partition)).get(partition);
        while (consumer.position(partition) < end) {
          for (ConsumerRecord<byte[], byte[]> record : consumer.poll(Duration.ofMillis(500)))
            print(record.partition(), record.offset(), record.timestamp(), record.key(), record.value(), record.headers());
        }
      }
    }
  }

  private static void print(int partition, long offset, long timestamp, byte[] key, byte[] value, Headers headers) {
    var line = new StringBuilder(partition + " " + offset + " " + timestamp + " " + hex(key) + " " + hex(value));
    for (Header header : headers) line.append(' ').append(hex(bytes(header.key()))).append(' ').append(hex(header.value()));
    System.out.println(line);
  }

  private static String hex(byte[] bytes) {
    return bytes == null ? "null" : "x" + HEX.formatHex(bytes);
  }

  private static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }
}
