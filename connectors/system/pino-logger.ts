import { pino } from 'pino';
import type { Logger } from '../../ports/logger.ts';
import { redactor } from './redactor.ts';

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** pino JSON on standard error, written at once: the last words of a process that dies are there. The redactor stands before it, as before the stream. */
export function pinoLogger(level: LogLevel): Logger {
  const destination = pino.destination({ fd: 2, sync: true });
  const write = (line: string): void => void destination.write(redactor.redactForeign(line));
  return pino({ level, base: null, timestamp: pino.stdTimeFunctions.isoTime }, { write });
}
