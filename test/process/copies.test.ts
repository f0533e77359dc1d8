/** Two copies of the package in one process, as two versions in one tree or a bundle beside it make them. */
import { cpSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import test from 'ava';
import * as ours from '../../src/index.ts';
import { acceptsAll } from '../../src/state/schema.ts';
import { LONGEST_TEST_MS } from '../_real.ts';
import { MemoryWorld } from '../_memory-world.ts';

const root = new URL('../..', import.meta.url).pathname;

test('a space and the errors of another copy are taken', async (t) => {
  t.timeout(LONGEST_TEST_MS);
  const folder = mkdtempSync(join(tmpdir(), 'tandem-copy-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  for (const part of ['src', 'machines', 'package.json'])
    cpSync(join(root, part), join(folder, part), { recursive: true });
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
  const theirs = (await import(pathToFileURL(join(folder, 'src/index.ts')).href)) as typeof ours;
  t.not(theirs.TandemError, ours.TandemError);

  const space = theirs.defineSpace('s', { 'a/*': theirs.json<number>() });
  t.true(acceptsAll(space.definition['a/*']));
  const world = new MemoryWorld();
  const owner = world.process('owner').tandem.own(space);
  const follower = world.process('follower').tandem.follow(space);
  owner.set('a/1', 1);
  await world.result(owner.ready());
  await world.result(follower.waitUntil('a/1', ({ value }) => value === 1));
  const wrong = t.throws(() => owner.set('b' as 'a/1', 1), {
    code: 'UNKNOWN_KEY',
    instanceOf: ours.TandemError,
  });
  t.true(wrong instanceof theirs.TandemError, 'an error of ours is one of theirs');

  const invalid = t.throws(() => space.capture('a/1', NaN));
  for (const { TandemError, InvalidValueError, OwnedElsewhereError } of [ours, theirs]) {
    t.true(invalid instanceof TandemError);
    t.true(invalid instanceof InvalidValueError);
    t.false(invalid instanceof OwnedElsewhereError);
    const Mine = class extends TandemError {};
    t.false(invalid instanceof Mine);
    t.true(new Mine('TIMEOUT', 'late') instanceof Mine);
    t.true(new Mine('TIMEOUT', 'late') instanceof ours.TandemError);
    for (const value of [null, undefined, 'text', new Error('other'), {}])
      t.false(value instanceof TandemError);
  }
  for (const odd of ['s', {}, null, { name: 's', definition: space.definition }])
    t.throws(() => world.process('odd').tandem.follow(odd as never), { code: 'INVALID_SPACE' });
});
