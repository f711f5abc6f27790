/** A mailbox, over SMTP. */
import { HarvestlineError, messageOf } from '../../errors/harvestline-error.ts';
import type { AlertNotice, NotifyTarget, Secret } from '../../ports/notify.ts';
import { redactor } from '../system/redactor.ts';
import { headline, plainText } from './words.ts';

export interface EmailSettings {
  readonly host: string;
  readonly port: number;
  /** `tls` from the first byte, `starttls` demanded before anything is said, or `none`: for a relay on this machine. */
  readonly security: 'tls' | 'starttls' | 'none';
  readonly user: string | null;
  readonly password: Secret | null;
  readonly from: string;
  readonly to: readonly string[];
}

/** A mail server may look up the sender while it greets. Unit: milliseconds. */
const STEP_WITHIN_MS = 10_000;
/** The whole of a delivery: greeting, login, recipients, text. Unit: milliseconds. */
const SENT_WITHIN_MS = 30_000;

/**
 * The Message-ID derives from the alert, so a mail that was sent again after a lost reply carries the id of the first: most mailboxes then
 * show one. Recipients that the server refuses while it takes others are named, and the mail is not sent again to those who have it.
 */
export function emailTarget(name: string, settings: EmailSettings): NotifyTarget {
  return {
    name,
    async send(notice, signal) {
      // Loaded at the first mail: most desks send none.
      const { createTransport } = await import('nodemailer');
      const { host, port, security, user, password } = settings;
      const transport = createTransport({
        host,
        port,
        secure: security === 'tls',
        requireTLS: security === 'starttls',
        ignoreTLS: security === 'none',
        ...(user === null || password === null ? {} : { auth: { user, pass: password() } }),
        connectionTimeout: STEP_WITHIN_MS,
        greetingTimeout: STEP_WITHIN_MS,
        dnsTimeout: STEP_WITHIN_MS,
        socketTimeout: STEP_WITHIN_MS,
        // What a record holds is text: never a file or an address to fetch.
        disableFileAccess: true,
        disableUrlAccess: true,
      });
      try {
        const sent = await transport.sendMail({
          from: settings.from,
          to: [...settings.to],
          subject: headline(notice),
          text: plainText(notice),
          messageId: messageIdOf(notice),
          signal: AbortSignal.any([signal, AbortSignal.timeout(SENT_WITHIN_MS)]),
        });
        if (sent.rejected.length > 0) {
          throw new HarvestlineError(
            'NOTIFY_REFUSED',
            `${name}: refused for ${sent.rejected.map(addressOf).join(', ')}`,
          );
        }
      } catch (thrown) {
        throw thrown instanceof HarvestlineError ? thrown : failure(name, thrown);
      } finally {
        transport.close();
      }
    },
  };
}

function messageIdOf({ alert, reminder }: AlertNotice): string {
  return `<${alert.alert_id}.${alert.state.toLowerCase()}.${reminder}@harvestline>`;
}

/** A reply of 500 to 599 is a no for good (RFC 5321, 4.2.1); everything else, a hanging or missing server too, may pass. */
function failure(name: string, thrown: unknown): HarvestlineError {
  const code = thrown instanceof Error && 'responseCode' in thrown ? Number(thrown.responseCode) : 0;
  const why = `${name}: ${redactor.redactForeign(messageOf(thrown))}`;
  return new HarvestlineError(code >= 500 && code <= 599 ? 'NOTIFY_REFUSED' : 'NOTIFY_UNAVAILABLE', why, {
    cause: thrown,
  });
}

function addressOf(recipient: string | { readonly address: string }): string {
  return typeof recipient === 'string' ? recipient : recipient.address;
}
