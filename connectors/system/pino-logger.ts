import { pino } from 'pino';
import type { Logger } from '../../ports/logger.ts';
import { redactor } from './redactor.ts';
import { shown } from '../../render/terminal.ts';

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** pino JSON on standard error, written at once: the last words of a process that dies are there. It goes past the streams that are guarded, so both guards stand here, too. */
export function pinoLogger(level: LogLevel): Logger {
  const destination = pino.destination({ fd: 2, sync: true });
  const write = (line: string): void => void destination.write(shown(redactor.redactForeign(line)));
  return pino({ level, base: null, timestamp: pino.stdTimeFunctions.isoTime }, { write });
}
