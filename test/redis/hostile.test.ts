/**
 * Malformed, oversized and foreign data: other versions, other schemas, or `__proto__`. It is published,
 * stored in Redis, or sent on the direct path. It is never applied, never throws into the user's event loop,
 * and is reported under a stable code. Valid data still arrives.
 */
import { once } from 'node:events';
import type { RequestListener, Server } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { ExecutionContext } from 'ava';
import Koa from 'koa';
import { z } from 'zod';
import { connect, defineSpace } from '../../src/index.ts';
import { directRouter } from '../../src/koa.ts';
import { onRealServers } from '../_real.ts';
import { until } from '../_wait.ts';
import { World } from '../_world.ts';

const space = defineSpace('hostile', { 'key/*': z.looseObject({ n: z.number() }) });
const POISON = '{"n":1,"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}}}';

/** Starts an owner and a follower, with a list of the follower's reports and a client for Redis. */
async function start(t: ExecutionContext) {
  const world = await World.start(space.name);
  const owning = connect({ redis: world.owner.url, name: 'owner' });
  // On a busy machine 24 MiB through the proxy take longer than the default deadline of a ping behind them.
  const following = connect({ redis: world.followers.url, name: 'follower', commandTimeoutMs: 5_000 });
  t.teardown(async () => {
    await Promise.all([owning.stop({ timeoutMs: 200 }), following.stop()]);
    await world.stop();
  });
  const owner = owning.own(space);
  const follower = following.follow(space);
  const codes: string[] = [];
  follower.on('error', ({ error }) => codes.push(error.code));
  owner.set('key/a', { n: 1 });
  await owner.ready();
  await follower.waitFor(await owner.flush());
  const seen: unknown[] = [];
  follower.watch('*', ({ value }) => seen.push(value));
  return { world, owning, owner, follower, codes, seen };
}

/** A frame that would be next except for these contents. */
function forged(head: string, { header = {}, lines = [] as string[] }): string {
  const [epoch, revision] = head.split('-').map(Number) as [number, number];
  const whole = {
    v: 3,
    epoch,
    base: '0-0',
    prev: revision,
    revision: revision + 1,
    cutAt: Date.now() * 1_000,
    leaseMs: 3_000,
    kind: 'c',
  };
  return [
    `${Math.floor(Date.now() / 1_000)} 0`,
    Object.values({ ...whole, ...header }).join(' '),
    ...lines.map((line) => line.replace('NEXT', `${revision + 1}`)),
  ].join('\n');
}

const FRAMES: Record<string, { code: string; make: (head: string) => string }> = {
  'a text that is not a frame': { code: 'INVALID_FRAME', make: () => 'nonsense' },
  'an empty message': { code: 'INVALID_FRAME', make: () => '' },
  '24 MiB of one line': { code: 'INVALID_FRAME', make: () => 'x'.repeat(24 * 1024 * 1024) },
  // Past its output-buffer limit, Redis closes the subscriber instead.
  '64 MiB of one line': { code: 'REDIS_UNAVAILABLE', make: () => 'x'.repeat(64 * 1024 * 1024) },
  '16 MiB of line breaks': { code: 'INVALID_FRAME', make: () => '\n'.repeat(16 * 1024 * 1024) },
  'a header that is a number': { code: 'UNKNOWN_VERSION', make: () => '1 0\n7' },
  'a header nested 100,000 levels deep': {
    code: 'INVALID_FRAME',
    make: () => `1 0\n${'['.repeat(100_000)}`,
  },
  'another version': { code: 'UNKNOWN_VERSION', make: (head) => forged(head, { header: { v: 4 } }) },
  'a revision that is not a number': {
    code: 'INVALID_FRAME',
    make: (head) => forged(head, { header: { revision: 'x' } }),
  },
  'an epoch in the far future': {
    code: 'INVALID_FRAME',
    make: (head) => forged(head, { header: { epoch: 2 ** 53 - 1 } }),
  },
  'a heartbeat that ends before it starts': {
    code: 'INVALID_FRAME',
    make: (head) => forged(head, { header: { revision: 0 } }),
  },
  'a change that is cut short': {
    code: 'INVALID_FRAME',
    make: (head) => forged(head, { lines: ['key/a', 'NEXT'] }),
  },
  'a value that is not JSON': {
    code: 'NOT_JSON',
    make: (head) => forged(head, { lines: ['key/a', 'NEXT', '{'] }),
  },
  'a value of another schema': {
    code: 'INVALID_VALUE',
    make: (head) => forged(head, { lines: ['key/a', 'NEXT', '{"n":"one"}'] }),
  },
  'a value that holds __proto__': {
    code: 'NOT_JSON',
    make: (head) => forged(head, { lines: ['key/a', 'NEXT', POISON] }),
  },
  'a value over the limit': {
    code: 'TOO_LARGE',
    make: (head) => forged(head, { lines: ['key/a', 'NEXT', `{"n":1,"x":"${'x'.repeat(1_100_000)}"}`] }),
  },
};

