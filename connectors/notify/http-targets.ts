/**
 * Targets that take an HTTP request: a webhook of the desk's own, chats that speak Slack's incoming webhooks (Slack, Mattermost, Rocket.Chat,
 * Discord), and Telegram's bots.
 */
import { createHmac } from 'node:crypto';
import { z } from 'zod';
import { HarvestlineError } from '../../errors/harvestline-error.ts';
import type { AlertNotice, NotifyTarget, Secret } from '../../ports/notify.ts';
import { postJson } from './post.ts';
import { headline, plainText } from './words.ts';

/**
 * A webhook gets the alert as JSON, signed as GitHub signs its own: HMAC-SHA256 of the body's bytes, in hex. Whoever receives it checks the
 * signature and drops what it has seen by `alert_id` and `state`: a lost reply makes a second delivery.
 */
export function webhookTarget(name: string, url: Secret, secret: Secret | null): NotifyTarget {
  return {
    name,
    async send({ alert, desk, reminder }, signal) {
      const { alert_id, name: alertName, severity, state, scope, since, at, evidence, command } = alert;
      const body = JSON.stringify({
        alert_id,
        name: alertName,
        severity,
        state,
        scope,
        since,
        at,
        evidence,
        command,
        desk,
        ...(reminder === 0 ? {} : { reminder }),
      });
      const headers: Record<string, string> =
        secret === null
          ? {}
          : { 'x-harvestline-signature': `sha256=${createHmac('sha256', secret()).update(body).digest('hex')}` };
      await postJson({ target: name, url: url(), body, headers, signal });
    },
  };
}

/** Discord takes `content`, the others `text`; each ignores the other's. Unit of the bound: characters. */
const LONGEST_DISCORD = 2000;

/** `@channel`, `@all`, `@here` or `@ana`, which Mattermost and Rocket.Chat take for mentions; not the @ of a mail address. */
const MENTION = /(?<![a-z0-9])@(?=[a-z])/gi;
/** Not seen, and ends a name. */
const ZERO_WIDTH_SPACE = '\u200B';

/** Slack's incoming webhook, and whatever else takes its JSON. `&`, `<` and `>` are its markup and are escaped. */
export function chatTarget(name: string, url: Secret): NotifyTarget {
  return {
    name,
    async send(notice, signal) {
      const text = plainText(notice);
      const slack = text
        .replace(/[&<>]/g, (sign) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;' })[sign] ?? sign)
        .replace(MENTION, `@${ZERO_WIDTH_SPACE}`);
      const discord = text.length <= LONGEST_DISCORD ? text : `${text.slice(0, LONGEST_DISCORD - 1)}…`;
      // Nobody is mentioned by what a record holds.
      const body = JSON.stringify({ text: slack, content: discord, allowed_mentions: { parse: [] } });
      await postJson({ target: name, url: url(), body, signal });
    },
  };
}

/** Telegram's own bound of a message. Unit: UTF-16 code units. */
const LONGEST_TELEGRAM = 4096;

const TelegramAnswer = z.object({ ok: z.boolean(), description: z.string().optional() });

/** A bot of Telegram. The text goes as it is, without a parse mode: nothing in it can be markup. */
export function telegramTarget(name: string, apiUrl: string, token: Secret, chatId: string): NotifyTarget {
  return {
    name,
    async send(notice: AlertNotice, signal) {
      const text = plainText(notice);
      const body = JSON.stringify({
        chat_id: chatId,
        text: text.length <= LONGEST_TELEGRAM ? text : `${text.slice(0, LONGEST_TELEGRAM - 1)}…`,
        link_preview_options: { is_disabled: true },
        disable_notification: notice.alert.severity === 'INFO',
      });
      const url = `${apiUrl}/bot${token()}/sendMessage`;
      const answer = await postJson({ target: name, url, body, signal, readsText: true });
      // A proxy may say 200 to anything: only Telegram's own word counts.
      const said = TelegramAnswer.safeParse(parsed(answer)).data;
      if (said?.ok !== true) {
        throw new HarvestlineError(
          'NOTIFY_UNAVAILABLE',
          `${name}: the answer to "${headline(notice)}" is not Telegram's`,
        );
      }
    },
  };
}

/** Undefined for what is not JSON. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
