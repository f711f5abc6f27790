import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { grafanaDashboard } from '../../docs/grafana-dashboard.ts';
import { GAUGED_ALERTS, PROCESS_RULES, ruleName, rulesTestFile } from '../../docs/prometheus-rules.ts';
import { ALERTS } from '../../pipelines/alerts/alert-table.ts';
import { METRICS, type MetricSpec } from '../../ports/metrics.ts';

const FOLDER = fileURLToPath(new URL('../../deploy/prometheus/', import.meta.url));
const RULES = readFileSync(`${FOLDER}harvestline.rules.yaml`, 'utf8');

const Rules = z.object({
  groups: z.array(
    z.object({
      rules: z.array(
        z.object({
          alert: z.string().optional(),
          expr: z.string(),
          labels: z.record(z.string(), z.string()).default({}),
        }),
      ),
    }),
  ),
});
const rules = Rules.parse(parse(RULES)).groups.flatMap((group) => group.rules);

const specs: readonly MetricSpec[] = Object.values(METRICS);

/** The metrics of ours that a text names, histograms by the name of the table. */
function metricsIn(text: string): ReadonlySet<string> {
  const names = Array.from(text.matchAll(/\bharvestline_[a-z_]+\b/g), ([name]) =>
    name.replace(/_seconds_bucket$/, '_seconds'),
  );
  return new Set(names);
}

const unknownIn = (text: string): readonly string[] =>
  [...metricsIn(text)].filter((name) => !specs.some((spec) => spec.name === name));

describe('the rules for Prometheus', () => {
  it('are one for each alert with a gauge, of its severity, and each has a test (PRM-1)', () => {
    for (const name of GAUGED_ALERTS) {
      const rule = rules.find(({ alert }) => alert === ruleName(name));
      expect(rule?.labels, name).toEqual({ severity: ALERTS[name].severity.toLowerCase() });
      expect(rule?.expr).toContain(`{name="${name}"}`);
    }
    const tested = JSON.stringify(rulesTestFile());
    const alerts = rules.flatMap(({ alert }) => alert ?? []);
    expect(alerts).toHaveLength(GAUGED_ALERTS.length + PROCESS_RULES.length);
    expect(new Set(alerts).size).toBe(alerts.length);
    expect(alerts.filter((alert) => !tested.includes(`"alertname":"${alert}"`))).toEqual([]);
  });

  it('ask only for metrics and labels of the table', () => {
    expect(unknownIn(RULES)).toEqual([]);
    for (const { expr } of rules) {
      for (const [, list = '', metric = ''] of expr.matchAll(/by \(([^)]+)\) \((?:\w+\()?(harvestline_[a-z_]+)/g)) {
        const labels = specs.find(({ name }) => name === metric)?.labels ?? [];
        expect(
          list.split(', ').filter((label) => !labels.includes(label)),
          expr,
        ).toEqual([]);
      }
    }
  });

  const found = spawnSync('promtool', ['--version']).status === 0;
  // .ci/run brings promtool and asks for this.
  it.runIf(found || process.env['HARVESTLINE_REQUIRE_PROMTOOL'] === '1')(
    'are silent before, fire while and are silent after, as promtool evaluates them (PRM-1)',
    () => {
      const run = (...args: readonly string[]): string =>
        execFileSync('promtool', [...args], { cwd: FOLDER, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
      expect(run('check', 'rules', 'harvestline.rules.yaml')).toContain(`${rules.length} rules found`);
      expect(run('test', 'rules', 'harvestline.rules.test.yaml')).toContain('SUCCESS');
    },
  );
});

describe('the dashboard for Grafana', () => {
  const Dashboard = z.object({
    panels: z.array(
      z.object({
        title: z.string(),
        gridPos: z.object({ x: z.number(), y: z.number(), w: z.number(), h: z.number() }),
        targets: z.array(z.object({ expr: z.string() })).default([]),
      }),
    ),
  });
  const { panels } = Dashboard.parse(grafanaDashboard());
  const queries = panels.flatMap(({ targets }) => targets.map(({ expr }) => expr)).join('\n');

  it('shows every metric of the table, and no other', () => {
    expect(unknownIn(queries)).toEqual([]);
    const shown = metricsIn(queries);
    expect(specs.map(({ name }) => name).filter((name) => !shown.has(name))).toEqual([]);
  });

  it('has a place for each panel, and no two in one', () => {
    const taken = new Map<string, string>();
    for (const { title, gridPos } of panels) {
      expect(gridPos.x + gridPos.w, title).toBeLessThanOrEqual(24);
      for (let x = gridPos.x; x < gridPos.x + gridPos.w; x += 1) {
        for (let y = gridPos.y; y < gridPos.y + gridPos.h; y += 1) {
          expect(taken.get(`${x} ${y}`), title).toBeUndefined();
          taken.set(`${x} ${y}`, title);
        }
      }
    }
  });
});
