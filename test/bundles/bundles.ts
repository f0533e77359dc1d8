/**
 * An owner and a follower with the page, bundled by each bundler and run in an empty folder, without
 * `node_modules`, against a real Redis. The same for a program with OpenTelemetry in its bundle.
 *
 * The client for browsers is bundled alone, and has to be small.
 *
 * `npm run test:bundles`, or with the names of bundlers. Installs them from test/bundles/package.json.
 */
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { expectSame, output, runApp } from '../_installed-app.ts';
import { installPacked, orSkip, ROOT, toolsOf } from '../_npm.ts';
import { RedisServer } from '../_redis-server.ts';

const MOST_CLIENT_BYTES = 5_000;
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
    await checkClient(bundlers, work);
    for (const bundler of asked.length > 0 ? asked : all) await check(bundler, bundlers, work);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
});

/** The client alone, bundled for a browser: it needs no other package, and is as small as is promised. */
async function checkClient(bundlers: string, work: string): Promise<void> {
  const [app, folder] = [join(work, 'app'), join(work, 'browser')];
  mkdirSync(folder);
  writeFileSync(join(app, 'client.js'), "export { ClientError, follow } from 'tandem-sync/client';\n");
  await output([process.execPath, bundlers, 'browser', join(app, 'client.js'), folder], app);
  const bytes = gzipSync(readFileSync(join(folder, 'client.js')), { level: 9 }).length;
  console.log(`client: ${bytes} bytes, minified and compressed`);
  if (bytes < MOST_CLIENT_BYTES) return;
  console.error(`client: FAILED: expected less than ${MOST_CLIENT_BYTES} bytes`);
  process.exitCode = 1;
}

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
