/** What has to be true of the desk's commands. */
import { GONE_MS } from '../../../pipelines/desk/presence.ts';
import type { DeskProcess } from '../../../schemas/generated/records.ts';
import { TOPICS } from '../../../schemas/topics.ts';
import type { Invariant } from './evidence.ts';

/** Long after the last command of a run. Unit: milliseconds. */
const OBEYED_WITHIN_MS = 60_000;

export const DESK_INVARIANTS = [
  {
    name: 'commands_are_obeyed',
    says: 'Once all is healed, every process that executes has acknowledged the latest command of each scope.',
    *breaches(evidence) {
      const commands = evidence.good(TOPICS.deskControl.name);
      const latest = new Map<string, number>();
      for (const { scope, issued_at: at } of commands) {
        if (at < evidence.endedAt - OBEYED_WITHIN_MS) latest.set(scope, Math.max(at, latest.get(scope) ?? at));
      }
      const processes = new Map<string, DeskProcess>();
      for (const one of evidence.good(TOPICS.deskProcess.name)) processes.set(one.process, one);
      for (const { process, part, state, seen_at, obeys } of processes.values()) {
        if (part !== 'EXECUTION' || state !== 'WORKING' || seen_at < evidence.endedAt - GONE_MS) continue;
        for (const [scope, at] of latest) {
          const obeyed = obeys.find((one) => one.scope === scope)?.issued_at ?? -Infinity;
          if (obeyed < at)
            yield `${process} works, and has not acknowledged the command of ${scope} from ${at - evidence.startedAt} ms`;
        }
      }
    },
  },
] as const satisfies readonly Invariant[];
