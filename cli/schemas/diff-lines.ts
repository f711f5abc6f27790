import { pc } from '../../render/terminal.ts';
import type { Problem } from '../../errors/harvestline-error.ts';
import type { DeployOrder } from '../../schemas/tooling/describe-change.ts';
import type { SchemaDiff } from '../../schemas/tooling/diff-schema.ts';
import type { Registration } from '../../schemas/tooling/register-schema.ts';

const DEPLOY_TEXT: Readonly<Record<DeployOrder, string>> = {
  either: 'compatible: deploy producers and consumers in either order',
  'consumers first':
    'compatible: deploy consumers first; an older consumer sets records with a new symbol aside as dead letters',
  neither: 'incompatible: deploy neither side',
};

/** A diff for people: a heading, a line a change, a line a problem, the verdict. */
export function diffLines(diff: SchemaDiff): readonly string[] {
  const { topic, against, version, held_as: held, changes, compatible, deploy_first: order } = diff;
  if (version === null) return [`${pc.bold(topic)}: ${against} has no version of it`];
  if (held === version) return [`${pc.bold(topic)}: equal to ${against} v${version}`];
  const count = `${changes.length} ${changes.length === 1 ? 'change' : 'changes'}`;
  const verdict = compatible ? pc.green(DEPLOY_TEXT[order]) : pc.red(DEPLOY_TEXT[order]);
  return [
    held === null
      ? `${pc.bold(topic)}: ${count} since ${against} v${version}`
      : `${pc.bold(topic)}: equal to ${against} v${held}; ${count} up to its v${version}`,
    ...changeLines(diff),
    ...problemLines(diff.problems),
    `  ${verdict}`,
  ];
}

/** A registration for people. */
export function registrationLines(registration: Registration): readonly string[] {
  const { subject, state, version, id, diff, problems } = registration;
  const where = version === null ? '' : ` as version ${version}, id ${id}`;
  const heading = `${pc.bold(subject)}: ${state === 'refused' ? pc.red(state) : state}${where}`;
  if (state === 'already there') return [heading];
  if (diff.version === null) return [`${heading}: the first version`, ...problemLines(problems)];
  const verdict = state === 'refused' ? [] : [`  ${DEPLOY_TEXT[diff.deploy_first]}`];
  return [`${heading}, since version ${diff.version}:`, ...changeLines(diff), ...problemLines(problems), ...verdict];
}

function changeLines({ changes }: SchemaDiff): readonly string[] {
  return changes.map(({ path, text }) => `  ${path}: ${text}`);
}

function problemLines(problems: readonly Problem[]): readonly string[] {
  return problems.map(({ path, why }) => `  ${pc.red('problem')} ${path}: ${why}`);
}
