/** Traces and metrics as an application sees them: a real SDK, a real Redis. */
import { SpanKind, trace } from '@opentelemetry/api';
import type { Span } from '@opentelemetry/api';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import type { ExecutionContext } from 'ava';
import Koa from 'koa';
import type { Follower, Owner } from '../../src/index.ts';
import { connect, defineSpace, json } from '../../src/index.ts';
import { directRouter, statusRouter } from '../../src/koa.ts';
import { MAX_LINKS } from '../../src/state/trace.ts';
import { listen } from '../_listen.ts';
import { onRealServer } from '../_real.ts';
import { RedisServer } from '../_redis-server.ts';
import { linked, TestTelemetry } from '../_telemetry.ts';
import { until } from '../_wait.ts';

const telemetry = new TestTelemetry();
const TOKEN = 'a token for the direct path';

/** An owner and a follower of a space that no other test uses. */
async function pair(t: ExecutionContext) {
  const server = await RedisServer.start();
  t.teardown(() => server.stop());
  const space = defineSpace(t.title.replaceAll(/\W+/g, '-').slice(0, 40), { 'key/*': json() });
  const trading = connect({ redis: server.url, name: 'trading-1' });
  const api = connect({ redis: server.url, name: 'api-1' });
  t.teardown(() => Promise.all([trading.stop(), api.stop()]));
  const owner = trading.own(space);
  const follower = api.follow(space);
  await owner.ready();
  await follower.ready();
  return { server, api, owner, follower, space };
}

/**
 * Resolves when the follower has the change, and the owner the reply to its commit, which may come later.
 * Then the commit's span has ended.
 */
async function seen(follower: Follower<any>, owner: Owner<any>): Promise<void> {
  await until(() => follower.head === owner.head, 'the follower at the head');
  if (owner.mode === 'connected') await owner.flush();
}

/** The single element of a list. */
function only<T>(t: ExecutionContext, all: readonly T[]): T {
  t.is(all.length, 1);
  return all[0]!;
}

onRealServer('a change set in a span makes one trace, with its latency and its path', async (t) => {
  const { owner, follower, space } = await pair(t);
  let setAt = 0;
  let seenAt = 0;
  follower.watch('key/a', () => (seenAt = performance.now()));
  const set = telemetry.in('decide', (span) => {
    setAt = performance.now();
    owner.set('key/a', { regime: 'bull' });
    return span;
  });
  await until(() => seenAt > 0, 'the change');
  await owner.flush();
  const commit = only(t, telemetry.under(set));
  const apply = only(t, telemetry.under(commit));
  t.is(commit.name, `commit ${space.name}`);
  t.is(commit.kind, SpanKind.PRODUCER);
  t.is(apply.name, `apply ${space.name}`);
  t.is(apply.kind, SpanKind.CONSUMER);
  t.true(apply.parentSpanContext?.isRemote);
  const common = {
    'messaging.system': 'tandem',
    'messaging.destination.name': space.name,
    'messaging.message.id': owner.head,
    'tandem.space': space.name,
    'tandem.position': owner.head,
    'tandem.path': 'redis',
    'tandem.keys': 1,
  };
  t.like(commit.attributes, {
    ...common,
    'messaging.operation.type': 'send',
    'tandem.commit.outcome': 'committed',
  });
  t.like(apply.attributes, {
    ...common,
    'messaging.operation.type': 'process',
    'messaging.client.id': 'api-1',
  });
  const number = (name: string): number => Number(apply.attributes[name]);
  const outside = seenAt - setAt;
  const latencyMs = number('tandem.update.latency_ms');
  const errorMs = number('tandem.update.error_ms');
  t.true(
    latencyMs - errorMs <= outside && outside - latencyMs <= errorMs + 10,
    `${latencyMs} ± ${errorMs}, outside ${outside} ms`,
  );
  t.true(Math.abs(number('tandem.update.owner_ms') + number('tandem.update.follower_ms') - latencyMs) < 0.01);
  t.true(Number(commit.attributes['tandem.commit.store_ms']) > 0);
  t.true(Number(commit.attributes['tandem.commit.wait_ms']) >= 0);
});

onRealServer(
  'a frame with the sets of many spans is a child of the first span, and links to all',
  async (t) => {
    const { owner, follower } = await pair(t);
    const sets = ['a', 'b', 'a'].map((key, n) =>
      telemetry.in(`set ${n}`, (span) => {
        owner.set(`key/${key}`, n);
        return span;
      }),
    );
    await seen(follower, owner);
    const commit = only(t, telemetry.under(sets[0]!));
    t.deepEqual(
      linked(commit.links),
      sets.map((span) => span.spanContext().spanId),
    );
    t.is(commit.attributes['tandem.sets.conflated'], 1);
    t.is(telemetry.under(sets[1]!).length + telemetry.under(sets[2]!).length, 0);
  },
);

