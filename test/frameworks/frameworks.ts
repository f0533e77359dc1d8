/**
 * The recipes for Express and Fastify, as a user has them: with this package installed from its tarball, and run
 * against a real Redis. The routes, the page and the description are right under the path where they are mounted.
 *
 * `npm run test:frameworks`. Installs the frameworks from test/frameworks/package.json.
 */
import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { connect, defineSpace, json } from '../../src/index.ts';
import { filesOf } from '../_docs-project.ts';
import { install, installPacked, orSkip, ROOT } from '../_npm.ts';
import { RedisServer } from '../_redis-server.ts';
import { until } from '../_wait.ts';

const LONGEST_MS = 30_000;
const space = defineSpace('trading', { '*': json() });

await orSkip(async () => {
  const work = mkdtempSync(join(tmpdir(), 'tandem-frameworks-'));
  const redis = await RedisServer.start();
  const tandem = connect({ redis: redis.url, name: 'trading-1' });
  try {
    const app = join(work, 'app');
    await installPacked(app, 'koa', '@koa/router', 'zod');
    const { dependencies } = JSON.parse(readFileSync(join(ROOT, 'test/frameworks/package.json'), 'utf8')) as {
      readonly dependencies: Readonly<Record<string, string>>;
    };
    await install(app, ...Object.entries(dependencies).map(([name, version]) => `${name}@${version}`));
    for (const [name, text] of filesOf('docs/recipes.md')) writeFileSync(join(app, name), text);
    const owner = tandem.own(space);
    owner.set('strategy/momentum', { position: 120 });
    await owner.flush();
    for (const framework of Object.keys(dependencies)) await check(framework, app, redis.url);
  } finally {
    await tandem.stop();
    await redis.stop();
    rmSync(work, { recursive: true, force: true });
  }
});

async function check(framework: string, cwd: string, url: string): Promise<void> {
  const child = spawn(process.execPath, [`${framework}.js`], {
    cwd,
    env: { ...process.env, REDIS_URL: url },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  try {
    await checkRoutes(await addressOf(child));
    child.kill('SIGTERM');
    const [code] = await once(child, 'exit', { signal: AbortSignal.timeout(LONGEST_MS) });
    assert.equal(code, 0, 'it ends by itself at SIGTERM');
    console.log(`${framework}: passes`);
  } catch (error) {
    console.error(`${framework}: FAILED\n${error instanceof Error ? error.stack : String(error)}`);
    process.exitCode = 1;
  } finally {
    child.kill('SIGKILL');
  }
}

/** What the program prints once it listens: where its routes are. */
async function addressOf(child: ChildProcess): Promise<string> {
  const signal = AbortSignal.timeout(LONGEST_MS);
  const [line] = await once(createInterface({ input: child.stdout! }), 'line', { signal });
  return line as string;
}

async function checkRoutes(address: string): Promise<void> {
  const get = (path: string): Promise<Response> => fetch(`${address}${path}`);
  await until(async () => (await get('/readyz')).status === 200, 'readiness');
  const description = (await (await get('/openapi.json')).json()) as Description;
  assert.deepEqual(description.servers, [{ url: '/desk' }]);
  // The servers and a path of the description are together an address that answers.
  const path = Object.keys(description.paths).find((one) => one.endsWith('/spaces'))!;
  const spaces = await fetch(new URL(`${description.servers[0]!.url}${path}`, address));
  assert.equal(spaces.status, 200);
  const reading = await get('/spaces/trading/state/strategy/momentum');
  assert.deepEqual(((await reading.json()) as { readonly value: unknown }).value, { position: 120 });
  const unknown = await get('/spaces/trading/nowhere');
  assert.equal(unknown.status, 404);
  const page = await get('/');
  assert.match(page.headers.get('content-type') ?? '', /^text\/html/);
  const source = /(?:src|href)="([^":]+\.(?:js|css))"/.exec(await page.text())?.[1];
  assert.ok(source, 'the page has files of its own');
  assert.equal((await fetch(new URL(source, `${address}/`))).status, 200, source);
  // A stream is open when the process is asked to end.
  const changes = await get('/spaces/trading/changes');
  const { value } = await changes.body!.pipeThrough(new TextDecoderStream()).getReader().read();
  assert.match(value ?? '', /event: state/);
}

interface Description {
  readonly servers: readonly { readonly url: string }[];
  readonly paths: Readonly<Record<string, unknown>>;
}
