import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Future;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/**
 * Kafka's own producer, idempotent and with acks=all: writes what comes on standard input, a record a line (key and value in base64, timestamp), and
 * prints `ok` for each empty line once everything before it is acknowledged. Arguments: brokers, topic.
 */
public class ForeignProducer {
  public static void main(String[] args) throws Exception {
    Map<String, Object> settings =
        Map.of(
            "bootstrap.servers", args[0],
            "acks", "all",
            "enable.idempotence", true,
            "retries", Integer.MAX_VALUE,
            "delivery.timeout.ms", Integer.MAX_VALUE,
            "linger.ms", 2);
    ByteArraySerializer bytes = new ByteArraySerializer();
    BufferedReader lines = new BufferedReader(new InputStreamReader(System.in));
    try (KafkaProducer<byte[], byte[]> producer = new KafkaProducer<>(settings, bytes, bytes)) {
      List<Future<?>> sent = new ArrayList<>();
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        if (line.isEmpty()) {
          for (Future<?> one : sent) one.get();
          sent.clear();
          System.out.println("ok");
          continue;
        }
        String[] fields = line.split(" ");
        byte[] key = Base64.getDecoder().decode(fields[0]);
        byte[] value = Base64.getDecoder().decode(fields[1]);
        sent.add(producer.send(new ProducerRecord<>(args[1], null, Long.parseLong(fields[2]), key, value)));
      }
    }
  }
}
