/** `tandem-sync fleet` on a real Redis, and processes that are stopped in the hard way. */
import type { ChildProcess } from 'node:child_process';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import type { ExecutionContext } from 'ava';
import { Redis } from 'ioredis';
import type { FleetMember } from '../../src/index.ts';
import { connect, defineSpace, json } from '../../src/index.ts';
import { aclLine, applyLine } from '../_acl.ts';
import { called, linesOf } from '../_console.ts';
import { onRealServer } from '../_real.ts';
import { RedisServer } from '../_redis-server.ts';
import { until } from '../_wait.ts';

const space = defineSpace('trading', { 'key/*': json() });
/** The followers that stay. Each is a process as far as the fleet knows. */
const STAY = 47;

async function child(t: ExecutionContext, url: string, name: string): Promise<ChildProcess> {
  const started = fork(new URL('../fixtures/fleet-follower.ts', import.meta.url), [url, name]);
  t.teardown(async () => {
    const ended = started.exitCode ?? started.signalCode ?? once(started, 'exit');
    started.kill('SIGKILL');
    await ended;
  });
  await once(started, 'message');
  return started;
}

async function stage(t: ExecutionContext) {
  const redis = await RedisServer.start();
  const admin = new Redis(redis.adminUrl, { replyMapping: 'legacy' });
  t.teardown(async () => {
    admin.disconnect();
    await redis.stop();
  });
  const process = (name: string, url = redis.url, log?: Parameters<typeof connect>[0]['log']) => {
    const tandem = connect({ redis: url, name, telemetry: false, log: log ?? false });
    t.teardown(() => tandem.stop({ timeoutMs: 100 }));
    return tandem;
  };
  const asked = async (...args: readonly string[]) => {
    const { code, out, err } = await called(['fleet', '--redis', redis.url, '--json', ...args]);
    const members = out
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as FleetMember);
    return { code, err, members };
  };
  return { redis, admin, process, asked };
}

onRealServer('of 50 followers, the three that were stopped stand first within six seconds', async (t) => {
  const { redis, process, asked } = await stage(t);
  process('trader').own(space).set('key/a', 1);
  const gone = ['killed', 'paused-1', 'paused-2'];
  const starting = gone.map((name) => child(t, redis.url, name));
  for (let n = 0; n < STAY; n += 1) process(`f${n}`).follow(space);
  const [killed, ...paused] = await Promise.all(starting);
  let before: Awaited<ReturnType<typeof asked>>;
  await until(async () => {
    before = await asked();
    return before.members.length === STAY + 4 && before.code === 0;
  }, 'all are well');
  t.is(before!.members.filter(({ role, standing }) => role === 'follower' && standing === 'well').length, 50);

  killed!.kill('SIGKILL');
  for (const one of paused) one.kill('SIGSTOP');
  let after: Awaited<ReturnType<typeof asked>>;
  await until(
    async () => {
      after = await asked('trad*');
      const first = after.members.slice(0, 3).map(({ name, standing }) => `${name} ${standing}`);
      return first.toSorted().join() === gone.map((name) => `${name} silent`).join();
    },
    'the three stand first',
    6_000,
  );
  t.is(after!.code, 1);
  t.true(after!.members.slice(3).every(({ standing }) => standing === 'well'));
  t.like(after!.members[0], { mode: 'connected', freshness: 'live', owner: 'alive', ownerName: 'trader' });
  t.true(after!.members[0]!.transitions.some(({ kind, to }) => kind === 'mode' && to === 'connected'));

  for (const one of paused) one.kill('SIGCONT');
  await until(async () => {
    const { members } = await asked();
    return (
      members
        .filter(({ standing }) => standing === 'silent')
        .map(({ name }) => name)
        .join() === 'killed'
    );
  }, 'the paused are back');
  t.deepEqual((await asked('bot:*')).members, []);
  const told = await called(['timeline', '--json', '--redis', redis.url]);
  const lines = linesOf(told.out);
  const lost = lines.filter(({ kind }) => kind === 'process');
  t.is(lost.length, 1);
  t.like(lost[0], { name: 'killed', from: 'heard', to: 'silent' });
  const heardAt = after!.members.find(({ name }) => name === 'killed')!.at;
  t.true(Math.abs((lost[0]!.at as number) - heardAt) < 1_000);
});

