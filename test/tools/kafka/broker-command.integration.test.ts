import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { describe, expect, inject, it, onTestFinished } from 'vitest';
import { isFree, type BrokerPorts } from '../../../tools/kafka/broker-place.ts';
import { folderForTest } from '../../fixtures/temporary-folder.ts';
import { freePorts } from './test-servers.ts';

const PROGRAM = fileURLToPath(new URL('../../../tools/kafka/broker.ts', import.meta.url));

function start(args: readonly string[], env: Record<string, string> = {}) {
  return spawn(process.execPath, [PROGRAM, ...args], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

async function run(args: readonly string[], env: Record<string, string> = {}) {
  const child = start(args, env);
  const [out, err, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')]);
  return { out, err, code: code as number | null };
}

describe('npm run kafka without its tools', () => {
  it('says that Java is missing and what to install, and exits 1', async () => {
    const { out, err, code } = await run(['--data', folderForTest()], { PATH: '/nowhere', JAVA_HOME: '' });
    expect({ out, code }).toEqual({ out: '', code: 1 });
    expect(err).toContain('TOOL_MISSING: Java is missing');
    expect(err).toContain('openjdk-17');
    expect(err).toContain('docker-compose.yml');
  });

  it.each(['0', '65536', 'a'])('refuses port %s as wrong usage', async (port) => {
    const { err, code } = await run(['--data', folderForTest(), '--kafka-port', port]);
    expect(err).toContain('a port is a number from 1 to 65535');
    expect(code).toBe(2);
  });
});

describe('npm run kafka stop', () => {
  it('BRK-3: leaves a process alone that is not ours, although the pid file names it', async () => {
    const data = folderForTest();
    mkdirSync(join(data, 'broker'));
    const bystander = spawn(process.execPath, ['-e', 'process.stdin.resume()'], {
      stdio: ['pipe', 'ignore', 'ignore'],
    });
    onTestFinished(() => void bystander.kill('SIGKILL'));
    writeFileSync(join(data, 'broker', 'kafka.pid'), `${bystander.pid}\n`);
    const { out, code } = await run(['stop', '--data', data]);
    expect(out).toContain('kafka     was not running');
    expect(code).toBe(0);
    expect(bystander.exitCode ?? bystander.signalCode).toBe(null);
  });
});

describe.skipIf('skipped' in inject('kafka'))('npm run kafka', () => {
  it('names the port that is taken, and the option that changes it', async () => {
    const ports = await freePorts();
    const other = createServer();
    other.listen(ports.registry, '127.0.0.1');
    await once(other, 'listening');
    onTestFinished(() => void other.close());
    const { err, code } = await run(['--data', folderForTest(), ...optionsOf(ports)]);
    expect(err).toContain(`PORT_TAKEN: port ${ports.registry} of 127.0.0.1 is taken`);
    expect(err).toContain('`--registry-port N`');
    expect(err).not.toContain('--kafka-port');
    expect(code).toBe(2);
  });

  it('BRK-4: with --detach both go on without the program that started them, and another one stops them', async () => {
    const data = folderForTest();
    const ports = await freePorts();
    onTestFinished(async () => void (await run(['stop', '--data', data])));
    const started = await run(['start', '--detach', '--data', data, ...optionsOf(ports)]);
    expect(started).toMatchObject({ code: 0, out: expect.stringContaining(`npm run kafka stop -- --data ${data}`) });
    const pids = /registry {2}pid \d+,[^]*kafka {5}pid \d+,/;
    expect((await run(['status', '--data', data])).out).toMatch(pids);
    // Its owner's alone, as `doctor` asks of a data folder.
    expect(statSync(join(data, 'broker')).mode & 0o077).toBe(0);
    const { out } = await run(['stop', '--data', data]);
    expect(out).toMatch(/kafka {5}stopped/);
    expect(out).toMatch(/registry {2}stopped/);
    expect((await run(['status', '--data', data])).out).not.toMatch(pids);
  });

  it('starts both, prints what to export, and stops both on SIGTERM', async () => {
    const data = folderForTest();
    const ports = await freePorts();
    const child = start(['--data', data, ...optionsOf(ports)]);
    // Stops the servers also where the test fails.
    onTestFinished(async () => void (await run(['stop', '--data', data])));
    const closed = once(child, 'close');
    let out = '';
    for await (const chunk of child.stdout.setEncoding('utf8')) {
      out += String(chunk);
      if (!out.includes('Ctrl-C') || child.killed) continue;
      expect(await run(['status', '--data', data])).toMatchObject({ code: 0 });
      expect(await run(['--data', data, ...optionsOf(ports)])).toMatchObject({ code: 1 });
      child.kill('SIGTERM');
    }
    expect(out).toContain(`export KAFKA_BROKERS=127.0.0.1:${ports.kafka}\n`);
    expect(out).toContain(`export SCHEMA_REGISTRY_URL=http://127.0.0.1:${ports.registry}/apis/ccompat/v7\n`);
    expect(out).toMatch(/kafka {5}stopped/);
    expect(out).toMatch(/registry {2}stopped/);
    expect(await closed).toEqual([0, null]);
    expect(await Promise.all(Object.values(ports).map(isFree))).toEqual([true, true, true]);
  });
});

function optionsOf({ kafka, controller, registry }: BrokerPorts): readonly string[] {
  return [`--kafka-port=${kafka}`, `--controller-port=${controller}`, `--registry-port=${registry}`];
}