onRealServers('published: a key that the space does not define, and that its owner never set', async (t) => {
  const { world, owner, follower, codes, seen } = await start(t);
  const head = owner.head;
  await world.admin.publish(world.key('frames'), forged(head, { lines: ['__proto__', 'NEXT', '1'] }));
  // Such a key is passed over. But the owner's digest shows that it is not there.
  await until(() => codes.includes('CONTENT_MISMATCH'), `CONTENT_MISMATCH, and not ${codes.join()}`, 5_000);
  await until(() => follower.head === head && follower.get('key/a').freshness === 'live', 'it is live again');
  t.deepEqual(seen, []);
  owner.set('key/a', { n: 2 });
  await follower.waitFor(await owner.flush());
  t.is(follower.get('key/a').value?.n, 2);
});

for (const [name, { code, make }] of Object.entries(FRAMES)) {
  onRealServers(`published: ${name}`, async (t) => {
    const { world, owner, follower, codes, seen } = await start(t);
    const head = owner.head;
    await world.admin.publish(world.key('frames'), make(head));
    await until(() => codes.includes(code), `${code}, and not ${codes.join()}`, 5_000);
    t.is(follower.head, head);
    t.is(follower.get('key/a').value?.n, 1);
    owner.set('key/a', { n: 2 });
    await follower.waitFor(await owner.flush({ timeoutMs: 2_000 }), { timeoutMs: 2_000 });
    await until(
      () => follower.mode === 'connected' && follower.get('key/a').freshness === 'live',
      'connected and live',
      2_000,
    );
    t.is(follower.get('key/a').value?.n, 2);
    t.deepEqual(seen, [{ n: 2 }]);
    t.is((await follower.refresh()).differed, 0);
    t.is(({} as Record<string, unknown>).polluted, undefined);
  });
}

const VALUES: Record<string, { code: string; json: string }> = {
  'a value that is not JSON': { code: 'NOT_JSON', json: '{' },
  'a value of another schema': { code: 'INVALID_VALUE', json: '{"n":"one"}' },
  'a value with __proto__': { code: 'NOT_JSON', json: POISON },
  'a value over the size limit': { code: 'TOO_LARGE', json: `{"n":1,"x":"${'x'.repeat(2_000_000)}"}` },
};

for (const [name, { code, json }] of Object.entries(VALUES)) {
  onRealServers(
    `stored: a new follower never gets ${name}, and the owner writes its own again`,
    async (t) => {
      const { world, owner, follower, codes } = await start(t);
      await world.admin.hset(world.key('state'), 'key/a', json);
      const late = connect({ redis: world.redis.url, name: 'late' });
      t.teardown(() => late.stop());
      const newcomer = late.follow(space);
      const found: string[] = [];
      newcomer.on('error', ({ error }) => found.push(error.code));
      await newcomer.ready();
      if (!found.includes(code)) t.log(`its owner was sooner: ${found.join()}`);
      else t.not(newcomer.get('key/a').value?.n, 'one' as never);
      await until(
        () => newcomer.get('key/a').value?.n === 1 && newcomer.get('key/a').freshness === 'live',
        "the owner's value",
        3_000,
      );
      const stored = (): Promise<string | null> => world.admin.hget(world.key('state'), 'key/a');
      await until(async () => (await stored()) === '{"n":1}', "the owner's value in Redis");
      await follower.waitFor(owner.head);
      t.is(follower.get('key/a').value?.n, 1);
      t.deepEqual(codes, []);
    },
  );
}

/** A server in place of the owner's process that can answer anything. */
class Impostor {
  readonly server: Server;
  /** The false answer, if any. */
  lie: RequestListener | undefined;
  lies = 0;

  constructor(honest: RequestListener) {
    this.server = createServer((request, response) => {
      if (this.lie === undefined) return honest(request, response);
      this.lies += 1;
      this.lie(request, response);
    }).listen(0, '127.0.0.1');
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }
}

/** Answers falsely on one route, and by the protocol on the others. */
function lyingOn(route: 'clock' | 'state' | 'frames', lie: RequestListener): RequestListener {
  const stated = '1 0\n3 7 0-0 0 5 1000 3000 c';
  return (request, response) => {
    if (request.url!.includes(route)) lie(request, response);
    else if (request.url!.includes('clock')) response.end('{"now":1}');
    else if (request.url!.includes('state')) response.end(`${stated}\nkey/a\n5\n{"n":5}`);
    else response.writeHead(200, { 'Content-Type': 'text/event-stream' });
  };
}

const event = (message: string): string => `${message.replaceAll(/^/gm, 'data: ')}\n\n`;
const sends =
  (...messages: string[]): RequestListener =>
  (_, response) => {
    for (const message of messages) response.write(event(message));
  };

