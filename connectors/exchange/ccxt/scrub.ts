/** What stands in place of a secret. */
const HIDDEN = '[hidden]';

/**
 * Takes secrets out of texts that somebody else wrote, such as the address in a connection error: every given secret, the
 * query of every address, and everything named signature.
 */
export function scrubber(secrets: readonly string[]): (text: string) => string {
  const known = secrets.filter((secret) => secret !== '').flatMap((secret) => [secret, encodeURIComponent(secret)]);
  return (text) =>
    known
      .reduce((rest, secret) => rest.replaceAll(secret, HIDDEN), text)
      .replace(/(https?:\/\/[^\s?]+)\?\S*/g, `$1?${HIDDEN}`)
      .replace(/(signature["']?\s*[=:]\s*["']?)[\w%+/=-]+/gi, `$1${HIDDEN}`);
}
