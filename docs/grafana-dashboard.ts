/** deploy/grafana/harvestline.json: a dashboard of the table of metrics, in the order in which one looks: whether all is well, the desk, the machine. */
import { METRICS } from '../ports/metrics.ts';

interface Query {
  readonly expr: string;
  readonly legend?: string;
}

interface Panel {
  readonly title: string;
  /** What the panel tells, shown on hovering. */
  readonly description: string;
  readonly kind: 'stat' | 'timeseries' | 'table' | 'bargauge';
  readonly unit: string;
  /** Of 24 columns. */
  readonly width: number;
  readonly queries: readonly Query[];
}

interface Section {
  readonly title: string;
  readonly panels: readonly Panel[];
}

const M = METRICS;

/** Over the window that fits the resolution of the graph. */
const rate = (metric: string): string => `rate(${metric}[$__rate_interval])`;

function quantile(share: number, { name }: { readonly name: string }, by: readonly string[] = []): string {
  return `histogram_quantile(${share}, sum by (${['le', ...by].join(', ')}) (${rate(`${name}_bucket`)}))`;
}

const SECTIONS: readonly Section[] = [
  {
    title: 'Is all well?',
    panels: [
      stat('Critical alerts', `max(${M.alertsStanding.name}{severity="CRITICAL"}) or max(${M.alert.name})`, 4),
      stat('Halted', `max(${M.halted.name})`, 4),
      stat('Since the latest evaluation', `min(${M.evaluationAge.name})`, 4, 's'),
      stat('Orders of unknown fate', `sum(increase(${M.reports.name}{status="UNKNOWN"}[24h]))`, 4),
      stat('Dead letters, 24 h', `sum(increase(${M.deadLetters.name}[24h]))`, 4),
      stat('Log answers', `min(${M.logAnswered.name})`, 4),
      {
        title: 'Alerts that stand',
        description: M.alert.help,
        kind: 'table',
        unit: 'short',
        width: 12,
        queries: [{ expr: `max by (name) (${M.alert.name}) > 0`, legend: '{{name}}' }],
      },
      {
        title: 'Versions',
        description: M.buildInfo.help,
        kind: 'table',
        unit: 'short',
        width: 12,
        queries: [{ expr: `count by (version, node) (${M.buildInfo.name})`, legend: '{{version}} on Node {{node}}' }],
      },
    ],
  },
  {
    title: 'The desk',
    panels: [
      graph('Open positions', M.openPositions.help, 'short', 8, [
        { expr: `max(${M.openPositions.name})`, legend: 'open' },
        { expr: `max(${M.observedPositions.name})`, legend: 'observed at the exchange' },
      ]),
      graph('R by position', M.positionR.help, 'short', 16, [
        { expr: `max by (account, symbol, side) (${M.positionR.name})`, legend: '{{symbol}} {{side}} {{account}}' },
      ]),
      graph('P&L of all outcomes', M.pnlQuote.help, 'short', 8, [
        { expr: `max by (kind) (${M.pnlQuote.name})`, legend: '{{kind}}' },
      ]),
      graph('Decisions a second', M.decisions.help, 'ops', 8, [
        { expr: `sum by (action) (${rate(M.decisions.name)})`, legend: '{{action}}' },
        { expr: `sum(${rate(M.intents.name)})`, legend: 'intents' },
      ]),
      graph('Candidate policies', M.shadowDecisions.help, 'ops', 8, [
        { expr: `sum by (policy, result) (${rate(M.shadowDecisions.name)})`, legend: '{{policy}} {{result}}' },
      ]),
      graph('Gate of calibration', M.gateUsable.help, 'short', 8, [
        { expr: `max(${M.gateUsable.name})`, legend: 'usable' },
        { expr: `max(${M.gateNeeded.name})`, legend: 'needed' },
        { expr: `max(${M.gateFinal.name})`, legend: 'final' },
      ]),
    ],
  },
  {
    title: 'Orders',
    panels: [
      graph('Reports', M.reports.help, 'ops', 8, [
        { expr: `sum by (status) (${rate(M.reports.name)})`, legend: '{{status}}' },
      ]),
      graph('Suppressed, by reason', M.suppressed.help, 'ops', 8, [
        { expr: `sum by (reason) (${rate(M.suppressed.name)})`, legend: '{{reason}}' },
      ]),
      graph('Slippage against the mark', M.slippageQuote.help, 'short', 8, [
        {
          expr: `1e4 * sum by (order) (${M.slippageQuote.name}) / (sum by (order) (${M.filledQuote.name}) > 0)`,
          legend: '{{order}}, basis points',
        },
      ]),
      graph('Filled, quote currency a second', M.filledQuote.help, 'short', 8, [
        { expr: `sum by (order) (${rate(M.filledQuote.name)})`, legend: '{{order}}' },
      ]),
      graph('From order to last fill', M.orderSeconds.help, 's', 8, [
        { expr: quantile(0.5, M.orderSeconds), legend: 'median' },
        { expr: quantile(0.95, M.orderSeconds), legend: '95 %' },
      ]),
    ],
  },
  {
    title: 'The exchange',
    panels: [
      graph('Request allowance used', M.venueAllowanceUsed.help, 'percentunit', 8, [
        { expr: `max(${M.venueAllowanceUsed.name})`, legend: 'used' },
      ]),
      graph('Weight of requests', M.venueWeight.help, 'ops', 8, [
        { expr: `sum by (priority) (${rate(M.venueWeight.name)})`, legend: '{{priority}}' },
      ]),
      graph('Clock of the exchange', M.clockSkew.help, 'ms', 8, [{ expr: M.clockSkew.name, legend: '{{instance}}' }]),
      graph('What the stream told', M.streamChanges.help, 'ops', 8, [
        { expr: `sum by (kind) (${rate(M.streamChanges.name)})`, legend: '{{kind}}' },
        { expr: `sum(${rate(M.streamMissed.name)})`, legend: 'missed' },
        { expr: `sum(${rate(M.extraLooks.name)})`, legend: 'looks between cycles' },
      ]),
      graph('Stream and answers', M.streamTells.help, 'short', 8, [
        { expr: `min(${M.streamTells.name})`, legend: 'the stream tells' },
        { expr: `max(${M.missingAnswers.name})`, legend: 'answers missing' },
      ]),
    ],
  },
  {
    title: 'The processors',
    panels: [
      graph('Lag', M.lag.help, 'short', 8, [
        {
          expr: `sum by (group, topic) (max by (group, topic, partition) (${M.lag.name}))`,
          legend: '{{group}} {{topic}}',
        },
      ]),
      graph('Records a second', M.records.help, 'ops', 8, [
        { expr: `sum by (processor, topic) (${rate(M.records.name)})`, legend: '{{processor}} {{topic}}' },
      ]),
      graph('Time of a batch, 95 %', M.batchSeconds.help, 's', 8, [
        { expr: quantile(0.95, M.batchSeconds, ['processor']), legend: '{{processor}}' },
      ]),
      graph('Waits', M.retries.help, 'ops', 8, [
        { expr: `sum by (processor, code) (${rate(M.retries.name)})`, legend: '{{processor}} {{code}}' },
        { expr: `max by (processor) (${M.backOff.name})`, legend: '{{processor}}: partitions that wait' },
      ]),
      graph('Dead letters', M.deadLetters.help, 'short', 8, [
        {
          expr: `sum by (topic, code) (increase(${M.deadLetters.name}[$__rate_interval]))`,
          legend: '{{topic}} {{code}}',
        },
        {
          expr: `sum by (topic) (increase(${M.lettersWithoutBytes.name}[$__rate_interval]))`,
          legend: '{{topic}} without bytes',
        },
        {
          expr: `sum by (group, topic) (increase(${M.neverRead.name}[$__rate_interval]))`,
          legend: '{{topic}} never read by {{group}}',
        },
        {
          expr: `sum by (topic, source) (increase(${M.timesAhead.name}[$__rate_interval]))`,
          legend: '{{topic}} ahead of time, {{source}}',
        },
      ]),
      graph('Held back by open transactions', M.heldBack.help, 'short', 8, [
        { expr: `max by (topic, partition) (${M.heldBack.name})`, legend: '{{topic}} {{partition}}' },
      ]),
      graph('Messages about alerts', M.notifyMessages.help, 'ops', 8, [
        { expr: `sum by (target, result) (${rate(M.notifyMessages.name)})`, legend: '{{target}} {{result}}' },
        { expr: `max by (target) (${M.notifyWaiting.name})`, legend: '{{target}} waiting' },
      ]),
      graph('Memory', 'Resident memory of each process, from prom-client.', 'bytes', 8, [
        { expr: 'process_resident_memory_bytes{job=~".*harvestline.*"}', legend: '{{instance}}' },
      ]),
      graph('Event loop, 99 %', 'Lag of the event loop of each process, from prom-client.', 's', 8, [
        { expr: 'nodejs_eventloop_lag_p99_seconds{job=~".*harvestline.*"}', legend: '{{instance}}' },
      ]),
    ],
  },
];

