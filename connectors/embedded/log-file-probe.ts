import { existsSync } from 'node:fs';
import type { LogFileProbe } from '../../ports/desk-probe.ts';
import { logFile, openDatabaseReadOnly } from './database.ts';
import { ProcessLock } from './process-lock.ts';

/** The file of the embedded log as `doctor` looks at it. `lock`: the name of the lock that a process at work holds. */
export function logFileProbe(dataDir: string, lock: string): LogFileProbe {
  const path = logFile(dataDir);
  return {
    path,
    exists: () => existsSync(path),
    verify: () => openDatabaseReadOnly(dataDir).close(),
    isInUse: () => ProcessLock.isHeld(dataDir, lock),
  };
}
