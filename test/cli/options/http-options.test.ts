import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command } from 'commander';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type HttpCliOptions, chosenHttp, httpOptions, requireToken } from '../../../cli/options/http-options.ts';
import { redactor } from '../../../connectors/system/redactor.ts';
import { VirtualClock } from '../../../ports/clock.ts';
import { SILENT_LOGGER } from '../../../ports/logger.ts';
import { failureOf } from '../../fixtures/thrown-by.ts';
import { folderForTest } from '../../fixtures/temporary-folder.ts';

const TOKEN = '9f86d081884c7d659a2f';
const parts = { clock: new VirtualClock(0), logger: SILENT_LOGGER };

function options(...words: readonly string[]): HttpCliOptions {
  const command = httpOptions(new Command('run'))
    .exitOverride()
    .configureOutput({ writeErr: () => {} });
  return command.parse(words, { from: 'user' }).opts<HttpCliOptions>();
}

function tokenFile(content: string): string {
  const file = join(folderForTest(), 'token');
  writeFileSync(file, content, { mode: 0o600 });
  onTestFinished(() => redactor.forget(content.trim()));
  return file;
}

describe('the options of the HTTP server', () => {
  it('serve nothing unless they are asked to, on this machine unless they say more', () => {
    expect(chosenHttp(options(), parts)).toBeNull();
    expect(chosenHttp(options('--http-port', '0'), parts)).toEqual({
      host: '127.0.0.1',
      port: 0,
      allowedHosts: ['127.0.0.1'],
      token: null,
    });
  });

  it.each([
    ['--http-token-file', 'somewhere'],
    ['--http-allowed-hosts', 'desk.example.com'],
  ])('%s without --http-port is a mistake', (...words) => {
    expect(failureOf(() => chosenHttp(options(...words), parts))).toMatchObject({ code: 'USAGE' });
  });

  it.each(['-1', '65536', '80x', ''])('port %j is none', (port) => {
    expect(() => options('--http-port', port)).toThrow(/0 to 65535/);
  });

  it('allowed hosts are names as browsers send them', () => {
    const { httpAllowedHosts } = options(
      '--http-allowed-hosts',
      'Desk.example.com, proxy:8443',
      '--http-allowed-hosts',
      '[fd00::1]',
    );
    expect(httpAllowedHosts).toEqual(['desk.example.com', 'proxy:8443', '[fd00::1]']);
    for (const wrong of ['https://desk.example.com', 'desk.example.com/', '*', 'a,,b', 'a b'])
      expect(() => options('--http-allowed-hosts', wrong)).toThrow(/as a browser shows them/);
  });

  it('a token of a file is hidden, read anew, and the last one counts while the file cannot be read', () => {
    const file = tokenFile(`${TOKEN}\n`);
    const token = chosenHttp(options('--http-port', '0', '--http-token-file', file), parts)?.token ?? null;
    const isIn = (sent: string): boolean => {
      try {
        token?.check({ authorization: `Bearer ${sent}`, cookie: null, query: null }, '10.0.0.1');
        return token !== null;
      } catch {
        return false;
      }
    };
    expect(isIn(TOKEN)).toBe(true);
    expect(redactor.redact(`got ${TOKEN}`)).toBe('got [hidden]');
    writeFileSync(file, `${TOKEN}bb`);
    expect([isIn(TOKEN), isIn(`${TOKEN}bb`)]).toEqual([false, true]);
    redactor.forget(`${TOKEN}bb`);
    writeFileSync(file, '');
    expect([isIn(''), isIn(`${TOKEN}bb`)]).toEqual([false, true]);
  });

  it.each(['', 'abc', 'two words', 'schlüssel-schlüssel'])('a token %j is refused without being shown', (content) => {
    const file = tokenFile(content);
    chmodSync(file, 0o600);
    const failure = failureOf(() => chosenHttp(options('--http-port', '0', '--http-token-file', file), parts));
    expect(failure.code).toBe('USAGE');
    expect(failure.message).toContain('--http-token-file');
    if (content !== '') expect(failure.message).not.toContain(content);
  });

  it('other machines need a token (HTTP-4)', () => {
    const of = (host: string) => chosenHttp(options('--http-port', '0', '--http-host', host), parts);
    for (const host of ['127.0.0.1', '127.0.0.9', '::1', 'localhost']) {
      const http = of(host);
      if (http === null) throw new Error('not served');
      expect(() => requireToken(http)).not.toThrow();
    }
    for (const host of ['0.0.0.0', '::', '10.0.0.1', 'desk.example.com', 'localhost.example.com']) {
      const http = of(host);
      if (http === null) throw new Error('not served');
      expect(failureOf(() => requireToken(http))).toMatchObject({ code: 'USAGE' });
      expect(() =>
        requireToken({
          ...http,
          token: chosenHttp(options('--http-port', '0', '--http-token-file', tokenFile(TOKEN)), parts)?.token ?? null,
        }),
      ).not.toThrow();
    }
  });
});
