import type { BoardSource } from '../../ports/board.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Logger } from '../../ports/logger.ts';
import { type Metrics, NO_METRICS } from '../../ports/metrics.ts';
import { type HttpCliOptions, chosenHttp, requireToken } from '../options/http-options.ts';

interface ServerParts {
  readonly clock: Clock;
  readonly logger: Logger;
}

/** The page of a `dev` that runs. */
export interface DevServer {
  readonly url: string;
  close(): Promise<void>;
}

/** What is served of a `dev`, and what of it is measured. Its server is loaded where there is one. */
export interface DevServing {
  readonly metrics: Metrics;
  /** Null: nobody can look. */
  readonly start: ((board: BoardSource, isWell: () => boolean) => Promise<DevServer | null>) | null;
}

/** Where somebody watches, the page is served without being asked for. Throws USAGE as `chosenHttp` does. */
export async function devServing(
  options: HttpCliOptions & { readonly http: boolean },
  watched: boolean,
  parts: ServerParts,
): Promise<DevServing> {
  const isAsked = options.httpPort !== undefined;
  const http = chosenHttp(watched && options.http && !isAsked ? { ...options, httpPort: 0 } : options, parts);
  if (http === null) return { metrics: NO_METRICS, start: null };
  requireToken(http);
  const { PrometheusMetrics } = await import('../../connectors/metrics/prometheus-metrics.ts');
  const metrics = new PrometheusMetrics();
  return {
    metrics,
    start: async (board, isWell) => {
      const { HttpServer } = await import('../../connectors/http/http-server.ts');
      const probe = (): { ok: boolean; detail: object } => ({ ok: isWell(), detail: {} });
      try {
        return await HttpServer.start({ ...http, ...parts, metrics, board, live: probe, ready: probe });
      } catch (thrown) {
        if (isAsked) throw thrown;
        parts.logger.warn({ err: thrown }, 'there is no page: its server could not be started');
        return null;
      }
    },
  };
}
