import { configureGlobal } from 'fast-check';

/** The same cases on every run, so that a failure is the change's. `FAST_CHECK_SEED=N` looks at others. */
const DEFAULT_SEED = 20_260_207;

configureGlobal({ seed: Number(process.env['FAST_CHECK_SEED'] ?? DEFAULT_SEED) });
