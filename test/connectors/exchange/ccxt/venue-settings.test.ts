import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { thrownBy } from '../../../fixtures/thrown-by.ts';
import { hasCredentials, openCcxt, venueSettings } from '../../../../connectors/exchange/ccxt/venue-settings.ts';

const KEYS = { HARVESTLINE_API_KEY: 'the-key', HARVESTLINE_API_SECRET: 'the-secret' };

function file(content: string | Buffer): string {
  const path = join(mkdtempSync(join(tmpdir(), 'venue-')), 'file');
  writeFileSync(path, content, { mode: 0o600 });
  return path;
}

describe('the settings of an exchange', () => {
  it('takes keys from the environment, or from files', () => {
    expect(venueSettings({ id: 'binanceusdm', stake: 'demo' }, KEYS)).toMatchObject({
      credentials: { key: 'the-key', secret: 'the-secret', passphrase: null },
      traits: { clientOrderIds: 'verbatim' },
      url: null,
    });
    const env = { HARVESTLINE_API_KEY_FILE: file('k\n'), HARVESTLINE_API_SECRET_FILE: file('s') };
    expect(venueSettings({ id: 'binanceusdm', stake: 'live' }, env).credentials).toMatchObject({
      key: 'k',
      secret: 's',
    });
    expect([hasCredentials(env), hasCredentials(KEYS), hasCredentials({ HARVESTLINE_API_KEY: '' })]).toEqual([
      true,
      true,
      false,
    ]);
    expect(venueSettings({ id: 'binanceusdm', stake: 'data' }, {}).credentials).toBeNull();
  });

  it('lets no request become an order after it was given up: the window is never longer than the time-out', async () => {
    const settingsOf = (ccxt: object) =>
      venueSettings({ id: 'binanceusdm', stake: 'demo', settingsFile: file(JSON.stringify({ ccxt })) }, KEYS);
    const windowOf = async (ccxt: object): Promise<unknown> => (await openCcxt(settingsOf(ccxt))).options['recvWindow'];
    expect(await windowOf({})).toBe(5000);
    expect(await windowOf({ timeout: 900 })).toBe(900);
    expect(await windowOf({ timeout: 9000 })).toBe(5000);
    expect(await windowOf({ timeout: 9000, options: { recvWindow: 8000 } })).toBe(8000);
    for (const ccxt of [{ options: { recvWindow: 5001 } }, { timeout: 2000, options: { recvWindow: 3000 } }]) {
      expect(thrownBy(() => settingsOf(ccxt))).toMatchObject({ problems: [{ path: 'ccxt.options.recvWindow' }] });
    }
  });

  it('names everything that is wrong, and no value', () => {
    const settingsFile = file('{"ccxt": {"secret": "the-secret"}, "fills_window_days": -1, "other": 1}');
    const env = { HARVESTLINE_API_KEY: 'the-key', HARVESTLINE_API_SECRET_FILE: '/nowhere' };
    const wrong = () =>
      venueSettings({ id: 'binanceusdm', stake: 'live', url: 'http://example.com', settingsFile }, env);
    expect(wrong).toThrow(expect.objectContaining({ code: 'USAGE' }));
    expect(wrong).toThrow(
      /HARVESTLINE_API_SECRET_FILE: names a file that cannot be read.*--venue-url: must be an https address/,
    );
    expect(wrong).toThrow(/ccxt\.secret: is not among what may be set/);
    expect(wrong).toThrow(/fills_window_days/);
    expect(wrong).toThrow(/other/);
    expect(wrong).not.toThrow(/the-key|the-secret/);
    expect(() => venueSettings({ id: 'binanceusdm', stake: 'demo' }, {})).toThrow(/HARVESTLINE_API_KEY: is missing/);
    expect(() => venueSettings({ id: 'binanceusdm', stake: 'demo' }, { HARVESTLINE_API_KEY: 'k' })).toThrow(
      /HARVESTLINE_API_SECRET: is missing/,
    );
  });

  it.each([
    ['{"ccxt": {"verbose": true}}', 'ccxt.verbose'],
    ['{"ccxt": {"options": {"verbose": true}}}', 'ccxt.options.verbose'],
    ['{"ccxt": {"httpProxy": "http://127.0.0.1:9"}}', 'ccxt.httpProxy'],
    ['{"ccxt": {"headers": {"X-Key": "a"}}}', 'ccxt.headers'],
    ['{"ccxt": {"urls": {"api": "http://127.0.0.1:9"}}}', 'ccxt.urls'],
    ['{"ccxt": {"apiKey": "the-key"}}', 'ccxt.apiKey'],
    ['{"ccxt": {"options": {"apiKey": "the-key"}}}', 'ccxt.options.apiKey'],
    ['{"ccxt": {"__proto__x": 1}}', 'ccxt.__proto__x'],
    ['{"verbose": true}', 'verbose'],
    ['{"ccxt": {"options": {"defaultType": {"verbose": true}}}}', 'ccxt.options.defaultType'],
    ['{"ccxt": {"timeout": "the-secret"}}', 'ccxt.timeout'],
    ['{"ccxt": []}', 'ccxt'],
    ['[]', '(root)'],
  ])('%s is refused by the name of what may not be set, and tells what may', (content, path) => {
    const settingsFile = file(content);
    const refused = thrownBy(() => venueSettings({ id: 'binanceusdm', stake: 'live', settingsFile }, KEYS));
    expect(refused).toMatchObject({ code: 'USAGE', kind: 'usage' });
    expect(refused.message).toContain(`${settingsFile}: ${path}`);
    expect(refused.message).toContain('may hold client_order_ids, fills_window_days, ccxt.timeout');
    expect(refused.message).not.toMatch(/the-key|the-secret|127\.0\.0\.1/);
  });

  it('a file that is not JSON is not quoted', () => {
    const settingsFile = file('the-secret');
    const refused = thrownBy(() => venueSettings({ id: 'binanceusdm', stake: 'live', settingsFile }, KEYS));
    expect(refused.message).toMatch(/is not JSON/);
    expect(refused.message).not.toContain('the-sec');
  });

  it.each(['https://user@h', 'https://h/?token=the-secret', 'https://h/#x', 'ftp://h', 'h'])(
    '%s is no address for --venue-url',
    (url) => {
      const refused = thrownBy(() => venueSettings({ id: 'binanceusdm', stake: 'live', url }, KEYS));
      expect(refused.message).toMatch(/--venue-url: must be an https address/);
      expect(refused.message).not.toContain('the-secret');
    },
  );

  it('a key file loses its byte order mark and what ends its line; one that holds no key is named', () => {
    const withMark = file('\uFEFFthe-key\r\n');
    const env = { HARVESTLINE_API_KEY_FILE: withMark, HARVESTLINE_API_SECRET_FILE: file('\uFEFF the-secret \n\n') };
    expect(venueSettings({ id: 'binanceusdm', stake: 'live' }, env).credentials).toEqual({
      key: 'the-key',
      secret: 'the-secret',
      passphrase: null,
    });
    const wrong: readonly (readonly [string | Buffer, RegExp])[] = [
      ['', /is empty/],
      ['\uFEFF\r\n', /is empty/],
      [Buffer.from('the-key', 'utf16le'), /is not UTF-8 text/],
      ['two\nlines', /holds blanks, line breaks or letters/],
      ['kéy', /holds blanks, line breaks or letters/],
    ];
    for (const [content, why] of wrong) {
      const key = file(content);
      const refused = thrownBy(() =>
        venueSettings({ id: 'binanceusdm', stake: 'live' }, { ...env, HARVESTLINE_API_KEY_FILE: key }),
      );
      // Exit code 1: the command is right, but the content of the file is not.
      expect(refused).toMatchObject({ code: 'KEYS_UNUSABLE', kind: 'invariant' });
      expect(refused.message).toMatch(/HARVESTLINE_API_KEY_FILE: /);
      expect(refused.message).toMatch(why);
    }
    const blank = { HARVESTLINE_API_KEY: '  ', HARVESTLINE_API_SECRET: 'the-secret' };
    expect(() => venueSettings({ id: 'binanceusdm', stake: 'live' }, blank)).toThrow(
      /HARVESTLINE_API_KEY: holds nothing/,
    );
  });

  it('an exchange that is in no table is configured by a file', () => {
    const settingsFile = file('{"client_order_ids": "verbatim", "fills_window_days": null, "ccxt": {"timeout": 900}}');
    expect(venueSettings({ id: 'bitget', stake: 'demo', settingsFile }, KEYS)).toMatchObject({
      traits: { clientOrderIds: 'verbatim', fills: { windowMs: null } },
      ccxt: { timeout: 900 },
    });
    expect(venueSettings({ id: 'bitget', stake: 'demo' }, KEYS).traits.clientOrderIds).toBe('alphanumeric-32');
  });
});
