/** `stop()` tells what Redis never confirmed, so that a script can exit with an error. */
import test from 'ava';
import type { FencedEvent } from '../../src/index.ts';
import { defineSpace, json } from '../../src/index.ts';
import { cut, MemoryWorld, mend } from '../_memory-world.ts';

const space = defineSpace('space', { 'key/*': json<number>() });
const other = defineSpace('other', { '*': json<number>() });

const keysOf = ({ uncommitted }: { readonly uncommitted: readonly { readonly key: string }[] }): string[] =>
  uncommitted.map(({ key }) => key);

test('of an owner that committed all, of a follower and of a standby, there is nothing', async (t) => {
  const world = new MemoryWorld();
  const [owning, following, standing] = ['owner', 'follower', 'standby'].map((name) => world.process(name));
  const owner = owning!.tandem.own(space);
  owner.set('key/a', 1);
  const follower = following!.tandem.follow(space);
  const standby = standing!.tandem.own(space, { standby: true });
  await world.time.until(() => follower.get('key/a').value === 1, 'a change');
  t.deepEqual(await world.result(standby.stop()), { uncommitted: [] });
  t.deepEqual(await world.result(follower.stop()), { uncommitted: [] });
  t.deepEqual(await world.result(owner.stop()), { uncommitted: [] });
  t.deepEqual(await world.result(owning!.tandem.stop()), { uncommitted: [] });
});

test('where Redis was never reached, all is uncommitted: values, deletes, in order', async (t) => {
  const world = new MemoryWorld();
  const process = world.process('owner');
  cut(process);
  const owner = process.tandem.own(space);
  owner.set('key/a', 1);
  owner.set('key/b', 2);
  owner.set('key/a', 3);
  owner.delete('key/c');
  const { uncommitted } = await world.result(process.tandem.stop());
  t.deepEqual(uncommitted, [
    { space: 'space', key: 'key/b', value: 2, position: '0-2' },
    { space: 'space', key: 'key/a', value: 3, position: '0-3' },
    { space: 'space', key: 'key/c', value: undefined, position: '0-4' },
  ]);
});

test('only what was set since the last commit is uncommitted, however often one stops', async (t) => {
  const world = new MemoryWorld();
  const process = world.process('owner');
  const owner = process.tandem.own(space);
  owner.set('key/a', 1);
  await world.result(owner.flush());
  cut(process);
  owner.set('key/b', 2);
  const stopping = owner.stop({ timeoutMs: 100 });
  const first = await world.result(stopping);
  t.deepEqual(first, { uncommitted: [{ key: 'key/b', value: 2, position: owner.head }] });
  mend(process);
  t.is(await world.result(owner.stop()), first);
});

test('what was read from Redis, or committed before a claim was lost, is not the loss of an owner', async (t) => {
  const world = new MemoryWorld();
  const first = world.process('first');
  const before = first.tandem.own(space);
  before.set('key/a', 1);
  await world.result(before.flush());
  await world.result(first.tandem.stop());

  const process = world.process('second');
  const owner = process.tandem.own(space);
  // It has claimed and read the space, and cannot commit.
  world.server.commit = () => {
    throw new Error('OOM command not allowed');
  };
  owner.on('error', () => {});
  owner.set('key/b', 2);
  await world.time.until(() => owner.head.endsWith('-2'), 'a state that was read');
  t.deepEqual(keysOf(await world.result(owner.stop({ timeoutMs: 100 }))), ['key/b']);
});

test('after Redis lost everything, all of it is uncommitted until it is repaired', async (t) => {
  const world = new MemoryWorld();
  const process = world.process('owner');
  const owner = process.tandem.own(space);
  owner.on('error', () => {});
  owner.set('key/a', 1);
  await world.result(owner.flush());
  const refuse = (): never => {
    throw new Error('OOM command not allowed');
  };
  Object.assign(world.server, { commit: refuse, stage: refuse });
  world.server.wipe();
  await world.time.advance(1_000);
  t.deepEqual(keysOf(await world.result(owner.stop({ timeoutMs: 100 }))), ['key/a']);
});

test('after a fence it is what the `fenced` event told, and a Tandem names the space', async (t) => {
  const world = new MemoryWorld();
  const process = world.process('owner');
  const owner = process.tandem.own(space);
  const another = process.tandem.own(other);
  another.set('well', 1);
  owner.set('key/a', 1);
  await world.result(owner.flush());
  await world.result(another.flush());
  let fenced: FencedEvent | undefined;
  owner.on('fenced', (event) => (fenced = event));
  cut(process);
  owner.set('key/b', 2);
  await world.time.advance(5_000);
  const successor = world.process('successor').tandem.own(space);
  await world.time.until(() => successor.ownership === 'leading', 'a successor');
  mend(process);
  await world.time.until(() => fenced !== undefined, 'an owner that is fenced');
  t.deepEqual(keysOf(fenced!), ['key/b']);
  const { uncommitted } = await world.result(process.tandem.stop());
  t.deepEqual((await owner.stop()).uncommitted, fenced!.uncommitted);
  t.deepEqual(uncommitted, [{ space: 'space', ...fenced!.uncommitted[0]! }]);
});
