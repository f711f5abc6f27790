import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { hasCredentials, venueSettings } from '../../../../connectors/exchange/ccxt/venue-settings.ts';

const KEYS = { HARVESTLINE_API_KEY: 'the-key', HARVESTLINE_API_SECRET: 'the-secret' };

function file(content: string): string {
  const path = join(mkdtempSync(join(tmpdir(), 'venue-')), 'file');
  writeFileSync(path, content);
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

  it('names everything that is wrong, and no value', () => {
    const settingsFile = file('{"ccxt": {"secret": "the-secret"}, "fills_window_days": -1, "other": 1}');
    const env = { HARVESTLINE_API_KEY: 'the-key', HARVESTLINE_API_SECRET_FILE: '/nowhere' };
    const wrong = () =>
      venueSettings({ id: 'binanceusdm', stake: 'live', url: 'http://example.com', settingsFile }, env);
    expect(wrong).toThrow(expect.objectContaining({ code: 'USAGE' }));
    expect(wrong).toThrow(/HARVESTLINE_API_SECRET_FILE: cannot be read.*--venue-url: must be an https address/);
    expect(wrong).toThrow(/ccxt: must not carry secrets/);
    expect(wrong).toThrow(/fills_window_days/);
    expect(wrong).toThrow(/other/);
    expect(wrong).not.toThrow(/the-key|the-secret/);
    expect(() => venueSettings({ id: 'binanceusdm', stake: 'demo' }, {})).toThrow(/HARVESTLINE_API_KEY: is missing/);
    expect(() => venueSettings({ id: 'binanceusdm', stake: 'demo' }, { HARVESTLINE_API_KEY: 'k' })).toThrow(
      /HARVESTLINE_API_SECRET: is missing/,
    );
  });

  it('an exchange that is in no table is configured by a file', () => {
    const settingsFile = file('{"client_order_ids": "verbatim", "fills_window_days": null, "ccxt": {"timeout": 900}}');
    expect(venueSettings({ id: 'bybit', stake: 'demo', settingsFile }, KEYS)).toMatchObject({
      traits: { clientOrderIds: 'verbatim', fillsWindowMs: null },
      ccxt: { timeout: 900 },
    });
    expect(venueSettings({ id: 'bybit', stake: 'demo' }, KEYS).traits.clientOrderIds).toBe('alphanumeric-32');
  });
});
