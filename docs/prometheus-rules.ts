/**
 * The rules for Prometheus, from the table of alerts and the table of metrics: deploy/prometheus/harvestline.rules.yaml, the unit tests of
 * promtool beside it, and what docs/metrics.md says about alerting.
 *
 * PRM-1  Every alert with a gauge has a rule of its severity, and every rule a test of promtool: silent before, firing while, silent after.
 */
import { ALERTS, type AlertName } from '../pipelines/alerts/alert-table.ts';
import { METRICS } from '../ports/metrics.ts';
import type { AlertSeverity } from '../schemas/generated/records.ts';

/** What the processes say of themselves, beside the alerts that are evaluated over the topics. */
interface ProcessRule {
  readonly alert: string;
  readonly expr: string;
  /** How long it must hold. Unit: whole minutes. */
  readonly forMinutes: number;
  readonly severity: AlertSeverity;
  readonly meaning: string;
  readonly remedy: string;
  /** A series of promtool that is silent, and the same series while the rule holds. */
  readonly sample: { readonly series: string; readonly silent: string; readonly firing: string };
  /** The labels that the alert then has, besides severity. */
  readonly labels: Readonly<Record<string, string>>;
}

const {
  lag,
  deadLetters,
  lettersWithoutBytes,
  reports,
  backOff,
  logAnswered,
  buildInfo,
  evaluationAge,
  alertsStanding,
} = METRICS;

/** More than a group works off in seconds. Unit: records. */
const MUCH_LAG = 1000;

/** The watch evaluates twice a minute. Unit: seconds. */
const OLD_EVALUATION_S = 120;

export const PROCESS_RULES: readonly ProcessRule[] = [
  {
    alert: 'HarvestlineSilent',
    expr: `absent(${buildInfo.name})`,
    forMinutes: 2,
    severity: 'CRITICAL',
    meaning: 'No process of harvestline is scraped: none runs, or Prometheus does not reach them.',
    remedy: 'See whether the processes run, and whether their port is reached from Prometheus.',
    sample: { series: `${buildInfo.name}{version="1"}`, silent: '1', firing: '_' },
    labels: {},
  },
  {
    alert: 'HarvestlineLag',
    expr: `max by (group, topic, partition) (${lag.name}) > ${MUCH_LAG}`,
    forMinutes: 10,
    severity: 'WARNING',
    meaning: 'A consumer group does not keep up, or hangs.',
    remedy: '`harvestline status` shows the lag; start one more process of it, or read the log of the one that hangs.',
    sample: {
      series: `${lag.name}{group="scoring",topic="position.snapshot",partition="0"}`,
      silent: '0',
      firing: '5000',
    },
    labels: { group: 'scoring', topic: 'position.snapshot', partition: '0' },
  },
  {
    alert: 'HarvestlineDeadLetters',
    expr: `sum by (topic, code) (increase(${deadLetters.name}[10m])) > 0`,
    forMinutes: 0,
    severity: 'WARNING',
    meaning: 'Records were set aside that no processor could read or act on.',
    remedy: '`harvestline dlq list` says which and why.',
    sample: { series: `${deadLetters.name}{topic="position.snapshot",code="AVRO_CORRUPT"}`, silent: '0', firing: '3' },
    labels: { topic: 'position.snapshot', code: 'AVRO_CORRUPT' },
  },
  {
    alert: 'HarvestlineLettersWithoutBytes',
    expr: `sum by (topic) (increase(${lettersWithoutBytes.name}[10m])) > 0`,
    forMinutes: 0,
    severity: 'WARNING',
    meaning: 'A record is on its source topic alone, until retention removes it there.',
    remedy: ALERTS.letter_without_bytes.remedy,
    sample: { series: `${lettersWithoutBytes.name}{topic="model.signal"}`, silent: '0', firing: '2' },
    labels: { topic: 'model.signal' },
  },
  {
    alert: 'HarvestlineUnknownReports',
    expr: `sum(increase(${reports.name}{status="UNKNOWN"}[10m])) > 0`,
    forMinutes: 0,
    severity: 'CRITICAL',
    meaning: ALERTS.unknown_reports.meaning,
    remedy: ALERTS.unknown_reports.remedy,
    sample: { series: `${reports.name}{status="UNKNOWN"}`, silent: '0', firing: '1' },
    labels: {},
  },
  {
    alert: 'HarvestlineBacksOff',
    expr: `max by (processor) (${backOff.name}) > 0`,
    forMinutes: 5,
    severity: 'WARNING',
    meaning: 'A processor waits for the broker, the registry or the exchange.',
    remedy: 'Its log names what it waits for, with the code of the error.',
    sample: { series: `${backOff.name}{processor="execution"}`, silent: '0', firing: '2' },
    labels: { processor: 'execution' },
  },
  {
    alert: 'HarvestlineLogUnavailable',
    expr: `min(${logAnswered.name}) == 0`,
    forMinutes: 5,
    severity: 'CRITICAL',
    meaning: ALERTS.log_unavailable.meaning,
    remedy: '`harvestline doctor` says what does not answer.',
    sample: { series: logAnswered.name, silent: '1', firing: '0' },
    labels: {},
  },
  {
    alert: 'HarvestlineWatchHangs',
    expr: `min(${evaluationAge.name}) > ${OLD_EVALUATION_S}`,
    forMinutes: 0,
    severity: 'CRITICAL',
    meaning: 'Nobody evaluates the alerts: their messages would not come.',
    remedy: 'Read the log of `run watch`, and start it again.',
    sample: { series: evaluationAge.name, silent: '20', firing: '600' },
    labels: {},
  },
  {
    alert: 'HarvestlineAlertsStand',
    expr: `max by (severity) (${alertsStanding.name}{severity="CRITICAL"}) > 0`,
    forMinutes: 0,
    severity: 'CRITICAL',
    meaning: 'The watch holds a critical alert, one without a gauge of its own among them.',
    remedy: '`harvestline status` names it first.',
    sample: { series: `${alertsStanding.name}{severity="CRITICAL"}`, silent: '0', firing: '1' },
    labels: {},
  },
];

