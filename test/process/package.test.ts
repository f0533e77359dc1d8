/** The package as users get it: packed, installed in a folder of its own, and imported by its name. */
import { execFile } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import test from 'ava';
import { LONGEST_TEST_MS } from '../_real.ts';

const run = promisify(execFile);
const root = new URL('../..', import.meta.url).pathname;

test('the packed package works in another folder, with its types', async (t) => {
  t.timeout(LONGEST_TEST_MS);
  const folder = mkdtempSync(join(tmpdir(), 'tandem-package-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  await run('npm', ['pack', '--pack-destination', folder], { cwd: root });
  const [tarball] = readdirSync(folder);
  await run('tar', ['-xzf', tarball!], { cwd: folder });

  // Lays out the package as npm would, with links to our copies of its dependencies.
  const modules = join(folder, 'node_modules');
  symlinkSync(join(root, 'node_modules'), modules);
  const scope = join(folder, 'app');
  cpSync(join(folder, 'package'), join(scope, 'node_modules', 'tandem-sync'), { recursive: true });

  writeFileSync(join(scope, 'package.json'), '{"type":"module"}');
  writeFileSync(
    join(scope, 'app.ts'),
    `import Koa from 'koa';
     import { connect, defineSpace, json, TandemError } from 'tandem-sync';
     import { statusRouter } from 'tandem-sync/koa';
     import { follow } from 'tandem-sync/client';
     const space = defineSpace('s', { 'key/*': json<number>() });
     const tandem = connect({ redis: 'redis://127.0.0.1:1' });
     const owner = tandem.own(space);
     owner.set('key/a', 1);
     // @ts-expect-error a value of the wrong type
     owner.set('key/a', 'one');
     const value: number | undefined = owner.get('key/a').value;
     const server = new Koa().use(statusRouter(tandem).routes()).listen(0, '127.0.0.1');
     await new Promise((resolve) => server.once('listening', resolve));
     const { port } = server.address() as { port: number };
     for (const path of ['', 'page/main.js', 'page/style.css', 'page/uPlot.js', 'openapi.json', 'livez']) {
       const { status } = await fetch('http://127.0.0.1:' + port + '/' + path);
       if (status !== 200) throw new Error(path + ' answers ' + status);
     }
     server.closeAllConnections();
     server.close();
     const client = follow({ url: 'http://127.0.0.1:' + port, space, fetch: () => new Promise(() => {}) });
     const shown: number | undefined = client.get('key/a').value;
     if (shown !== undefined) throw new Error('nothing was read');
     client.close();
     if (typeof TandemError !== 'function') throw new Error('no TandemError');
     await tandem.stop({ timeoutMs: 10 });
     console.log(value);`,
  );
  const { stdout } = await run(process.execPath, ['app.ts'], { cwd: scope });
  t.is(stdout.trim(), 'one');
  const options = [
    '--noEmit',
    '--strict',
    '--module',
    'nodenext',
    '--target',
    'es2024',
    '--types',
    'node',
    'app.ts',
  ];
  await t.notThrowsAsync(run(join(root, 'node_modules', '.bin', 'tsc'), options, { cwd: scope }));
});
