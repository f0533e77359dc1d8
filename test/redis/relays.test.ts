/**
 * Relays: processes that follow others without Redis, three levels deep, over real HTTP, while a real Redis and the
 * relays are killed and come back.
 */
import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { ExecutionContext } from 'ava';
import Koa from 'koa';
import { z } from 'zod';
import type { Tandem } from '../../src/index.ts';
import { comparePositions, connect, defineSpace, json } from '../../src/index.ts';
import { directRouter } from '../../src/koa.ts';
import { FaultProxy } from '../_fault-proxy.ts';
import { onRealServer } from '../_real.ts';
import { RedisServer } from '../_redis-server.ts';
import { until } from '../_wait.ts';

const space = defineSpace('relayed', { 'key/*': json<number>() });
const token = 'a token of some length';
/** The staleness bound, and the time that a busy machine takes for a reading. */
const MOST_MS = 750 + 500;

/** A process, and its server of the direct path. */
class Node {
  readonly tandem: Tandem;
  #server: Server | undefined;
  #port = 0;

  constructor(tandem: Tandem) {
    this.tandem = tandem;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** Serves, at the same address each time. */
  async serve(): Promise<this> {
    const app = new Koa();
    app.silent = true;
    app.use(directRouter(this.tandem, { token }).routes());
    this.#server = app.listen(this.#port, '127.0.0.1');
    await once(this.#server, 'listening');
    this.#port = (this.#server.address() as AddressInfo).port;
    return this;
  }

  /** Cuts every connection, and refuses new ones. */
  cut(): void {
    this.#server?.close();
    this.#server?.closeAllConnections();
  }

  async stop(): Promise<void> {
    this.cut();
    await this.tandem.stop({ timeoutMs: 100 });
  }
}

async function start(t: ExecutionContext) {
  const redis = await RedisServer.start();
  const nodes: Node[] = [];
  const add = async (tandem: Tandem): Promise<Node> => {
    const node = await new Node(tandem).serve();
    nodes.push(node);
    return node;
  };
  t.teardown(async () => {
    await Promise.all(nodes.map((node) => node.stop()));
    await redis.stop();
  });
  const onRedis = (name: string, url = redis.url): Promise<Node> =>
    add(connect({ redis: url, name, log: false }));
  const behind = (name: string, ...others: Node[]): Promise<Node> =>
    add(connect({ upstream: { urls: others.map(({ url }) => url), token }, name, log: false }));
  return { redis, onRedis, behind };
}

onRealServer('a leaf behind two relays shows what the owner sets, live, and how it ends', async (t) => {
  const { onRedis, behind } = await start(t);
  const owning = await onRedis('owner');
  const owner = owning.tandem.own(space);
  owner.set('key/a', 1);
  await owner.ready();
  const first = await onRedis('first');
  await first.tandem.follow(space).ready();
  const second = await behind('second', first);
  await second.tandem.follow(space).ready();
  const third = await behind('third', second);
  const leaf = third.tandem.follow(space);
  await leaf.ready({ owner: true });
  t.like(leaf.get('key/a'), { value: 1, freshness: 'live', owner: 'alive', source: 'direct' });
  t.is(leaf.mode, 'connected');

  owner.set('key/b', 2);
  owner.delete('key/a');
  await leaf.waitFor(owner.head);
  t.is(leaf.get('key/b').value, 2);
  t.is(leaf.get('key/a').value, undefined);
  t.is(leaf.head, owner.head);

  await owner.stop();
  await until(() => leaf.get('key/b').owner === 'released', 'the leaf hears the goodbye');
  await until(() => leaf.get('key/b').freshness === 'stale', 'the leaf is stale');
  t.like(leaf.get('key/b'), { value: 2, owner: 'released' });
  t.is(leaf.mode, 'connected');
});

onRealServer(
  'a leaf behind three processes stays live while nothing is set, and hears that the owner died',
  async (t) => {
    const { redis, onRedis, behind } = await start(t);
    const proxy = await FaultProxy.start(redis.port);
    t.teardown(() => proxy.stop());
    const owner = (await onRedis('owner', proxy.url)).tandem.own(space, { leaseMs: 1_000 });
    owner.set('key/a', 1);
    await owner.ready();
    const first = await onRedis('first');
    await first.tandem.follow(space).ready();
    const second = await behind('second', first);
    await second.tandem.follow(space).ready();
    const third = await behind('third', second);
    await third.tandem.follow(space).ready();
    const leaf = (await behind('leaf', third)).tandem.follow(space);
    await leaf.ready({ owner: true });
    const told: string[] = [];
    leaf.on('freshness', ({ freshness }) => told.push(freshness));
    const ages: number[] = [];
    for (const end = performance.now() + 3_000; performance.now() < end;) {
      ages.push(leaf.get('key/a').staleMs);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    t.log(`staleMs at most ${Math.max(...ages).toFixed(0)}`);
    t.deepEqual(told, []);

    // An owner that is cut off from Redis dies for all others.
    proxy.blackHole();
    await until(() => leaf.get('key/a').owner === 'lost', 'the leaf counts the owner as lost', 20_000);
    t.is(leaf.get('key/a').freshness, 'stale');
    t.is(leaf.mode, 'connected');
  },
);

onRealServer(
  'what the schemas of a relay refuse or do not know, those behind get all the same',
  async (t) => {
    const { onRedis, behind } = await start(t);
    const wide = defineSpace('relayed', { 'key/*': json(), other: json() });
    const owner = (await onRedis('owner')).tandem.own(wide);
    owner.set('key/a', { n: -0, text: 'ü\u2028' });
    owner.set('other', [1]);
    await owner.ready();
    const relay = await onRedis('relay');
    const narrow = relay.tandem.follow(defineSpace('relayed', { 'key/*': z.number() }));
    await narrow.ready();
    const leaf = (await behind('leaf', relay)).tandem.follow(wide);
    await leaf.ready();
    t.deepEqual(leaf.get('key/a').value, { n: -0, text: 'ü\u2028' });
    t.deepEqual(leaf.get('other').value, [1]);
    await until(() => leaf.get('other').freshness === 'live', 'live');
  },
);

onRealServer('while Redis is gone, a leaf is stale within the bound and never goes back', async (t) => {
  const { redis, onRedis, behind } = await start(t);
  const owner = (await onRedis('owner')).tandem.own(space);
  owner.set('key/a', 0);
  await owner.ready();
  const first = await onRedis('first');
  await first.tandem.follow(space).ready();
  const second = await behind('second', first);
  await second.tandem.follow(space).ready();
  const leaf = (await behind('leaf', second)).tandem.follow(space);
  await leaf.ready({ owner: true });
  /** By value: when the owner set the next one. */
  const replacedAt: number[] = [];
  const lies: string[] = [];
  let last = leaf.head;
  let n = 0;
  const timer = setInterval(() => {
    const { value = -1, freshness } = leaf.get('key/a');
    const ageMs = performance.now() - (replacedAt[value] ?? Infinity);
    if (freshness === 'live' && ageMs > MOST_MS) lies.push(`${value} after ${ageMs} ms`);
    if (comparePositions(leaf.head, last) < 0) lies.push(`from ${last} to ${leaf.head}`);
    last = leaf.head;
    replacedAt[n] = performance.now();
    owner.set('key/a', (n += 1));
  }, 5);
  t.teardown(() => clearInterval(timer));
  await redis.kill('SIGKILL');
  await until(() => leaf.get('key/a').freshness === 'stale', 'the leaf is stale');
  await redis.restart();
  await until(() => leaf.get('key/a').freshness === 'live', 'the leaf is live again', 20_000);
  clearInterval(timer);
  await leaf.waitFor(await owner.flush());
  t.is(leaf.get('key/a').value, n);
  t.deepEqual(lies, []);
});

onRealServer('a leaf goes to the next relay when one is killed, or has lost what it follows', async (t) => {
  const { onRedis, behind } = await start(t);
  const owner = (await onRedis('owner')).tandem.own(space);
  owner.set('key/a', 1);
  await owner.ready();
  const [one, two] = [await onRedis('one'), await onRedis('two')];
  await Promise.all([one, two].map(({ tandem }) => tandem.follow(space).ready()));
  const middle = await behind('middle', one);
  await middle.tandem.follow(space).ready();
  const leaf = (await behind('leaf', middle, two)).tandem.follow(space);
  await leaf.ready({ owner: true });
  const syncs: number[] = [];
  leaf.on('sync', ({ changed }) => syncs.push(changed));

  // The relay in the middle has lost its source: it says so, and does not go on as if it were well.
  one.cut();
  await until(() => middle.tandem.get(space)?.mode !== 'connected', 'the middle is cut off');
  owner.set('key/a', 2);
  await leaf.waitFor(owner.head);
  await until(() => leaf.get('key/a').freshness === 'live', 'live by the other relay');
  t.is(leaf.get('key/a').value, 2);

  await two.stop();
  await one.serve();
  owner.set('key/a', 3);
  await leaf.waitFor(owner.head, { timeoutMs: 20_000 });
  await until(() => leaf.get('key/a').freshness === 'live', 'live by the first relay again');
  t.deepEqual(syncs, [], 'it went on from its position each time');
});

onRealServer('relays that follow each other serve nothing to each other', async (t) => {
  const { onRedis, behind } = await start(t);
  const owner = (await onRedis('owner')).tandem.own(space);
  owner.set('key/a', 1);
  await owner.ready();
  const source = await onRedis('source');
  await source.tandem.follow(space).ready();
  const one = await behind('one', source);
  const two = await behind('two', one);
  const three = await behind('three', source, two);
  const [a, b, c] = [one, two, three].map(({ tandem }) => tandem.follow(space));
  await Promise.all([a!.ready(), b!.ready(), c!.ready()]);
  const reasons = new Set<string>();
  c!.on('mode', ({ reason }) => reasons.add(reason));
  t.is(c!.mode, 'connected');

  // `one` would now follow `three`, which follows `two`, which follows `one`.
  source.cut();
  await until(() => [a!, b!, c!].every((each) => each.get('key/a').freshness === 'stale'), 'all are stale');
  await until(() => [a!, b!, c!].every((each) => each.mode !== 'connected'), 'nobody counts as connected');
  await source.serve();
  owner.set('key/a', 2);
  await Promise.all([a!, b!, c!].map((each) => each.waitFor(owner.head, { timeoutMs: 20_000 })));
  t.is(c!.get('key/a').value, 2);
});

onRealServer('a takeover fences the old owner through relays', async (t) => {
  const { onRedis, behind } = await start(t);
  const old = (await onRedis('old')).tandem.own(space, { leaseMs: 1_000 });
  old.set('key/a', 1);
  await old.ready();
  const relay = await onRedis('relay');
  await relay.tandem.follow(space).ready();
  const leaf = (await behind('leaf', relay)).tandem.follow(space);
  await leaf.ready({ owner: true });
  const next = (await onRedis('next')).tandem.own(space, { takeOver: true });
  next.set('key/a', 2);
  await next.ready();
  await leaf.waitFor(await next.flush());
  await until(() => leaf.get('key/a').freshness === 'live', 'live under the new owner');
  t.is(leaf.get('key/a').value, 2);
  t.is(leaf.head, next.head);
});

onRealServer('a process without Redis owns nothing, and says what it lacks', async (t) => {
  const { onRedis, behind } = await start(t);
  const other = await behind('other', await onRedis('one'));
  t.throws(() => other.tandem.own(space), { code: 'NO_REDIS' });
  t.throws(() => other.tandem.discover('a:*', {}, () => {}), { code: 'NO_REDIS' });
  await t.throwsAsync(other.tandem.remove('relayed'), { code: 'NO_REDIS' });
  const direct = { url: 'http://127.0.0.1:1', token };
  t.throws(() => other.tandem.follow(space, { direct }), { code: 'INVALID_OPTION' });
  const follower = other.tandem.follow(space);
  await t.throwsAsync(follower.refresh(), { code: 'NO_REDIS' });
  const late = await t.throwsAsync(follower.ready({ timeoutMs: 500 }), { code: 'TIMEOUT' });
  t.regex(late.message, /the connection upstream is down: the process upstream answered 404/);
  for (const upstream of [{}, { urls: [], token }, { urls: ['ftp://a'], token }, { urls: ['http://a'] }])
    t.throws(() => connect({ upstream } as never), { code: 'INVALID_OPTION' });
  t.throws(() => connect({ upstream: { urls: ['http://a'], token }, redis: 'redis://a' } as never), {
    code: 'INVALID_OPTION',
  });
});
