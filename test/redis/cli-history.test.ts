/** `tandem-sync history`, and the history over HTTP, on a real Redis. */
import type { ExecutionContext } from 'ava';
import Koa from 'koa';
import { connect, defineSpace, json } from '../../src/index.ts';
import { statusRouter } from '../../src/koa.ts';
import { linesOf, program } from '../_console.ts';
import { listen } from '../_listen.ts';
import { onRealServer } from '../_real.ts';
import { RedisServer } from '../_redis-server.ts';
import { until } from '../_wait.ts';

const space = defineSpace('trading', { regime: json(), 'strategy/*': json() });

async function world(t: ExecutionContext, keeps: boolean) {
  const redis = await RedisServer.start();
  const owning = connect({ redis: redis.url, name: 'trader-1' });
  t.teardown(async () => {
    await owning.stop({ timeoutMs: 100 });
    await redis.stop();
  });
  const history = { maxChanges: 1_000, maxAgeMs: 3_600_000 };
  const owner = owning.own(space, keeps ? { history } : {});
  for (const regime of ['bull', 'bear']) {
    owner.set('regime', regime);
    await owner.flush();
  }
  owner.set('strategy/a', 1);
  owner.delete('regime');
  await owner.flush();
  return { redis, owner, owning };
}

onRealServer('the command and the route print the values that a key had, newest first', async (t) => {
  const { redis, owner, owning } = await world(t, true);
  const call = (...args: string[]) => program(['history', '--redis', redis.url, ...args]);
  const known = await owner.history('regime');
  t.deepEqual(
    known.map(({ value }) => value),
    [undefined, 'bear', 'bull'],
  );
  const lines = known.map(({ ...change }) => JSON.parse(JSON.stringify(change)) as unknown);
  const printed = await call('trading', 'regime', '--json');
  t.deepEqual([printed.code, linesOf(printed.out)], [0, lines]);
  const table = await call('trading', '--limit', '2', '--from', '1h');
  t.regex(
    table.out,
    /^CHANGED +KEY +POSITION +VALUE\n\d{4}-\S+Z +regime +\d+-4 +deleted\n\d{4}-\S+Z +strategy\/a +\d+-3 +1\n$/,
  );
  t.regex(table.err, /^each committed change is known since \d{4}-\S+Z; there are more/);
  t.like(await call('trading', '--limit', '0'), { code: 2, out: '' });
  t.like(await call('trading', '--from', 'noon'), { code: 2, out: '' });

  const origin = await listen(t, new Koa().use(statusRouter(owning).routes()));
  const get = async (query: string) => {
    const answer = await fetch(`${origin}/spaces/trading/history${query}`);
    return { status: answer.status, body: (await answer.json()) as Record<string, unknown> };
  };
  const { status, body } = await get('?key=regime&limit=2');
  t.is(status, 200);
  t.deepEqual(body, {
    space: 'trading',
    knownFrom: known.knownFrom,
    hasMore: true,
    changes: lines.slice(0, 2),
  });
  t.is(((await get('')).body.changes as unknown[]).length, 4);
  t.like(await get('?limit=0'), { status: 400, body: { code: 'INVALID_PARAMETER' } });
  t.like(await get('?from=5&to=4'), { status: 200, body: { hasMore: false, changes: [] } });
  t.like(await get('?key=unknown'), { status: 404, body: { code: 'UNKNOWN_KEY' } });
});

onRealServer('by key, the command prints what each key held before a time and at its end', async (t) => {
  const { redis, owner } = await world(t, true);
  const [deleted, bear] = await owner.history('regime');
  const call = (...args: string[]) =>
    program(['history', '--redis', redis.url, 'trading', '--by-key', ...args]);
  const span = ['--from', String(bear!.changedAt), '--to', String(deleted!.changedAt)];
  const { code, out } = await call(...span, '--json');
  t.is(code, 0);
  const [regime, strategy] = linesOf(out) as [object, object];
  t.like(regime, { key: 'regime', changes: 2, before: { value: 'bull' }, last: { deleted: true } });
  t.like(strategy, { key: 'strategy/a', changes: 1, before: null, last: { value: 1 } });
  const text = await call(...span);
  t.regex(
    text.out,
    /^regime {2}2 changes, the last at \d{4}-\S+Z\n {2}before {2}"bull"\n {2}last {4}deleted\nstrategy\/a {2}one change at \S+\n {2}before {2}not known\n {2}last {4}1\n$/,
  );
  t.regex(
    (await call('--to', String(bear!.changedAt! - 1))).out,
    /^regime {2}one change .*\n {2}before {2}not known/,
  );
});

onRealServer('a key that changed long before the time is found all the same', async (t) => {
  const { redis, owner } = await world(t, true);
  for (let n = 0; n < 20; n += 1) {
    owner.batch(() => {
      for (let key = 0; key < 50; key += 1) owner.set(`strategy/${key}`, n);
    });
    await owner.flush();
  }
  const from = owner.get('strategy/49').changedAt! + 1;
  await until(() => Date.now() > from + 20, 'a later moment');
  owner.set('regime', 'bull again');
  await owner.flush();
  const told = await program([
    'history',
    '--redis',
    redis.url,
    'trading',
    '--by-key',
    '--json',
    '--from',
    String(from),
  ]);
  t.like(linesOf(told.out)[0], { key: 'regime', before: { deleted: true }, last: { value: 'bull again' } });
});

onRealServer('where nobody keeps a history, both say so', async (t) => {
  const { redis, owner, owning } = await world(t, false);
  await t.throwsAsync(owner.history('regime'), { code: 'HISTORY_OFF' });
  const said = await program(['history', '--redis', redis.url, 'trading']);
  t.deepEqual([said.code, said.out], [1, '']);
  t.regex(said.err, /nobody keeps a history of space "trading"/);
  const origin = await listen(t, new Koa().use(statusRouter(owning).routes()));
  const answer = await fetch(`${origin}/spaces/trading/history`);
  t.is(answer.status, 404);
  t.like(await answer.json(), { code: 'HISTORY_OFF' });
});