onRealServer('the table has everybody, worst first, and says how many are not well', async (t) => {
  const { redis, process, asked } = await stage(t);
  const nobody = await called(['fleet', '--redis', redis.url]);
  t.like(nobody, { code: 0, out: '' });
  t.regex(nobody.err, /no process has registered/);
  const owning = process('trader');
  owning.own(space).set('key/a', 1);
  process('portal').follow(space);
  process('lost').follow(defineSpace('nobodys', { 'key/*': json() }));
  await until(
    async () => (await asked()).members.filter(({ standing }) => standing === 'well').length === 2,
    'two',
  );
  const { code, out } = await called(['fleet', '--redis', redis.url]);
  t.is(code, 1);
  const lines = out.split('\n');
  t.is(lines[0], '3 participants: 1 stale');
  t.regex(
    lines[1]!,
    /^STANDING +FOR +SPACE +ROLE +NAME +HOST +PID +VERSION +MODE +FRESH +BEHIND +HEARD +HEAD$/,
  );
  t.regex(lines[2]!, /^stale .* nobodys +follower +lost .* nobody owns the space$/);
  t.regex(lines[3]!, /^well .* trading +owner +trader /);
  t.regex(lines[4]!, /^well .* trading +follower +portal /);
  t.false(out.includes('\x1b'));
  const coloured = await called(['fleet', '--redis', redis.url], { isTerminal: true });
  t.true(coloured.out.includes('\x1b[31mstale'));
  t.true((await called(['fleet', '--redis', redis.url, 'trading'])).code === 0);

  await owning.stop();
  await until(async () => {
    const { members } = await asked('trading');
    return members.at(-1)?.standing === 'stopped' && members[0]?.standing === 'stale';
  }, 'the owner has said goodbye');
  const ended = await called(['fleet', 'trading', '--redis', redis.url]);
  t.regex(ended.out, /stale .* portal .* its owner trader has stopped\n/);
});

onRealServer('it is drawn again and again, until it is ended', async (t) => {
  const { redis, process, asked } = await stage(t);
  process('trader').own(space).set('key/a', 1);
  await until(async () => (await asked()).members[0]?.standing === 'well', 'the owner is well');
  const ending = new AbortController();
  let drawn = '';
  const watching = called(['fleet', '--watch', '--redis', redis.url], {
    isTerminal: true,
    ended: ending.signal,
    out: (text) => void (drawn += text),
  });
  await until(() => drawn.split('1 participant: all is well').length > 2, 'two screens');
  ending.abort();
  t.is((await watching).code, 0);
});

