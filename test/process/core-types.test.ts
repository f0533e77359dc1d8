/**
 * The types of the core, for who uses no HTTP: they need neither Koa nor OpenTelemetry, nor `skipLibCheck`. With
 * `exactOptionalPropertyTypes` XState's own types do not compile, so who has that option needs `skipLibCheck`.
 */
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import test from 'ava';
import { LONGEST_TEST_MS } from '../_real.ts';

const run = promisify(execFile);
const root = new URL('../..', import.meta.url).pathname;
const tsc = join(root, 'node_modules/.bin/tsc');

/** What npm installs with the core, and the types of Node. */
const INSTALLED = ['ioredis', 'xstate', '@types/node', 'undici-types'];

const APP = `
  import { connect, defineSpace, json } from 'tandem-sync';
  const space = defineSpace('s', { 'key/*': json<{ list: number[] }>() });
  await using tandem = connect({ redis: 'redis://127.0.0.1:1' });
  const owner = tandem.own(space);
  owner.update('key/a', (value) => ({ list: [...(value?.list ?? []), 1] }));
  const list: readonly number[] | undefined = owner.get('key/a').value?.list;
  for await (const { key } of tandem.follow(space).changes('key/*')) console.log(key.slice(4), list);
`;

test('the types of the core compile without skipLibCheck, without Koa and without OpenTelemetry', async (t) => {
  t.timeout(LONGEST_TEST_MS);
  const folder = mkdtempSync(join(tmpdir(), 'tandem-types-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  const modules = join(folder, 'node_modules');
  for (const name of INSTALLED) {
    mkdirSync(join(modules, name, '..'), { recursive: true });
    symlinkSync(join(root, 'node_modules', name), join(modules, name));
  }
  const home = join(modules, 'tandem-sync');
  const options = ['-p', join(root, 'tsconfig.build.json'), '--emitDeclarationOnly', '--outDir', home];
  await run(tsc, options, { cwd: root });
  const types = { types: './src/index.d.ts', default: './src/index.js' };
  const manifest = { name: 'tandem-sync', version: '0.0.0', type: 'module', exports: types };
  writeFileSync(join(home, 'package.json'), JSON.stringify(manifest));
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
  writeFileSync(join(folder, 'app.ts'), APP);
  const compilerOptions = {
    target: 'es2022',
    module: 'nodenext',
    types: ['node'],
    strict: true,
    skipLibCheck: false,
    noEmit: true,
  };
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['app.ts'] }));
  const compiled = run(tsc, ['-p', folder], { cwd: folder });
  await t.notThrowsAsync(compiled.catch((error) => Promise.reject(new Error(error.stdout))));
});
