/**
 * An owner and a follower with the page, bundled by each bundler and run in an empty folder, without
 * `node_modules`, against a real Redis. The same for a program with OpenTelemetry in its bundle.
 *
 * `npm run test:bundles`, or with the names of bundlers. Installs them from test/bundles/package.json.
 */
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expectSame, output, runApp } from '../_installed-app.ts';
import { installPacked, orSkip, ROOT, toolsOf } from '../_npm.ts';
import { RedisServer } from '../_redis-server.ts';

const TRACING = ['@opentelemetry/api', '@opentelemetry/sdk-trace', '@opentelemetry/context-async-hooks'];
const SPANS = ['a decision', 'commit traced'];

await orSkip(async () => {
  const work = mkdtempSync(join(tmpdir(), 'tandem-bundles-'));
  try {
    const bundlers = join(await toolsOf('test/bundles/package.json', 'bundlers'), 'bundlers.mjs');
    cpSync(join(ROOT, 'test/bundles/bundlers.mjs'), bundlers);
    await installPacked(join(work, 'app'), 'koa', '@koa/router', ...TRACING);
    cpSync(join(ROOT, 'test/fixtures/installed-app.js'), join(work, 'app/app.js'));
    cpSync(join(ROOT, 'test/bundles/traced.js'), join(work, 'app/traced.js'));
    const asked = process.argv.slice(2);
    const all = (await output([process.execPath, bundlers], work)).trim().split('\n');
    for (const bundler of asked.length > 0 ? asked : all) await check(bundler, bundlers, work);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
});

async function check(bundler: string, bundlers: string, work: string): Promise<void> {
  // A Redis for each, so that no owner waits for the lease of another one.
  const redis = await RedisServer.start();
  /** Bundles one of the programs. Its folder has nothing else, and no folder above it has `node_modules`. */
  const bundle = async (entry: string): Promise<{ folder: string; file: string }> => {
    const folder = join(work, bundler, entry);
    mkdirSync(folder, { recursive: true });
    const app = join(work, 'app');
    await output([process.execPath, bundlers, bundler, join(app, `${entry}.js`), folder], app);
    return { folder, file: readdirSync(folder).find((name) => name.startsWith('app.'))! };
  };
  try {
    const app = await bundle('app');
    await runApp([process.execPath, app.file], app.folder, redis);
    const traced = await bundle('traced');
    expectSame(await output([process.execPath, traced.file, redis.url], traced.folder), SPANS);
    console.log(`${bundler}: runs, ${Math.round(sizeOf(app.folder) / 1024)} kB`);
  } catch (error) {
    const { stderr, message } = error as Error & { stderr?: string };
    console.error(`${bundler}: FAILED\n${stderr || message}`);
    process.exitCode = 1;
  } finally {
    await redis.stop();
  }
}

function sizeOf(folder: string): number {
  return readdirSync(folder).reduce((sum, name) => sum + statSync(join(folder, name)).size, 0);
}
