/**
 * Every error code of the program, with its kind and what the reader can do about it. Codes are stable: dead letters,
 * logs and exit codes carry them, so a code is never renamed or reused.
 *
 * - `poison`     one record or line is bad: it is set aside (dead letter, or a named line) and the stream goes on
 * - `transient`  a dependency is unavailable: wait with a bounded back-off, say so, try again
 * - `invariant`  going on would lose or falsify something: stop, exit non-zero
 * - `usage`      the person's command is wrong: exit 2
 */
export type ErrorKind = 'poison' | 'transient' | 'invariant' | 'usage';

interface ErrorCodeEntry {
  readonly kind: ErrorKind;
  readonly remedy: string;
}

export const ERROR_CODES = {
  RECORD_INVALID: {
    kind: 'poison',
    remedy: 'Correct the fields named in `paths` at the producer and send the record again.',
  },
  TIMESTAMP_AHEAD: {
    kind: 'poison',
    remedy:
      "The producer's clock, time zone or unit (seconds, milliseconds, microseconds) is wrong: its times lie ahead of the record's own timestamp or of now. Mend it there; the same bytes will be refused again.",
  },
  RECORD_EMPTY: {
    kind: 'poison',
    remedy: 'The producer sent no value. Find it by the key and headers; this topic has no tombstones.',
  },
  NOT_WIRE_FORMAT: {
    kind: 'poison',
    remedy:
      'The value is not in the Confluent wire format (byte 0, then a 4-byte schema id). Produce it with an Avro serializer.',
  },
  SCHEMA_ID_IN_HEADER: {
    kind: 'poison',
    remedy:
      "The producer keeps the schema's id in a header, in a form that is not read here. Let it write the id in front of the value (Confluent: its prefix serializer; Apicurio: without headers, as Confluent does, ids of 4 bytes), or in `__value_schema_id` with an id that this registry knows.",
  },
  SCHEMA_UNKNOWN: {
    kind: 'poison',
    remedy:
      'The registry does not know this schema id. Check that producer and consumer use the same registry. It is asked again: once it knows the id, `harvestline dlq retry TOPIC --code SCHEMA_UNKNOWN` puts the letters back.',
  },
  SCHEMA_INCOMPATIBLE: {
    kind: 'poison',
    remedy:
      'The record was written with a schema this reader cannot resolve, or whose logical types give its fields another meaning (microseconds for milliseconds). Run `harvestline schemas check` at the producer.',
  },
  AVRO_CORRUPT: { kind: 'poison', remedy: 'The bytes do not decode with the schema they name. Look at the producer.' },
  JSON_INVALID: { kind: 'poison', remedy: 'Write one JSON object per line; an unknown number is null, never NaN.' },
  CANDLES_INVALID: {
    kind: 'poison',
    remedy:
      'The file must be CSV with the header timestamp_ms,open,high,low,close,volume, oldest first, positive prices.',
  },
  PNL_UNIT: {
    kind: 'poison',
    remedy:
      'Nothing was imported. Say what pnl_percent is in: --pnl ratio, --pnl leveraged:N, --pnl leveraged, or --pnl percent to keep it as it stands.',
  },
  POLICY_INVALID: {
    kind: 'poison',
    remedy: 'Correct the paths named; pipelines/scoring/policies/ has two complete examples.',
  },
  STALL_LIMITS_INVALID: {
    kind: 'poison',
    remedy: 'Correct the paths named; `harvestline status --help` lists the limits.',
  },
  NOTIFY_FILE_INVALID: {
    kind: 'usage',
    remedy: 'Correct the paths named; `harvestline notify test --help` shows a whole file.',
  },
  NOTIFY_REFUSED: {
    kind: 'poison',
    remedy:
      'The target says no to the message or to the login. Correct its entry in the notify file, then try `harvestline notify test --notify FILE`.',
  },
  NOTIFY_UNAVAILABLE: {
    kind: 'transient',
    remedy: 'Check that the target is up and reachable from here; the message waits and is sent again.',
  },
  SCHEMAS_INCOMPATIBLE: { kind: 'poison', remedy: 'Undo the change, or release it as a new field with a default.' },
  LOG_BUSY: {
    kind: 'transient',
    remedy: 'Another process holds the write lock of the embedded log; it is tried again.',
  },
  REGISTRY_AWAY: {
    kind: 'transient',
    remedy:
      'Check that the schema registry is up, that SCHEMA_REGISTRY_URL or --registry has the path of its API (such as /apis/ccompat/v7), and that it takes these credentials; a processor waits and tries again.',
  },
  BROKER_AWAY: {
    kind: 'transient',
    remedy: 'Check that the Kafka brokers of KAFKA_BROKERS are up and can be reached; it is tried again.',
  },
  BROKER_AUTH_REFUSED: {
    kind: 'invariant',
    remedy:
      "Check KAFKA_SASL_MECHANISM against the broker's enabled mechanisms, and user, password or token (KAFKA_SASL_USERNAME, _PASSWORD[_FILE], _TOKEN_FILE, _TOKEN_COMMAND) against what the broker knows. docs/operations.md says how to rotate them.",
  },
  BROKER_CERTIFICATE: {
    kind: 'invariant',
    remedy:
      "Put the authority that signed the broker's certificate into the file of KAFKA_TLS_CA_FILE (PEM), and name brokers in KAFKA_BROKERS as their certificates do. Where the broker refuses this program's certificate: KAFKA_TLS_CERT_FILE and KAFKA_TLS_KEY_FILE. docs/operations.md says how to rotate them.",
  },
  BROKER_LISTENER: {
    kind: 'invariant',
    remedy:
      'The port speaks otherwise than this program was told: set KAFKA_TLS and KAFKA_SASL_MECHANISM as that listener of the broker has them, or give the port of another listener.',
  },
  CREDENTIALS_UNAVAILABLE: {
    kind: 'invariant',
    remedy:
      'Run the command of KAFKA_SASL_TOKEN_COMMAND by hand, as the user that this program runs as: it must print the token, and nothing else, within 10 s.',
  },
  ACCESS_DENIED: {
    kind: 'invariant',
    remedy:
      'Give the user the right that is named: docs/operations.md lists what each processor and command needs, with the commands for it.',
  },
  EXCHANGE_AWAY: {
    kind: 'transient',
    remedy: 'Check the connection to the exchange; the processor waits and tries again.',
  },
  KEYS_UNUSABLE: {
    kind: 'invariant',
    remedy:
      'Put the key of the exchange, and nothing else, into the variable or file that is named, as UTF-8 text. Then start again.',
  },
  KEYS_REFUSED: {
    kind: 'invariant',
    remedy:
      'Check HARVESTLINE_API_KEY and HARVESTLINE_API_SECRET, or the files that hold them: both of one key, for futures, real or practice as --live or --demo says, and with the address of this machine allowed. Then start again.',
  },
  EXCHANGE_UNSUPPORTED: {
    kind: 'invariant',
    remedy: 'This exchange, or the mode of this account, is not supported. docs/exchanges.md says what is.',
  },
  SCHEMA_NOT_REGISTERED: {
    kind: 'invariant',
    remedy:
      'Nothing registers itself. `harvestline schemas diff --against registry` says what differs, `harvestline schemas register` registers.',
  },
  TOPIC_NOT_OWNED: {
    kind: 'invariant',
    remedy: 'One processor writes a topic (schemas/topics.ts). Write to a topic of your own.',
  },
  TOPIC_MISSING: {
    kind: 'invariant',
    remedy: 'The topic does not exist in this log. `harvestline topics apply` creates the topics of the table.',
  },
  CONTROL_TOPIC_FORGETS: {
    kind: 'invariant',
    remedy:
      'Execution does not start where a halt can expire. Alter the topic as the message says, look at `harvestline status`, and start again.',
  },
  LOG_REFUSED: {
    kind: 'invariant',
    remedy: 'The broker gave a definite no. Its message says why.',
  },
  BATCH_UNREADABLE: {
    kind: 'invariant',
    remedy:
      'The bytes on the broker are damaged, or of a format that is not read. Check its disks; a consumer group gets past them by an offset of your choice (kafka-consumer-groups --reset-offsets).',
  },
  RECORD_TOO_LARGE: {
    kind: 'poison',
    remedy:
      'The topic takes no record of this size. Raise its max.message.bytes (`harvestline topics apply --dry-run` shows those that differ), or make the record smaller at its producer.',
  },
  TIMESTAMP_REFUSED: {
    kind: 'poison',
    remedy:
      'The topic takes no record of this time (message.timestamp.before.max.ms and .after.max.ms). Check the clocks of the producer and of the broker.',
  },
  RECORDS_NEVER_READ: {
    kind: 'poison',
    remedy:
      'Retention removed them before the group came to them: see why it was away or slow, and how long the topic keeps records. The alert stands until somebody has seen it: `harvestline dlq discard --code RECORDS_NEVER_READ --by NAME --reason TEXT`.',
  },
  TOPIC_MADE_ANEW: {
    kind: 'invariant',
    remedy:
      'The topic was deleted and made again: what it held is gone, and what the group had not read of it was never read. Nothing is to be done where that was meant; else find out who deletes topics.',
  },
  PARTITION_MISSING: {
    kind: 'invariant',
    remedy:
      'The topic has fewer partitions than its table, or than its source. `harvestline topics apply` says how they differ.',
  },
  MEMBERSHIP_LOST: {
    kind: 'invariant',
    remedy: 'The consumer group gave the partition to another member, who works on it now. Nothing is lost.',
  },
  REGISTRY_REFUSED: {
    kind: 'invariant',
    remedy: 'The registry gave a definite no. Its message says why: credentials, permissions, or an invalid schema.',
  },
  LOG_UNREADABLE: {
    kind: 'invariant',
    remedy: 'The data folder holds no log of this program, or one of a newer version.',
  },
  DATA_DAMAGED: {
    kind: 'invariant',
    remedy:
      'What is on disk is not what was written. Stop what works on the folder, keep a copy of it, and go on from a backup or in a new folder (--data).',
  },
  DISK_FULL: {
    kind: 'invariant',
    remedy:
      'Make room on that disk, or give a place on another one, and start again. What was acknowledged before is on the disk; this was not.',
  },
  DISK_FAILED: {
    kind: 'invariant',
    remedy: 'The disk or its file system failed: the log of the system says more. Mend it, then start again.',
  },
  DATA_UNWRITABLE: {
    kind: 'invariant',
    remedy:
      'The file or folder cannot be made, or not be read and written. Mend its permissions, or give another place (--data, --output, --html).',
  },
  DATA_IN_USE: {
    kind: 'invariant',
    remedy: 'Another process works on this data folder. Stop it, or give another folder with --data.',
  },
  ACCOUNT_TAKEN: {
    kind: 'invariant',
    remedy:
      'An account is worked by one venue and mode at a time: `harvestline desk list` shows by whom. If that is over: `harvestline desk retire ACCOUNT --by NAME --reason TEXT`.',
  },
  ACCOUNT_UNKNOWN: { kind: 'poison', remedy: '`harvestline desk list` shows the accounts that are claimed.' },
  TOPICS_NOT_CO_PARTITIONED: {
    kind: 'invariant',
    remedy:
      'Execution restores the ledger of a partition from the same partition of its other topics. Give them equally many.',
  },
  PROCESSOR_STOPPED: {
    kind: 'invariant',
    remedy: 'Its log lines say why it no longer consumes. Nothing was acknowledged unprocessed: start it again.',
  },
  DRAIN_TIMED_OUT: {
    kind: 'invariant',
    remedy: 'A batch in hand did not end in time; it was not committed and comes again at the next start.',
  },
  ID_UNKNOWN: {
    kind: 'poison',
    remedy:
      'Copy one from `harvestline tail position.snapshot --json` (position_id) or `harvestline tail harvest.intent --json` (intent_id).',
  },
  VERSION_UNKNOWN: { kind: 'usage', remedy: '`harvestline calibrate list` shows the versions.' },
  DECISION_REFUSED: {
    kind: 'poison',
    remedy: 'Nothing was decided. `harvestline calibrate list` shows what stands.',
  },
  ROWS_INVALID: {
    kind: 'poison',
    remedy: 'The export is not as `calibrate propose` wrote it. Find the original, or give its place with --rows.',
  },
  LEDGER_BROKEN: { kind: 'invariant', remedy: 'The ledger contradicts itself. Keep the data folder and report this.' },
  TOOL_MISSING: { kind: 'invariant', remedy: 'Install what is named, or use docker-compose.yml (docs/broker.md).' },
  JARS_NOT_FETCHED: {
    kind: 'invariant',
    remedy: 'Maven could not fetch Kafka and the registry. Check the network and ~/.m2/settings.xml, then try again.',
  },
  PORT_TAKEN: { kind: 'usage', remedy: 'Choose another port, or stop the program that listens there.' },
  PATH_UNKNOWN: {
    kind: 'usage',
    remedy:
      'GET / is the page, /api/state the same as JSON, /api/events its changes, /api/positions/ID one position; /live, /ready and /metrics are for machines.',
  },
  REQUEST_REFUSED: {
    kind: 'usage',
    remedy: 'Nothing here can be changed: send GET or HEAD, without a body, with a short address and few headers.',
  },
  ORIGIN_REFUSED: {
    kind: 'usage',
    remedy:
      'Open the page by its own address, http://127.0.0.1:PORT or http://localhost:PORT. Another name, such as that of a proxy, is allowed with --http-allowed-hosts NAME at the start.',
  },
  TOKEN_NEEDED: {
    kind: 'usage',
    remedy:
      'Open /?token=TOKEN in a browser, which keeps a cookie, or send `Authorization: Bearer TOKEN`. The token is in the file that --http-token-file names.',
  },
  TOKEN_ATTEMPTS: { kind: 'transient', remedy: 'Wait as many seconds as the header Retry-After says.' },
  PAGE_CLOSED: {
    kind: 'usage',
    remedy:
      'Start with --http-token-file FILE to serve the page to other machines, or on a loopback address; /live, /ready and /metrics need neither.',
  },
  PAGE_BUSY: { kind: 'transient', remedy: 'Close another tab of the page, or try again in a few seconds.' },
  ANSWER_FAILED: { kind: 'invariant', remedy: 'The log of the process that serves the page says why.' },
  SERVER_FAILED: { kind: 'invariant', remedy: 'Its log file says why; docs/broker.md says where it is.' },
  CONFIG_INVALID: {
    kind: 'usage',
    remedy:
      '`harvestline config check` names everything that is wrong in the file. To do without it this once: --config /dev/null.',
  },
  USAGE: { kind: 'usage', remedy: 'Run the command with --help for its options and examples.' },
} as const satisfies Record<string, ErrorCodeEntry>;

export type ErrorCode = keyof typeof ERROR_CODES;