/** The alerts that some process has a gauge of. `run execution` has that of the kill switch. */
export const GAUGED_ALERTS = (Object.keys(ALERTS) as readonly AlertName[]).filter(
  (name) => ALERTS[name].gauge || name === 'kill_switch_unknown',
);

/** `winner_held` as `HarvestlineWinnerHeld`. */
export function ruleName(alert: AlertName): string {
  return `Harvestline${alert.replaceAll(/(?:^|_)([a-z])/g, (_, letter: string) => letter.toUpperCase())}`;
}

/** Where the incident page is, from the root of the repository. */
const RUNBOOK = 'docs/operations.md';

interface Rule {
  readonly alert: string;
  readonly expr: string;
  readonly for?: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

function processRule({ alert, expr, forMinutes, severity, meaning, remedy }: ProcessRule): Rule {
  return {
    alert,
    expr,
    ...(forMinutes === 0 ? {} : { for: `${forMinutes}m` }),
    labels: { severity: severity.toLowerCase() },
    annotations: { summary: meaning, description: remedy, runbook: RUNBOOK },
  };
}

function alertRule(name: AlertName): Rule {
  const { severity, meaning, remedy } = ALERTS[name];
  return {
    alert: ruleName(name),
    expr: `max by (name) (${METRICS.alert.name}{name="${name}"}) > 0`,
    labels: { severity: severity.toLowerCase() },
    annotations: { summary: meaning, description: remedy, runbook: `${RUNBOOK}#${name}` },
  };
}

/** What dashboards ask for again and again. */
const RECORDED = [
  {
    record: 'harvestline:slippage_bps',
    expr: `1e4 * sum(${METRICS.slippageQuote.name}) / (sum(${METRICS.filledQuote.name}) > 0)`,
  },
  { record: 'harvestline:open_positions', expr: `max(${METRICS.openPositions.name})` },
  {
    record: 'harvestline:decisions:rate5m',
    expr: `sum by (action) (rate(${METRICS.decisions.name}[5m]))`,
  },
] as const;

export function rulesFile(): object {
  return {
    groups: [
      { name: 'harvestline.records', rules: RECORDED },
      { name: 'harvestline.alerts', rules: GAUGED_ALERTS.map(alertRule) },
      { name: 'harvestline.processes', rules: PROCESS_RULES.map(processRule) },
    ],
  };
}

/** The minutes of a test: silent, then firing, then silent again. */
const SILENT_MINUTES = 10;
const FIRING_MINUTES = 30;

/** promtool's unit tests: `promtool test rules harvestline.rules.test.yaml`. */
export function rulesTestFile(): object {
  return {
    rule_files: ['harvestline.rules.yaml'],
    evaluation_interval: '1m',
    tests: [
      ...GAUGED_ALERTS.map((name) =>
        ruleTest(alertRule(name), 0, { name }, `${METRICS.alert.name}{name="${name}"}`, ['0', '1']),
      ),
      ...PROCESS_RULES.map((rule) =>
        ruleTest(processRule(rule), rule.forMinutes, rule.labels, rule.sample.series, [
          rule.sample.silent,
          rule.sample.firing,
        ]),
      ),
      {
        interval: '1m',
        input_series: [
          { series: `${METRICS.slippageQuote.name}{order="market"}`, values: '12+0x10' },
          { series: `${METRICS.filledQuote.name}{order="market"}`, values: '40000+0x10' },
        ],
        promql_expr_test: [
          {
            expr: 'harvestline:slippage_bps',
            eval_time: '5m',
            exp_samples: [{ labels: 'harvestline:slippage_bps', value: 3 }],
          },
        ],
      },
    ],
  };
}

function ruleTest(
  { alert, labels, annotations }: Rule,
  forMinutes: number,
  found: Readonly<Record<string, string>>,
  series: string,
  [silent, firing]: readonly [string, string],
): object {
  const samples = (value: string, count: number): string => (value === '_' ? `_x${count}` : `${value}+0x${count - 1}`);
  // A counter that jumped stays where it is: its increase ends by itself.
  const isCounter = series.includes('_total');
  const after = isCounter ? firing : silent;
  const values = [samples(silent, SILENT_MINUTES), samples(firing, FIRING_MINUTES), samples(after, 30)].join(' ');
  const starts = SILENT_MINUTES;
  return {
    interval: '1m',
    input_series: [{ series, values }],
    alert_rule_test: [
      { alertname: alert, eval_time: `${starts - 1}m`, exp_alerts: [] },
      ...(forMinutes === 0 ? [] : [{ alertname: alert, eval_time: `${starts + forMinutes - 1}m`, exp_alerts: [] }]),
      {
        alertname: alert,
        // An instant query sees a sample that has ended for five minutes.
        eval_time: `${starts + forMinutes + (firing === '_' ? 5 : 2)}m`,
        exp_alerts: [{ exp_labels: { ...found, ...labels }, exp_annotations: annotations }],
      },
      { alertname: alert, eval_time: `${starts + FIRING_MINUTES + 5}m`, exp_alerts: [] },
    ],
  };
}

/** What docs/metrics.md says to alert on. */
export function worthAnAlert(): string {
  return PROCESS_RULES.map(
    ({ expr, forMinutes, meaning, remedy }) =>
      `- \`${expr}\`${forMinutes === 0 ? '' : ` for ${forMinutes} minutes`}: ${meaning} ${remedy}`,
  ).join('\n');
}
