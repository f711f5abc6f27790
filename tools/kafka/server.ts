import type { Jars } from './jars.ts';
import type { ServerName } from './processes.ts';

/** All on 127.0.0.1. */
export interface BrokerPorts {
  readonly kafka: number;
  readonly controller: number;
  readonly registry: number;
}

/** Where a broker lives: an absolute folder with everything it writes, and its ports. */
export interface BrokerPlace {
  readonly folder: string;
  readonly ports: BrokerPorts;
  /** For one of several that are a cluster together; alone where left out. */
  readonly cluster?: ClusterNode;
  /** Settings of Kafka's besides those that every broker here has. */
  readonly settings?: Readonly<Record<string, string>>;
}

/** A node of a cluster: its number, and all of them. */
export interface ClusterNode {
  readonly node: number;
  /** The folder that all nodes share: the cluster's id derives from it. */
  readonly folder: string;
  /** Every node's number and port as a controller. */
  readonly voters: readonly { readonly node: number; readonly controller: number }[];
}

/** One of the two programs. */
export interface Server {
  readonly name: ServerName;
  port(ports: BrokerPorts): number;
  /** What must be there before it starts: folders, a configuration, a formatted log. Throws SERVER_FAILED. */
  prepare(place: BrokerPlace, jars: Jars, java: string): void;
  /** The arguments of `java`. */
  command(place: BrokerPlace, jars: Jars): readonly string[];
  /** True once it does what clients need; false, never an error, while it does not. */
  isReady(place: BrokerPlace): Promise<boolean>;
}

export const LOOPBACK = '127.0.0.1';

/** What a client needs to know, as the environment variables of this program. */
export function addressesOf({ ports }: BrokerPlace): { readonly brokers: string; readonly registryUrl: string } {
  return { brokers: `${LOOPBACK}:${ports.kafka}`, registryUrl: `http://${LOOPBACK}:${ports.registry}/apis/ccompat/v7` };
}
