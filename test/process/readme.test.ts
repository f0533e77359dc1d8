/**
 * The code in the README compiles, each block of it, as strictly as our own code, against the types of the sources.
 */
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import test from 'ava';
import { LONGEST_TEST_MS } from '../_real.ts';

const run = promisify(execFile);
const root = new URL('../..', import.meta.url).pathname;

/** What a block may use without a word about where it comes from: the blocks before it have that. */
const GIVEN: Readonly<Record<string, string>> = {
  connect: `import { connect } from 'tandem-sync';`,
  defineSpace: `import { defineSpace } from 'tandem-sync';`,
  json: `import { json } from 'tandem-sync';`,
  statusRouter: `import { statusRouter } from 'tandem-sync/koa';`,
  directRouter: `import { directRouter } from 'tandem-sync/koa';`,
  z: `import { z } from 'zod';`,
  trading: `import { trading } from './space.ts';`,
  tandem: `declare const tandem: import('tandem-sync').Tandem;`,
  owner: `declare const owner: import('tandem-sync').Owner<typeof import('./space.ts').trading.definition>;`,
  state: `declare const state: import('tandem-sync').Follower<typeof import('./space.ts').trading.definition>;`,
  signal: `declare const signal: AbortSignal;`,
  server: `declare const server: import('node:http').Server;`,
  app: `declare const app: import('koa');`,
};

/** The blocks of TypeScript, by the name of the file that each would be in. */
function blocks(): Map<string, string> {
  const readme = readFileSync(join(root, 'README.md'), 'utf8');
  const found = [...readme.matchAll(/^```ts\n(.*?)^```$/gms)].map(([, code]) => code!);
  return new Map(
    found.map((code, n) => {
      const name = /^\/\/ ([\w-]+\.ts)\b/.exec(code)?.[1];
      return name === undefined ? [`block-${n}.ts`, `${given(code)}\n${code}\nexport {};`] : [name, code];
    }),
  );
}

function given(code: string): string {
  const text = code.replaceAll(/\/\/.*$/gm, '').replaceAll(/'[^']*'/g, '');
  const isUsed = (name: string): boolean => new RegExp(`(?<![.\\w])${name}\\b(?!:)`).test(text);
  const isMade = (name: string): boolean =>
    new RegExp(`\\b(const|using|let) (\\{[^}]*\\b)?${name}\\b|import [^;]*\\b${name}\\b[^;]*from`).test(text);
  return Object.keys(GIVEN)
    .filter((name) => isUsed(name) && !isMade(name))
    .map((name) => GIVEN[name])
    .join(' ');
}

test('each block of code in the README compiles', async (t) => {
  t.timeout(LONGEST_TEST_MS);
  const folder = mkdtempSync(join(tmpdir(), 'tandem-readme-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
  const code = blocks();
  t.true(code.size >= 5);
  for (const [name, text] of code) writeFileSync(join(folder, name), text);
  const { compilerOptions } = JSON.parse(readFileSync(join(root, 'tsconfig.json'), 'utf8'));
  const options = {
    ...compilerOptions,
    lib: ['es2024', 'esnext.disposable'],
    noUnusedLocals: false,
    noUnusedParameters: false,
    paths: {
      'tandem-sync': [join(root, 'src/index.ts')],
      'tandem-sync/koa': [join(root, 'src/koa.ts')],
      'tandem-sync/testing': [join(root, 'src/testing.ts')],
    },
  };
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
  writeFileSync(
    join(folder, 'tsconfig.json'),
    JSON.stringify({ compilerOptions: options, include: [...code.keys()] }),
  );
  const compiled = run(join(root, 'node_modules/.bin/tsc'), ['-p', folder], { cwd: folder });
  await t.notThrowsAsync(compiled.catch((error) => Promise.reject(new Error(error.stdout))));
});
