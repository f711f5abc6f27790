import { expect, it } from 'vitest';
import { printedAlert } from '../../../pipelines/alerts/alerts.ts';
import { haltedAlert } from '../../../pipelines/desk/control-topic.ts';

const START = 1_770_003_600_000;

it('halted: names who and why, and lifts each scope', () => {
  expect(haltedAlert([])).toBeNull();
  const desk = { scope: 'desk', by: 'alice', reason: 'maintenance', since: START + 5 };
  const alert = haltedAlert([desk, { ...desk, scope: 'main', by: 'bob', since: START }]);
  if (alert === null) throw new Error('no alert');
  expect(alert).toMatchObject({ name: 'halted', since: START });
  expect(alert.evidence).toContain('desk halted by alice (maintenance), main halted by bob (maintenance)');
  expect(printedAlert(alert).command).toBe('harvestline resume --scope desk && harvestline resume --scope main');
});
