/** The answer to a probe: 200 when `ok`, else 503. `detail` is sent as JSON. */
export interface ProbeAnswer {
  readonly ok: boolean;
  readonly detail: object;
}
