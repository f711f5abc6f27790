/**
 * What `doctor` asks the world before a desk runs. Every method reads only: nothing is written, ordered or sent.
 */
import type { EpochMillis } from './clock.ts';

/** An address, and why nothing takes connections there; null: something does. */
export interface Reach {
  /** `host:port`. */
  readonly address: string;
  readonly trouble: string | null;
}

/** The encryption of a connection. */
export interface TlsSession {
  /** For example TLSv1.3. */
  readonly protocol: string;
  /** When the certificate of the other side expires; null where it does not say. */
  readonly validUntil: EpochMillis | null;
}

/** A Kafka cluster. */
export interface ClusterProbe {
  /** How this program logs in, without secrets; null: without SASL. */
  readonly login: string | null;
  /** Whether the settings ask for TLS. */
  readonly encrypted: boolean;
  /** Whether anything takes connections at each address of the settings. Does not throw. */
  reach(): Promise<readonly Reach[]>;
  /** Throws BROKER_CERTIFICATE, BROKER_LISTENER or BROKER_AWAY. */
  tls(): Promise<TlsSession>;
  /** The number of brokers. Throws as every request to Kafka: BROKER_AUTH_REFUSED, BROKER_LISTENER, BROKER_AWAY … */
  brokers(): Promise<number>;
  /** The time of the cluster's active controller; null where the cluster does not say. */
  time(): Promise<EpochMillis | null>;
}

/** The file of an embedded log. */
export interface LogFileProbe {
  readonly path: string;
  exists(): boolean;
  /** Throws LOG_UNREADABLE for another format, DATA_DAMAGED for a damaged file. */
  verify(): void;
  /** Whether a process works on it. */
  isInUse(): boolean;
}

/** The data folder and its disk. */
export interface FolderFacts {
  readonly path: string;
  readonly exists: boolean;
  /** Why this process cannot write there, or could not make the folder; null: it can. */
  readonly unwritable: string | null;
  /** Unit: bytes. */
  readonly freeBytes: number;
  /** The folder and those of its files that others may read, with their modes: `log.sqlite (0644)`. */
  readonly openToOthers: readonly string[];
}

/** What a key may do; null: the exchange does not say. */
export interface KeyRights {
  readonly withdraw: boolean | null;
  readonly trade: boolean | null;
  /** Whether it works from every address. */
  readonly anyAddress: boolean | null;
}

/** An amount of one currency in the account. */
export interface MarginBalance {
  readonly currency: string;
  readonly total: number;
  readonly free: number;
}

/** The account at an exchange. Every method throws EXCHANGE_AWAY without a complete answer. */
export interface AccountProbe {
  readonly venue: string;
  readonly stake: 'live' | 'demo' | 'data';
  readonly hasKeys: boolean;
  /** The exchange's clock minus this machine's. Unit: milliseconds. */
  skewMs(): Promise<number>;
  /** Whether the keys do what this desk needs of them. Throws KEYS_REFUSED, EXCHANGE_UNSUPPORTED. */
  tryKeys(): Promise<void>;
  /** Null: the exchange has no request for them. */
  keyRights(): Promise<KeyRights | null>;
  /** For example `one-way`. Throws EXCHANGE_UNSUPPORTED where the exchange does not say. */
  positionMode(): Promise<string>;
  /** Currencies that the account holds. */
  margin(): Promise<readonly MarginBalance[]>;
  /** Throws USAGE with every symbol that the exchange does not have. */
  symbols(): Promise<void>;
}