onRealServer('links are bounded, and the first and the newest are kept', async (t) => {
  const { owner, follower } = await pair(t);
  const sets = Array.from({ length: 100 }, (_, n) =>
    telemetry.in(`set ${n}`, (span) => {
      owner.set(`key/${n}`, n);
      return span;
    }),
  );
  await seen(follower, owner);
  const { links } = only(t, telemetry.under(sets[0]!));
  t.is(links.length, MAX_LINKS);
  t.is(linked(links).at(-1), sets.at(-1)!.spanContext().spanId);
});

onRealServer('a set outside a span, or in an unsampled one, makes no span', async (t) => {
  const { owner, follower, space } = await pair(t);
  owner.set('key/a', 1);
  await seen(follower, owner);
  telemetry.in('unsampled', () => owner.set('key/a', 2));
  await seen(follower, owner);
  t.false(telemetry.spans.some(({ name }) => name.endsWith(space.name)));
});

onRealServer('a set from before Redis was reachable joins its trace later', async (t) => {
  const { server, owner, follower } = await pair(t);
  await server.kill();
  await until(() => owner.mode === 'degraded', 'degraded');
  const set = telemetry.in('during the outage', (span) => {
    owner.set('key/a', 1);
    return span;
  });
  await server.restart();
  await until(
    () => telemetry.under(set).some(({ attributes }) => attributes['tandem.commit.outcome'] === 'committed'),
    'the commit',
  );
  await seen(follower, owner);
  t.pass();
});

onRealServer('watch callbacks run in the span of the apply', async (t) => {
  const { owner, follower } = await pair(t);
  let inside: Span | undefined;
  follower.watch('key/a', () => (inside = trace.getActiveSpan()));
  const set = telemetry.in('decide', (span) => {
    owner.set('key/a', 1);
    return span;
  });
  await until(() => inside !== undefined, 'the watch');
  await owner.flush();
  const apply = only(t, telemetry.under(only(t, telemetry.under(set))));
  t.is(inside!.spanContext().spanId, apply.spanContext().spanId);
});

onRealServer(
  "an HTTP read links to the apply that brought its value, in its own span or in the application's",
  async (t) => {
    const { owner, follower, api, space } = await pair(t);
    const set = async (key: string): Promise<ReadableSpan> => {
      const span = telemetry.in('decide', (one) => {
        owner.set(`key/${key}`, key);
        return one;
      });
      await seen(follower, owner);
      return only(t, telemetry.under(only(t, telemetry.under(span))));
    };
    owner.set('key/untraced', 1);
    await seen(follower, owner);
    const old = await set('old');
    const young = await set('young');
    const url = await serve(t, (app) => app.use(statusRouter(api).routes()));
    const read = async (path: string): Promise<ReadableSpan> => {
      const before = telemetry.spans.length;
      t.is((await fetch(`${url}/spaces/${space.name}${path}`)).status, 200);
      await until(() => telemetry.spans.length > before, 'the span');
      return telemetry.spans.at(-1)!;
    };
    const readOld = await read('/state/key/old');
    t.is(readOld.name, 'GET /spaces/:space/state/{*key}');
    t.is(readOld.kind, SpanKind.SERVER);
    t.like(readOld.attributes, { 'http.request.method': 'GET', 'http.response.status_code': 200 });
    t.deepEqual(linked(readOld.links), [old.spanContext().spanId]);
    t.deepEqual((await read('/state/key/untraced')).links, [], 'a change outside any trace links to none');
    t.deepEqual(linked((await read('/state/key/young')).links), [young.spanContext().spanId]);
    t.deepEqual(
      linked((await read('')).links),
      [young.spanContext().spanId],
      'the last change of a space is its newest one',
    );

    const traced = await serve(t, (app) => {
      app.use((_, next) =>
        trace.getTracer('app').startActiveSpan('its own', async (span) => (await next(), span.end())),
      );
      app.use(statusRouter(api).routes());
    });
    const before = telemetry.spans.length;
    await fetch(`${traced}/spaces/${space.name}/state/key/old`);
    await until(() => telemetry.spans.length > before, 'the span of the application');
    const mine = only(t, telemetry.spans.slice(before));
    t.is(mine.name, 'its own');
    t.deepEqual(linked(mine.links), [old.spanContext().spanId]);
  },
);

