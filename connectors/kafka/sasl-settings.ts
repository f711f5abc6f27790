/** What may be said of SASL in the settings of a connection; the exchange itself is sasl.ts. */
import { exec } from 'node:child_process';
import { HarvestlineError, messageOf } from '../../errors/harvestline-error.ts';
import { learnToken } from '../system/settings.ts';

/** `password` and `token` may be getters, or read a file: they are asked for each exchange. */
export type SaslSettings =
  | {
      readonly mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512';
      readonly username: string;
      readonly password: string;
    }
  | { readonly mechanism: 'oauthbearer'; readonly token: () => string | Promise<string> };

export const SASL_MECHANISMS = ['plain', 'scram-sha-256', 'scram-sha-512', 'oauthbearer'] as const;

/** How long a command that prints a token may take; SASL_TIMEOUT_MS (kafkajs-fixes.ts) is longer. Unit: milliseconds. */
const TOKEN_COMMAND_MS = 10_000;

/** A token that a broker takes is far smaller (its sasl.server.max.receive.size). Unit: bytes. */
const LARGEST_TOKEN_BYTES = 512 * 1024;

/**
 * What a command prints, asked for at each use; uses at the same time share one run. It is never shown, and neither is the command. Throws
 * CREDENTIALS_UNAVAILABLE; once the command has worked, whatever it asks is only away: BROKER_AWAY.
 */
export function tokenOfCommand(command: string, name: string): () => Promise<string> {
  let running: Promise<string> | null = null;
  let worked = false;
  const run = async (): Promise<string> => {
    try {
      const token = await runCommand(command);
      worked = true;
      return token;
    } catch (thrown) {
      const why = `${name}: the command ${messageOf(thrown)}`;
      throw worked
        ? new HarvestlineError('BROKER_AWAY', `${why}; it gave a token before`)
        : new HarvestlineError('CREDENTIALS_UNAVAILABLE', why);
    } finally {
      running = null;
    }
  };
  return () => (running ??= run());
}

function runCommand(command: string): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const failed = (why: string): void => reject(new Error(why));
  const limits = { timeout: TOKEN_COMMAND_MS, killSignal: 'SIGKILL', maxBuffer: LARGEST_TOKEN_BYTES } as const;
  exec(command, limits, (error, stdout) => {
    const token = stdout.trim();
    learnToken(token);
    if (error === null && token !== '' && !/\s/.test(token)) return resolve(token);
    if (error === null) return failed(token === '' ? 'printed nothing' : 'printed more than a token');
    if (error.killed === true) return failed(`printed no token within ${TOKEN_COMMAND_MS / 1000} s`);
    return failed(`failed (exit code ${error.code ?? 'unknown'})`);
  });
  return promise;
}