onRealServer('what a user may not write is unregistered, is said once, and fails nobody', async (t) => {
  const { redis, admin, process, asked } = await stage(t);
  process('trader').own(space).set('key/a', 1);
  const said: string[] = [];
  const line = aclLine('follower', '--space', 'trading', '--user', 'me').replace(/ \(.*\)/, '');
  await applyLine(admin, line);
  const log = {
    info: () => {},
    warn: (_: unknown, message: string) => void said.push(message),
    error: (_: unknown, message: string) => void said.push(message),
  };
  const tandem = process('portal', `redis://me:word@127.0.0.1:${redis.port}`, log);
  const follower = tandem.follow(space);
  const errors: string[] = [];
  follower.on('error', ({ error }) => void errors.push(error.message));
  await until(() => tandem.registration === 'unregistered', 'it is refused');
  await until(() => follower.get('key/a').freshness === 'live', 'it follows all the same');
  t.deepEqual(errors, []);
  t.deepEqual(said, [
    'The process is not registered in the fleet: Redis refused: NOPERM this user has no permissions to write the keys of the fleet (ACL: (~tandem:{@fleet}:* +pexpire +set +zadd +zremrangebyscore))',
  ]);
  t.deepEqual(
    (await asked()).members.map(({ name }) => name),
    ['trader'],
  );
  await t.throwsAsync(tandem.fleet(), { code: 'REDIS_REFUSED' });

  await applyLine(admin, aclLine('follower', '--space', 'trading', '--user', 'registered'));
  const other = process('other', `redis://registered:word@127.0.0.1:${redis.port}`);
  other.follow(space);
  await until(() => other.registration === 'registered', 'the printed rules are enough');
  await until(async () => (await other.fleet()).members.length === 2, 'and it sees both');
  await applyLine(admin, aclLine('reader', '--space', 'trading', '--user', 'person'));
  const person = await called(['fleet', '--redis', `redis://person:word@127.0.0.1:${redis.port}`, '--json']);
  t.is(person.err, '');
  t.is(person.out.trim().split('\n').length, 2);
});

onRealServer('after an outage of Redis, the timeline says who was what, when and for how long', async (t) => {
  const { redis, process, asked } = await stage(t);
  const trader = process('trader').own(space);
  trader.set('key/a', 1);
  const portal = process('portal').follow(space);
  await until(async () => {
    const { code, members } = await asked();
    return code === 0 && members.length === 2;
  }, 'both are well');
  const before = Date.now();
  redis.pause();
  await until(() => portal.get('key/a').freshness === 'stale', 'the portal is stale');
  for (const one of [trader, portal]) await until(() => one.mode === 'degraded', 'both are out of contact');
  redis.resume();
  await until(() => portal.get('key/a').freshness === 'live', 'the portal is live');
  type Line = Record<'name' | 'kind' | 'from' | 'to' | 'reason', string> & {
    at: number;
    lastedMs: number | null;
  };
  const told = async (): Promise<Line[]> => {
    const { out } = await called([
      'timeline',
      'trad*',
      '--from',
      String(before),
      '--json',
      '--redis',
      redis.url,
    ]);
    return out.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line) as Line]));
  };
  const isEnd = ({ name, to }: Line): boolean => name === 'portal' && to === 'live';
  const isBack = ({ name, to }: Line): boolean => name === 'trader' && to === 'connected';
  // Each process registers what it was like in its own time.
  await until(async () => {
    const lines = await told();
    return lines.filter(isEnd).length === 2 && lines.filter(isBack).length === 2;
  }, 'the end of the outage');
  const lines = await told();
  t.deepEqual(
    lines.map(({ at }) => at),
    lines.map(({ at }) => at).toSorted((a, b) => a - b),
  );
  for (const name of ['trader', 'portal'])
    t.true(
      lines.some((one) => one.name === name && one.to === 'degraded' && /did not answer/.test(one.reason)),
    );
  const stale = lines.find(({ name, to }) => name === 'portal' && to === 'stale')!;
  t.like(stale, { kind: 'freshness', from: 'live' });
  t.is(stale.at + stale.lastedMs!, lines.findLast(isEnd)!.at);
  t.is(lines.findLast(isEnd)!.lastedMs, null);

  const table = await called(['timeline', '--redis', redis.url]);
  t.is(table.code, 0);
  const [head, ...rows] = table.out.split('\n');
  t.regex(head!, /^AT +LASTED +SPACE +ROLE +NAME +PID +WHAT +WAS +IS *$/);
  t.true(rows.some((row) => /Z +\d.* trading +follower +portal +\d+ +freshness +live +stale +/.test(row)));
  t.true(rows.some((row) => / still +trading +follower +portal +\d+ +freshness +stale +live/.test(row)));
  t.regex((await called(['timeline', 'bot:*', '--redis', redis.url])).err, /nothing is known of that time/);
});