onRealServer(
  'on the direct path, the apply is a child of the span of the set, and names the path',
  async (t) => {
    const server = await RedisServer.start();
    t.teardown(() => server.stop());
    const space = defineSpace('direct', { 'key/*': json() });
    const trading = connect({ redis: server.url, name: 'trading-1' });
    const api = connect({ redis: server.url, name: 'api-1' });
    t.teardown(() => Promise.all([trading.stop(), api.stop()]));
    const url = await serve(t, (app) => app.use(directRouter(trading, { token: TOKEN }).routes()));
    const owner = trading.own(space);
    const follower = api.follow(space, { direct: { url, token: TOKEN } });
    await owner.ready();
    await follower.ready();
    await server.kill();
    await until(() => follower.proof.source === 'direct' && owner.mode === 'degraded', 'the direct path');
    const sets = ['a', 'b'].map((key) =>
      telemetry.in(`set ${key}`, (span) => {
        owner.set(`key/${key}`, 1);
        return span;
      }),
    );
    await seen(follower, owner);
    await until(() => telemetry.under(sets[0]!).length > 0, 'the apply');
    const apply = only(t, telemetry.under(sets[0]!));
    t.like(apply.attributes, { 'tandem.path': 'direct', 'tandem.keys': 2 });
    t.deepEqual(linked(apply.links), [sets[1]!.spanContext().spanId]);
    t.true(
      Number(apply.attributes['tandem.update.latency_ms']) >
        -Number(apply.attributes['tandem.update.error_ms']),
    );
  },
);

onRealServer('metrics report events and states, in the units of their names', async (t) => {
  const { server, owner, follower, space } = await pair(t);
  for (let n = 0; n < 20; n += 1) {
    owner.set('key/a', n);
    owner.set('key/a', n + 0.5);
    await seen(follower, owner);
  }
  await server.kill();
  await until(() => owner.mode === 'degraded' && follower.mode === 'degraded', 'both degraded');
  await server.restart();
  await until(() => owner.mode === 'connected' && follower.mode === 'connected', 'both connected');
  const collected = await telemetry.collect();
  const own = (name: string) => {
    const found = collected.find(({ descriptor }) => descriptor.name === name);
    const points = (found?.dataPoints ?? []).filter(
      ({ attributes }) => (attributes['tandem.space'] ?? space.name) === space.name,
    );
    return {
      unit: found?.descriptor.unit,
      points: points as { value: any; attributes: Record<string, unknown> }[],
    };
  };
  const sum = (name: string, with_: Record<string, unknown> = {}): number =>
    own(name)
      .points.filter(({ attributes }) =>
        Object.entries(with_).every(([key, value]) => attributes[key] === value),
      )
      .reduce((total, { value }) => total + Number(value), 0);

  const latency = own('tandem.update.latency');
  t.is(latency.unit, 's');
  t.is(latency.points[0]!.value.buckets.boundaries[0], 50e-6);
  t.true(latency.points[0]!.value.count >= 20);
  t.true(latency.points[0]!.value.sum / latency.points[0]!.value.count < 1, 'seconds, not milliseconds');
  t.true(sum('tandem.sets.conflated') >= 20);
  const redis = { 'tandem.path': 'redis' };
  t.true(sum('tandem.frames', { ...redis, 'network.io.direction': 'transmit' }) >= 20);
  t.true(sum('tandem.frames', { ...redis, 'network.io.direction': 'receive' }) >= 20);
  const io = (direction: string): number => sum('tandem.io', { ...redis, 'network.io.direction': direction });
  t.true(io('receive') > 20 * 'key/a1.5'.length);
  t.true(io('receive') <= io('transmit'), 'received changes are counted like sent ones');
  t.true(sum('tandem.keys', { ...redis, 'network.io.direction': 'receive' }) >= 20);
  t.true(sum('tandem.mode.transitions', { 'tandem.role': 'follower', 'tandem.mode': 'degraded' }) >= 1);
  t.is(sum('tandem.mode', { 'tandem.role': 'follower' }), 1);
  t.is(sum('tandem.mode', { 'tandem.role': 'follower', 'tandem.mode': 'connected' }), 1);
  t.true(sum('tandem.mode.time', { 'tandem.role': 'follower', 'tandem.mode': 'connected' }) > 0);
  t.true(sum('tandem.reconnects', { 'tandem.link': 'commands' }) >= 2);
  t.true(sum('tandem.claims') >= 1);
  t.is(sum('tandem.owner.leading'), 1);
  t.is(sum('tandem.owner.alive', { 'tandem.role': 'follower' }), 1);
  t.true(sum('tandem.staleness', { 'tandem.role': 'follower' }) < 5);
  t.true(sum('tandem.lease.age') < 5);
  t.true(own('tandem.catch_up.duration').points.length > 0);
  t.true(sum('tandem.full_syncs') >= 1);
  t.true(own('tandem.commit.duration').points.length > 0);
  t.true(own('tandem.clock.error').points.every(({ value }) => value >= 0 && value < 1));
  t.true(own('nodejs.eventloop.delay.p99').points.length > 0);
  t.true(sum('tandem.errors', { 'error.type': 'REDIS_UNAVAILABLE' }) >= 1);
});

async function serve(t: ExecutionContext, compose: (app: Koa) => void): Promise<string> {
  const app = new Koa();
  compose(app);
  return listen(t, app);
}
