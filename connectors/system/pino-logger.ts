import { pino } from 'pino';
import type { Logger } from '../../ports/logger.ts';
import { redactor } from './redactor.ts';
import { shown } from '../../render/terminal.ts';

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** JSON by pino on standard error, written synchronously so that a dying process loses no line. It bypasses the guarded streams, so redaction and the terminal guard are applied here. */
export function pinoLogger(level: LogLevel): Logger {
  return loggerTo(pino.destination({ fd: 2, sync: true }), level);
}

/** The same, appended to a file that its owner alone can read. A line that the disk does not take is lost: it must not end the process. */
export function fileLogger(level: LogLevel, path: string): Logger {
  const file = pino.destination({ dest: path, append: true, sync: true, mode: OWNER_FILE });
  file.on('error', () => {});
  return loggerTo(file, level);
}

const OWNER_FILE = 0o600;

function loggerTo(destination: ReturnType<typeof pino.destination>, level: LogLevel): Logger {
  const write = (line: string): void => void destination.write(shown(redactor.redactForeign(line)));
  return pino({ level, base: null, timestamp: pino.stdTimeFunctions.isoTime }, { write });
}
