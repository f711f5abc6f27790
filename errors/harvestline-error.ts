import { ERROR_CODES, type ErrorCode, type ErrorKind } from './codes.ts';
import { asCalled } from './program-name.ts';

/** Where an error happened: a line of a file, or a record of a topic. */
export type Coordinates =
  | { readonly file: string; readonly line?: number }
  | { readonly topic: string; readonly partition?: number; readonly offset?: number };

/** One failing place inside a record, a policy or a configuration. `path` is dotted, `factors[2].points`; `(root)` for the whole. */
export interface Problem {
  readonly path: string;
  readonly why: string;
}

export interface ErrorOptions {
  readonly cause?: unknown;
  readonly at?: Coordinates;
  readonly problems?: readonly Problem[];
}

/** The base of every error the program raises on purpose. `code` is stable; kind and remedy follow from it. */
export class HarvestlineError extends Error {
  override readonly name = 'HarvestlineError';
  readonly code: ErrorCode;
  readonly at: Coordinates | undefined;
  readonly problems: readonly Problem[];

  constructor(code: ErrorCode, message: string, options: ErrorOptions = {}) {
    super(message, 'cause' in options ? { cause: options.cause } : undefined);
    this.code = code;
    this.at = options.at;
    this.problems = options.problems ?? [];
  }

  get kind(): ErrorKind {
    return ERROR_CODES[this.code].kind;
  }

  get remedy(): string {
    return asCalled(ERROR_CODES[this.code].remedy);
  }
}

/** True for an error of ours of that kind. */
export function isKind(error: unknown, kind: ErrorKind): error is HarvestlineError {
  return error instanceof HarvestlineError && error.kind === kind;
}

/** `position.snapshot[3]@17`, `desk.json:4`: the form in which coordinates appear in messages. */
export function formatCoordinates(at: Coordinates): string {
  if ('file' in at) return at.line === undefined ? at.file : `${at.file}:${at.line}`;
  return (
    at.topic +
    (at.partition === undefined ? '' : `[${at.partition}]`) +
    (at.offset === undefined ? '' : `@${at.offset}`)
  );
}

/** `path: why` joined by `; `, all of them. */
export function formatProblems(problems: readonly Problem[]): string {
  return problems.map((problem) => `${problem.path}: ${problem.why}`).join('; ');
}

/** The message of anything thrown. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
