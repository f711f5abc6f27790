import { type Alert, type AlertName, LETTER_ALERTS, LIFECYCLE_ALERTS, ORDER_ALERTS, STALL_ALERTS } from './alerts.ts';
import type { Logger } from '../../ports/logger.ts';
import type { Gauge, Metrics } from '../../ports/metrics.ts';
import { onThatLog } from './alert-commands.ts';

export interface RaisedAlertsOptions {
  readonly logger: Logger;
  /** Name the log in the commands that alerts print. */
  readonly logWords?: string;
  /** Left out: no gauge. */
  readonly metrics?: Metrics;
  /** Those that have a gauge; those that are read from the topics where left out. */
  readonly names?: readonly AlertName[];
}

/** Those that are raised by what is read from the topics. */
const RAISED = [...STALL_ALERTS, ...ORDER_ALERTS, ...LETTER_ALERTS, ...LIFECYCLE_ALERTS] as const;

/** Alerts that stand: a line in the log when one is raised and when it is over, and a gauge. */
export class RaisedAlerts {
  readonly #logger: Logger;
  readonly #logWords: string;
  readonly #gauges: ReadonlyMap<string, Gauge>;
  #standing: ReadonlyMap<string, Alert> = new Map();

  constructor({ logger, metrics, logWords = '', names = RAISED }: RaisedAlertsOptions) {
    this.#logger = logger;
    this.#logWords = logWords;
    this.#gauges =
      metrics === undefined ? new Map() : new Map(names.map((name) => [name, metrics.gauge('alert', { name })]));
  }

  become(alerts: readonly Alert[]): void {
    const now = new Map(alerts.map((alert): [string, Alert] => [alert.name, alert]));
    for (const [name, gauge] of this.#gauges) gauge.set(now.has(name) ? 1 : 0);
    for (const alert of alerts) {
      const { name, since, evidence } = onThatLog(alert, this.#logWords);
      if (!this.#standing.has(name)) this.#logger.warn({ alert: name, since }, `alert ${name}: ${evidence}`);
    }
    for (const { name, since } of this.#standing.values()) {
      if (!now.has(name)) this.#logger.info({ alert: name, since }, `alert ${name} is over`);
    }
    this.#standing = now;
  }
}
