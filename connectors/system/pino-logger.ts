import { pino } from 'pino';
import type { Logger } from '../../ports/logger.ts';
import { redactor } from './redactor.ts';
import { shown } from '../../render/terminal.ts';

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** JSON by pino on standard error, written synchronously so that a dying process loses no line. It bypasses the guarded streams, so redaction and the terminal guard are applied here. */
export function pinoLogger(level: LogLevel): Logger {
  const destination = pino.destination({ fd: 2, sync: true });
  const write = (line: string): void => void destination.write(shown(redactor.redactForeign(line)));
  return pino({ level, base: null, timestamp: pino.stdTimeFunctions.isoTime }, { write });
}