function graph(title: string, description: string, unit: string, width: number, queries: readonly Query[]): Panel {
  return { title, description, kind: 'timeseries', unit, width, queries };
}

function stat(title: string, expr: string, width: number, unit = 'short'): Panel {
  return { title, description: expr, kind: 'stat', unit, width, queries: [{ expr }] };
}

/** Columns of a Grafana dashboard. */
const COLUMNS = 24;

const DATASOURCE = { type: 'prometheus', uid: '${datasource}' };

/** The dashboard as Grafana imports it. */
export function grafanaDashboard(): object {
  const panels: object[] = [];
  let id = 0;
  let y = 0;
  for (const { title, panels: members } of SECTIONS) {
    panels.push({ id: ++id, type: 'row', title, collapsed: false, gridPos: { x: 0, y, w: COLUMNS, h: 1 }, panels: [] });
    y += 1;
    let x = 0;
    let rowHeight = 0;
    for (const panel of members) {
      const height = panel.kind === 'stat' ? 4 : 8;
      if (x + panel.width > COLUMNS) {
        y += rowHeight;
        [x, rowHeight] = [0, 0];
      }
      panels.push(panelJson(panel, ++id, { x, y, w: panel.width, h: height }));
      x += panel.width;
      rowHeight = Math.max(rowHeight, height);
    }
    y += rowHeight;
  }
  return {
    title: 'harvestline',
    uid: 'harvestline',
    schemaVersion: 39,
    tags: ['harvestline'],
    timezone: 'utc',
    refresh: '30s',
    time: { from: 'now-24h', to: 'now' },
    templating: {
      list: [{ name: 'datasource', label: 'Prometheus', type: 'datasource', query: 'prometheus', current: {} }],
    },
    panels,
  };
}

function panelJson({ title, description, kind, unit, queries }: Panel, id: number, gridPos: object): object {
  return {
    id,
    type: kind,
    title,
    description,
    gridPos,
    datasource: DATASOURCE,
    fieldConfig: { defaults: { unit }, overrides: [] },
    targets: queries.map(({ expr, legend }, index) => ({
      refId: String.fromCodePoint('A'.charCodeAt(0) + index),
      datasource: DATASOURCE,
      expr,
      ...(legend === undefined ? {} : { legendFormat: legend }),
      ...(kind === 'table' || kind === 'stat' ? { instant: true } : {}),
      ...(kind === 'table' ? { format: 'table' } : {}),
    })),
  };
}
