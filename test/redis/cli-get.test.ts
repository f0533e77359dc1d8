/** `tandem-sync get` and `watch` on a real Redis. */
import type { ExecutionContext } from 'ava';
import { Redis } from 'ioredis';
import { connect, defineSpace, json } from '../../src/index.ts';
import { aclLine, applyLine } from '../_acl.ts';
import { linesOf, program, startProgram } from '../_console.ts';
import { onRealServer } from '../_real.ts';
import { RedisServer } from '../_redis-server.ts';
import { until } from '../_wait.ts';

const space = defineSpace('trading', { market_regime: json(), 'strategy/*': json() });

async function world(t: ExecutionContext) {
  const redis = await RedisServer.start();
  const owning = connect({ redis: redis.url, name: 'trader-1' });
  const admin = new Redis(redis.adminUrl);
  t.teardown(async () => {
    admin.disconnect();
    await owning.stop({ timeoutMs: 100 });
    await redis.stop();
  });
  const owner = owning.own(space);
  owner.set('market_regime', { regime: 'bull' });
  owner.set('strategy/a', 1);
  owner.set('strategy/b', '\u001b[2J');
  owner.delete('strategy/c');
  await owner.flush();
  const get = (...args: string[]) => program(['get', '--redis', redis.url, ...args]);
  return { redis, owner, owning, admin, get };
}

onRealServer('get prints the state as Redis has it, with positions', async (t) => {
  const { owner, get } = await world(t);
  const all = await get('trading', '--json');
  t.deepEqual([all.code, all.err], [0, '']);
  t.deepEqual(
    linesOf(all.out),
    ['market_regime', 'strategy/a', 'strategy/b'].map((key) => {
      const { value, position, changedAt } = owner.get(key as 'strategy/a');
      return { key, value, position, changedAt };
    }),
  );
  const table = await get('trading', 'strategy/');
  t.regex(
    table.out,
    /^KEY +POSITION +CHANGED +VALUE\nstrategy\/a +\d+-2 +\d{4}-\S+Z +1\nstrategy\/b +\d+-3 +\d{4}-\S+Z +"\\u001b\[2J"\n$/,
  );
});

onRealServer('get of one key prints its value, and exits with 1 where there is none', async (t) => {
  const { owner, get } = await world(t);
  const one = await get('trading', 'market_regime');
  t.deepEqual(one, { code: 0, out: '{"regime":"bull"}\n', err: '' });
  const line = await get('trading', 'market_regime', '--json');
  const { value, position, changedAt } = owner.get('market_regime');
  t.deepEqual(linesOf(line.out), [{ key: 'market_regime', value, position, changedAt }]);
  t.like(await get('trading', 'strategy/none'), {
    code: 1,
    out: '',
    err: 'tandem-sync: key "strategy/none" of space "trading" holds no value\n',
  });
  t.like(await get('nowhere'), { code: 1, err: 'tandem-sync: there is no space "nowhere" in this Redis\n' });
  t.like(await get('a b'), { code: 2, out: '' });
});

onRealServer('get has the keys of a large turn that is not settled yet', async (t) => {
  const { redis, owner, get } = await world(t);
  const probe = new Redis(redis.adminUrl);
  t.teardown(() => probe.disconnect());
  for (let n = 0; n < 30_000; n += 1) owner.set(`strategy/n${n}`, n);
  owner.set('strategy/a', 2);
  let isInForce = false;
  await until(async () => {
    isInForce ||= Number(await probe.hget('tandem:{trading}:meta', 'turnIndexed')) > 0;
    return isInForce;
  }, 'the turn is in force');
  t.is((await get('trading', 'strategy/a')).out, '2\n');
  const { out } = await get('trading', 'strategy/', '--json');
  t.is(linesOf(out).length, 30_002);
});

onRealServer(
  'get says what somebody has written that is no JSON, and that keys are not the owner’s',
  async (t) => {
    const { owning, admin, get } = await world(t);
    await owning.stop();
    await admin.hset('tandem:{trading}:state', 'strategy/a', '{oops');
    await admin.hset('tandem:{trading}:state', 'strategy/new', '1');
    const { code, out, err } = await get('trading', '--json');
    t.is(code, 0);
    t.like(linesOf(out)[1], { key: 'strategy/a', unreadable: '{oops' });
    t.regex(err, /not what the owner has written: tandem-sync doctor trading/);
  },
);

onRealServer('watch prints changes with position and freshness until it is told to end', async (t) => {
  const { redis, owner } = await world(t);
  const watch = startProgram(['watch', 'trading', 'strategy/', '--initial', '--json', '--redis', redis.url]);
  t.teardown(() => void watch.child.kill('SIGKILL'));
  const changes = () => linesOf(watch.out).filter(({ key }) => key !== undefined);
  await until(() => changes().length >= 2, `what is there: ${watch.err}`);
  const initial = changes();
  const status = linesOf(watch.out).findLast(({ event }) => event === 'status');
  t.like(status, { event: 'status', freshness: 'live', owner: 'alive', ownerName: 'trader-1' });
  t.deepEqual(
    initial.map(({ key, value }) => [key, value]),
    [
      ['strategy/a', 1],
      ['strategy/b', '\u001b[2J'],
    ],
  );
  owner.set('strategy/a', 7);
  owner.delete('strategy/b');
  owner.set('market_regime', 1);
  await until(() => changes().length >= 4, 'both changes');
  const [changed, deleted] = changes().slice(2);
  t.like(changed, {
    key: 'strategy/a',
    value: 7,
    freshness: 'live',
    position: owner.get('strategy/a').position,
  });
  t.like(deleted, { key: 'strategy/b', deleted: true });
  watch.child.kill('SIGINT');
  t.is(await watch.exited, 0);
  t.is(changes().length, 4);
  t.is(watch.err, '');
});

onRealServer('watch says when the state becomes stale and the owner is lost', async (t) => {
  const { redis, owning } = await world(t);
  const watch = startProgram(['watch', 'trading', '--redis', redis.url]);
  t.teardown(() => void watch.child.kill('SIGKILL'));
  await until(() => watch.out.includes('-- live'), 'it follows');
  await owning.stop();
  await until(() => watch.out.includes('owner released (trader-1)'), 'the owner is gone');
  watch.child.kill('SIGTERM');
  t.is(await watch.exited, 0);
});

onRealServer('the line that acl prints for a reader is enough for get and watch', async (t) => {
  const { redis, admin } = await world(t);
  await applyLine(admin, aclLine('reader', '--space', 'trading'));
  const url = `redis://tandem-reader:word@127.0.0.1:${redis.port}`;
  const get = await program(['get', 'trading', '--redis', url]);
  t.deepEqual([get.code, get.err], [0, '']);
  t.is((await program(['get', 'trading', 'strategy/a', '--redis', url])).out, '1\n');
  const watch = startProgram(['watch', 'trading', '--initial', '--redis', url]);
  t.teardown(() => void watch.child.kill('SIGKILL'));
  await until(() => watch.out.includes('strategy/b'), 'it follows');
  watch.child.kill('SIGINT');
  t.deepEqual([await watch.exited, watch.err], [0, '']);
});

onRealServer('watch of a Redis that is not there ends with 1', async (t) => {
  const { code, err } = await program(['watch', 'trading', '--redis', 'redis://u:s3cr3t@127.0.0.1:1']);
  t.is(code, 1);
  t.is(err, 'tandem-sync: Redis cannot be reached: connect ECONNREFUSED 127.0.0.1:1\n');
});
