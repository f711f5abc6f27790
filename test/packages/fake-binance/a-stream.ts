import { once } from 'node:events';
import { onTestFinished, vi } from 'vitest';
import { WebSocket } from 'ws';

export interface Message {
  readonly e?: string;
  readonly [field: string]: unknown;
}

const PATIENCE = { timeout: 20_000, interval: 20 };

/** A client of a stream, and the messages that it received. */
export interface Stream {
  readonly socket: WebSocket;
  readonly messages: readonly Message[];
  /** Resolves with the messages of a kind once there are `count` of them. */
  readonly wait: (kind: string, count?: number) => Promise<readonly Message[]>;
}

export async function openStream(http: string, path: string): Promise<Stream> {
  const socket = new WebSocket(`${http.replace('http', 'ws')}${path}`);
  onTestFinished(() => socket.terminate());
  const messages: Message[] = [];
  socket.on('message', (data: Buffer) => messages.push(JSON.parse(data.toString('utf8')) as Message));
  await once(socket, 'open');
  const wait = (kind: string, count = 1) =>
    vi.waitFor(() => {
      const found = messages.filter(({ e }) => e === kind);
      if (found.length < count) throw new Error(`${found.length} of ${count} ${kind}`);
      return found;
    }, PATIENCE);
  return { socket, messages, wait };
}
