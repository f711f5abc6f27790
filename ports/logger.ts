/** The few words of pino that processors and connectors use. Level names are pino's. */
export interface Logger {
  debug(context: object, message: string): void;
  info(context: object, message: string): void;
  warn(context: object, message: string): void;
  error(context: object, message: string): void;
}

/** Says nothing. For commands that report in their own way, and for tests. */
export const SILENT_LOGGER: Logger = { debug() {}, info() {}, warn() {}, error() {} };
