/** The server of probes, metrics and the page over a board of the tests' own, and a browser that asks it. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { FastifyInstance, InjectOptions } from 'fastify';
import { afterAll, beforeAll, onTestFinished } from 'vitest';
import { type HttpServerOptions, httpApp } from '../../../connectors/http/http-server.ts';
import type { BoardSource } from '../../../ports/board.ts';
import { VirtualClock } from '../../../ports/clock.ts';
import { SILENT_LOGGER } from '../../../ports/logger.ts';
import { FakeBoard } from '../../fixtures/fake-board.ts';
import { folderForTest, temporaryFolder } from '../../fixtures/temporary-folder.ts';

/** A page of three files, beside one that is none of it. */
function pageFolder(): string {
  const folder = folderForTest();
  writePage(folder);
  return folder;
}

function writePage(folder: string): void {
  mkdirSync(join(folder, 'parts'));
  writeFileSync(join(folder, 'index.html'), '<!doctype html><title>harvestline</title>');
  writeFileSync(join(folder, 'board.js'), 'export {};');
  writeFileSync(join(folder, 'parts', 'table.css'), 'table {}');
  writeFileSync(join(folder, 'notes.txt'), 'not for everybody');
}

export const clock = new VirtualClock(Date.UTC(2026, 2, 1));

export function boardOf(parts: Partial<BoardSource> = {}): BoardSource {
  const board = new FakeBoard({ clock, positions: 3, everyMs: null });
  return { state: () => board.state(), watch: board.watch.bind(board), story: board.story.bind(board), ...parts };
}

export function make(options: Partial<HttpServerOptions> = {}): Promise<{ readonly app: FastifyInstance }> {
  return httpApp({
    host: '127.0.0.1',
    port: 0,
    allowedHosts: [],
    token: null,
    live: () => ({ ok: true, detail: {} }),
    ready: () => ({ ok: false, detail: { why: ['scoring is restoring'] } }),
    metrics: { contentType: 'text/plain; version=0.0.4', text: () => Promise.resolve('up 1\n') },
    board: boardOf(),
    clock,
    logger: SILENT_LOGGER,
    ...options,
  });
}

export async function app(options: Partial<HttpServerOptions> = {}): Promise<FastifyInstance> {
  const made = await make({ pageFolder: pageFolder(), ...options });
  onTestFinished(() => made.app.close());
  return made.app;
}

/** One server for all tests of a block, which only ask. */
export function sharedApp(options: Partial<HttpServerOptions> = {}): () => FastifyInstance {
  let made: FastifyInstance | undefined;
  const folder = temporaryFolder();
  beforeAll(async () => {
    writePage(folder.path);
    ({ app: made } = await make({ pageFolder: folder.path, ...options }));
  });
  afterAll(async () => {
    await made?.close();
    folder.remove();
  });
  return () => {
    if (made === undefined) throw new Error('asked before the block began');
    return made;
  };
}

/** As a browser on this machine asks. */
export function ask(server: FastifyInstance, url: string, options: InjectOptions = {}) {
  const headers = { host: 'localhost:9464', ...options.headers };
  return server.inject({ method: 'GET', url, ...options, headers });
}
