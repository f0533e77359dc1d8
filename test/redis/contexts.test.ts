/**
 * Async contexts, on a real Redis: whatever is made or called lazily in a request, no callback runs in that
 * request's context, nothing keeps it alive, and each caller goes on in its own.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Redis } from 'ioredis';
import type { AnyParticipant, Tandem } from '../../src/index.ts';
import { connect, defineSpace, json } from '../../src/index.ts';
import type { StandardSchemaV1 } from '../../src/state/standard-schema.ts';
import { onRealServers } from '../_real.ts';
import { RedisServer } from '../_redis-server.ts';
import { until } from '../_wait.ts';

const request = new AsyncLocalStorage<object>();

/** Notes the request in whose context each callback runs. */
class Notes {
  readonly seen = new Map<string, (object | undefined)[]>();

  note(name: string): void {
    this.seen.set(name, [...(this.seen.get(name) ?? []), request.getStore()]);
  }

  get leaks(): string[] {
    return [...this.seen].filter(([, stores]) => stores.some(Boolean)).map(([name]) => name);
  }

  has(...names: string[]): boolean {
    return names.every((name) => this.seen.has(name));
  }
}

/** A schema that notes its context, and refuses the number 13. */
function noting(notes: Notes): StandardSchemaV1<number, number> {
  const validate = (value: unknown): StandardSchemaV1.Result<number> => {
    notes.note('schema');
    return value === 13 ? { issues: [{ message: 'unlucky' }] } : { value: value as number };
  };
  return { '~standard': { version: 1, vendor: 'test', validate } };
}

onRealServers('no callback runs in the context of a request', async (t) => {
  const server = await RedisServer.start();
  const hand = new Redis(server.adminUrl, { replyMapping: 'legacy' });
  const notes = new Notes();
  const written = defineSpace('contexts', { 'key/*': json<number>() });
  const read = defineSpace('contexts', { 'key/*': noting(notes) });
  const tandems: Tandem[] = [];
  t.teardown(async () => {
    for (const tandem of tandems) await tandem.stop({ timeoutMs: 100 });
    hand.disconnect();
    await server.stop();
  });
  // All of it lazily, in a first request.
  const { owner, follower } = await request.run({ request: 1 }, async () => {
    const inspect = (): void => notes.note('inspect');
    const redis = (): Redis => {
      notes.note('client');
      return new Redis(server.url, { lazyConnect: true, replyMapping: 'legacy' });
    };
    const owning = connect({ redis, name: 'owner', inspect });
    const following = connect({ redis, name: 'follower', inspect });
    tandems.push(owning, following);
    for (const tandem of tandems)
      tandem.observe({
        applied: () => notes.note('observe applied'),
        committed: () => notes.note('observe committed'),
        mode: () => notes.note('observe mode'),
        error: () => notes.note('observe error'),
      });
    const owner = owning.own(written);
    const follower = following.follow(read);
    for (const [role, one] of [
      ['owner', owner as AnyParticipant],
      ['follower', follower as AnyParticipant],
    ] as const) {
      one.on('mode', () => notes.note(`${role} on mode`));
      one.on('error', () => notes.note(`${role} on error`));
      one.subscribe(() => notes.note(`${role} subscribe`));
      one.watchHead(() => notes.note(`${role} watchHead`));
    }
    owner.on('ownership', () => notes.note('on ownership'));
    follower.on('sync', () => notes.note('on sync'));
    follower.watch('key/1', () => notes.note('watch'));
    follower.watch('key/*', () => notes.note('watch a family'));
    follower.watch('*', () => {
      notes.note('watch all');
      throw new Error('a callback that fails');
    });
    await owner.ready();
    await follower.ready();
    t.deepEqual(request.getStore(), { request: 1 }, 'the caller goes on in its own context');
    return { owner, follower };
  });
  // Other requests set, wait and refresh, and then the connections are lost.
  await request.run({ request: 2 }, async () => {
    owner.set('key/1', 1);
    owner.batch(() => owner.set('key/2', 2));
    const head = await owner.flush();
    t.deepEqual(request.getStore(), { request: 2 });
    await follower.waitFor(head);
    await follower.refresh();
    t.deepEqual(request.getStore(), { request: 2 });
    owner.set('key/1', 13);
    owner.send({ type: 'set', key: 'key/3', value: 3 } as { type: string });
    await follower.waitFor(await owner.flush()).catch(() => {});
    await hand.call('CLIENT', 'KILL', 'TYPE', 'pubsub');
    await hand.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
  });
  await until(() => follower.mode !== 'connected' || owner.mode !== 'connected', 'the connections are lost');
  await until(() => follower.mode === 'connected' && owner.mode === 'connected', 'both are back');
  await request.run({ request: 3 }, async () => {
    owner.set('key/1', 4);
    await until(() => follower.get('key/1').value === 4, 'the follower has the value');
    for (const tandem of tandems) await tandem.stop();
    t.deepEqual(request.getStore(), { request: 3 });
  });
  const names = ['watch', 'watch a family', 'watch all', 'on sync', 'schema', 'client', 'inspect'];
  const roles = ['on mode', 'on error', 'subscribe', 'watchHead'].flatMap((name) => [
    `owner ${name}`,
    `follower ${name}`,
  ]);
  const observed = ['applied', 'committed', 'mode', 'error'].map((name) => `observe ${name}`);
  for (const name of [...names, ...roles, ...observed, 'on ownership'])
    t.true(notes.has(name), `never called: ${name}`);
  t.deepEqual(notes.leaks, []);
});

onRealServers('nothing keeps the context of the request alive in which it all began', async (t) => {
  const server = await RedisServer.start();
  const space = defineSpace('contexts', { 'key/*': json<number>() });
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const opened: Tandem[] = [];
  t.teardown(async () => {
    for (const tandem of opened) await tandem.stop({ timeoutMs: 100 });
    await server.stop();
  });
  const begin = async (): Promise<WeakRef<object>> => {
    const store = { request: 1 };
    await request.run(store, async () => {
      const tandem = connect({ redis: server.url, name: 'both' });
      opened.push(tandem);
      const owner = tandem.own(space);
      const follower = tandem.follow(space);
      follower.watch('key/1', () => {});
      follower.on('mode', () => {});
      await owner.ready();
      await follower.ready();
      owner.set('key/1', 1);
      await follower.waitFor(await owner.flush());
    });
    return new WeakRef(store);
  };
  const store = await begin();
  await until(() => {
    collect();
    return store.deref() === undefined;
  }, 'the store of the request is collected');
  t.pass();
});