const LIES: Record<string, { code: string; lie: RequestListener }> = {
  'a clock that is not JSON': {
    code: 'DIRECT_UNAVAILABLE',
    lie: lyingOn('clock', (_, response) => response.end('now')),
  },
  'a clock without an end': {
    code: 'INVALID_FRAME',
    lie: lyingOn('clock', (_, response) => {
      const more = setInterval(() => response.write('x'.repeat(500)), 10);
      response.on('close', () => clearInterval(more));
    }),
  },
  'a clock that never comes': {
    code: 'DIRECT_UNAVAILABLE',
    lie: lyingOn('clock', (_, response) => response.flushHeaders()),
  },
  'a redirect': {
    code: 'DIRECT_UNAVAILABLE',
    lie: lyingOn('state', (_, response) =>
      response.writeHead(302, { Location: 'http://127.0.0.1:9/' }).end(),
    ),
  },
  'a state of another version': {
    code: 'UNKNOWN_VERSION',
    lie: lyingOn('state', (_, response) => response.end('1 0\n4 7 0-0 0 5 1000 3000 c')),
  },
  'a state of an epoch that no owner can have': {
    code: 'INVALID_FRAME',
    lie: lyingOn('state', (_, response) =>
      response.end('1 0\n3 9000000000000000 0-0 0 5 1000 3000 c\nkey/a\n5\n{"n":6}'),
    ),
  },
  'a state at a revision that no owner can reach': {
    code: 'INVALID_FRAME',
    lie: lyingOn('state', (_, response) =>
      response.end('1 0\n3 7 0-0 0 9000000000000000 1000 3000 c\nkey/a\n5\n{"n":6}'),
    ),
  },
  'a state that is cut short': {
    code: 'INVALID_FRAME',
    lie: lyingOn('state', (_, response) => response.end('1 0\n3 7 0-')),
  },
  'events that are not frames': { code: 'INVALID_FRAME', lie: lyingOn('frames', sends('nonsense')) },
  "frames that never continue from the follower's position": {
    code: 'DIRECT_UNAVAILABLE',
    lie: lyingOn('frames', sends('1 0\n3 7 0-0 8 9 1000 1 c')),
  },
  'a frame in a million pieces without an end': {
    code: 'INVALID_FRAME',
    lie: lyingOn('frames', (_, response) => {
      const more = (): void => {
        while (!response.destroyed && response.write('data: '.padEnd(65_536, 'x')));
      };
      response.on('drain', more);
      more();
    }),
  },
};

for (const [name, { code, lie }] of Object.entries(LIES)) {
  onRealServers(`on the direct path: ${name}`, async (t) => {
    const { owning, owner } = await start(t);
    const app = new Koa();
    app.silent = true;
    const token = 'a token of some length';
    app.use(directRouter(owning, { token }).routes());
    const impostor = new Impostor((request, response) => void app.callback()(request, response));
    t.teardown(() => {
      impostor.server.closeAllConnections();
      impostor.server.close();
    });
    await once(impostor.server, 'listening');
    impostor.lie = lie;
    // This follower has no Redis at all.
    const alone = connect({ redis: 'redis://127.0.0.1:9', name: 'alone' });
    t.teardown(() => alone.stop());
    const follower = alone.follow(space, { direct: { url: impostor.url, token } });
    const codes: string[] = [];
    follower.on('error', ({ error }) => codes.push(error.code));
    const stalls = new Stalls();
    t.teardown(() => stalls.stop());
    await until(() => codes.includes(code), `${code}, and not ${[...new Set(codes)].join()}`, 20_000);
    t.log(`longest stall of the follower's loop: ${stalls.longestMs.toFixed(0)} ms`);
    // A well-formed answer was believed, since the configuration says that this address is the owner's.
    const { freshness, value } = follower.get('key/a');
    t.true(freshness === 'stale' || value?.n === 5);
    t.true(impostor.lies < 60, `asked ${impostor.lies} times`);
    impostor.lie = undefined;
    const endedAt = performance.now();
    owner.set('key/a', { n: 3 });
    await owner.flush();
    await until(
      () => follower.get('key/a').value?.n === 3 && follower.get('key/a').freshness === 'live',
      "the owner's value",
      10_000,
    );
    const tookMs = performance.now() - endedAt;
    t.log(`the owner's value arrived ${tookMs.toFixed(0)} ms after the last false answer`);
    // Only after a refused token does the follower wait longer before it tries again.
    t.true(code === 'DIRECT_REFUSED' || tookMs < 2_400);
  });
}

/** Measures how long this process's event loop was blocked at most. */
class Stalls {
  longestMs = 0;
  #last = performance.now();
  readonly #timer = setInterval(() => {
    const now = performance.now();
    this.longestMs = Math.max(this.longestMs, now - this.#last - 5);
    this.#last = now;
  }, 5);

  stop(): void {
    clearInterval(this.#timer);
  }
}
