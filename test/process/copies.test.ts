/** Two copies of the package in one process, as two versions in one tree or a bundle beside it make them. */
import { cpSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { ExecutionContext } from 'ava';
import test from 'ava';
import * as ours from '../../src/index.ts';
import { acceptsAll } from '../../src/state/schema.ts';
import { fakeTime, memoryServer } from '../../src/testing.ts';
import { LONGEST_TEST_MS } from '../_real.ts';
import { MemoryWorld } from '../_memory-world.ts';

const root = new URL('../..', import.meta.url).pathname;

/** Another copy of the package, loaded into this process. */
async function anotherCopy(t: ExecutionContext): Promise<typeof ours> {
  t.timeout(LONGEST_TEST_MS);
  const folder = mkdtempSync(join(tmpdir(), 'tandem-copy-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  for (const part of ['src', 'machines', 'package.json'])
    cpSync(join(root, part), join(folder, part), { recursive: true });
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
  return (await import(pathToFileURL(join(folder, 'src/index.ts')).href)) as typeof ours;
}

test('a space and the errors of another copy are taken', async (t) => {
  const theirs = await anotherCopy(t);
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

test('an owner that a reload has left behind is told from one in another process', async (t) => {
  const theirs = await anotherCopy(t);
  const [store, time] = [memoryServer(), fakeTime()];
  const space = ours.defineSpace('s', { a: ours.json() });
  const before = ours.connect({ store, time, name: 'web' });
  before.own(space);
  await time.advance(100);
  const again = theirs.connect({ store, time, name: 'web' });
  const refused = t.throwsAsync(again.own(space).ready({ timeoutMs: 60_000 }));
  await time.advance(10_000);
  const error = await refused;
  t.like(error, { code: 'OWNED_ELSEWHERE', owner: 'web', isInThisProcess: true });
  t.regex(error.message, /is in this same process, .*: was a module loaded twice/);
  await Promise.all([before.stop(), again.stop(), time.advance(10_000)]);
  t.is(new ours.OwnedElsewhereError('s', 'web').isInThisProcess, false);
});
