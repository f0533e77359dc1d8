/**
 * The package as npm installs it from its tarball, run by each runtime against a real Redis: the core where Koa is
 * not installed, then an owner and a follower with the page where it is.
 *
 * `npm run test:runtimes`, or with the names of runtimes. Installs them from test/runtimes/package.json.
 */
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expectSame, output, runApp } from '../_installed-app.ts';
import { installPacked, orSkip, ROOT, toolsOf } from '../_npm.ts';
import { RedisServer } from '../_redis-server.ts';

const CORE = { name: 'tandem-sync', value: 42, freshness: 'live', missing: 'koa', rehearsed: 43 };

await orSkip(async () => {
  const work = mkdtempSync(join(tmpdir(), 'tandem-runtimes-'));
  try {
    const modules = join(await toolsOf('test/runtimes/package.json', 'runtimes'), 'node_modules');
    const runtimes: Readonly<Record<string, readonly string[]>> = {
      // The oldest that package.json promises.
      'node-22': [join(modules, 'node-22/bin/node')],
      'node-24': [join(modules, 'node-24/bin/node')],
      bun: [join(modules, '.bin/bun')],
      deno: [join(modules, '.bin/deno'), 'run', '--allow-all', '--quiet'],
    };
    const [core, withKoa] = [join(work, 'core'), join(work, 'with-koa')];
    await installPacked(core);
    cpSync(join(ROOT, 'test/runtimes/core.js'), join(core, 'core.js'));
    await installPacked(withKoa, 'koa', '@koa/router');
    cpSync(join(ROOT, 'test/fixtures/installed-app.js'), join(withKoa, 'app.js'));
    const asked = process.argv.slice(2);
    for (const [name, command] of Object.entries(runtimes))
      if (asked.length === 0 || asked.includes(name)) await check(name, command, core, withKoa);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
});

async function check(name: string, command: readonly string[], core: string, withKoa: string): Promise<void> {
  const redis = await RedisServer.start();
  try {
    const version = (await output([command[0]!, '--version'], core)).split('\n')[0];
    expectSame(await output([...command, 'core.js', redis.url], core), CORE);
    await runApp([...command, 'app.js'], withKoa, redis);
    console.log(`${name}: works (${version})`);
  } catch (error) {
    const { stderr, message } = error as Error & { stderr?: string };
    console.error(`${name}: FAILED\n${stderr || message}`);
    process.exitCode = 1;
  } finally {
    await redis.stop();
  }
}
