import { userInfo } from 'node:os';

/** Who runs the program. A container may run as a user that has no name: then it is its number. */
export function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return `uid ${process.getuid?.() ?? 'unknown'}`;
  }
}
