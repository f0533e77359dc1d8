/** Spaces that come and go on a real Redis: a portal that follows a fleet of bots. */
import { Redis } from 'ioredis';
import type { Follower } from '../../src/index.ts';
import { connect, defineSpace, json } from '../../src/index.ts';
import { aclLine, applyLine } from '../_acl.ts';
import { onRealServer } from '../_real.ts';
import { RedisServer } from '../_redis-server.ts';
import { until } from '../_wait.ts';
import type { ExecutionContext } from 'ava';

const definition = { status: json<string>(), 'position/*': json<number>() };
const bot = (n: number) => defineSpace(`bot:${n}`, definition);
type Bot = Follower<typeof definition>;

async function fleet(t: ExecutionContext) {
  const server = await RedisServer.start();
  const admin = new Redis(server.adminUrl, { replyMapping: 'legacy' });
  t.teardown(async () => {
    admin.disconnect();
    await server.stop();
  });
  const join = (name: string, redis: string = server.url) => {
    const tandem = connect({ redis, name, telemetry: false });
    t.teardown(() => tandem.stop({ timeoutMs: 100 }));
    return tandem;
  };
  return { server, admin, join };
}

onRealServer(
  'a portal follows a fleet over one subscription, and learns of new and retired bots',
  async (t) => {
    const { server, admin, join } = await fleet(t);
    const bots = join('bots');
    const owners = Array.from({ length: 200 }, (_, n) => bots.own(bot(n)));
    for (const owner of owners) owner.set('status', 'running');
    await Promise.all(owners.map((owner) => owner.ready()));
    for (let n = 0; n < 3_000; n += 1) await admin.set(`somebody:else:${n}`, '1');

    const portal = join('portal');
    const seen = new Map<string, Bot[]>();
    const discovery = portal.discover('bot:*', definition, (participant) => {
      const { name } = participant.space;
      seen.set(name, [...(seen.get(name) ?? []), participant]);
    });
    await discovery.ready();
    t.is(seen.size, 200);
    const isLive = (name: string): boolean => portal.get(name)?.get('status').freshness === 'live';
    await until(() => [...seen.keys()].every(isLive), 'all bots live');
    const subscribers = /^.*name=tandem:portal.* sub=(\d+) psub=(\d+)/gm;
    const clients = [...String(await admin.client('LIST')).matchAll(subscribers)];
    t.deepEqual(
      clients.map(([, sub, psub]) => [sub, psub]).filter(([sub, psub]) => sub !== '0' || psub !== '0'),
      [['0', '1']],
      'one subscription',
    );

    bots.own(bot(1_000)).set('status', 'new');
    await until(() => portal.get('bot:1000')?.get('status').value === 'new', 'a new bot');

    await owners[7]!.stop();
    t.true(await portal.remove('bot:7'));
    await until(() => seen.get('bot:7')![0]!.mode === 'stopped', 'the end of a retired bot');
    t.deepEqual(await admin.keys('tandem:{bot:7}:*'), ['tandem:{bot:7}:meta'], 'a word that it was removed');
    t.true((await admin.pttl('tandem:{bot:7}:meta')) > 0, 'which expires');

    const late = join('late');
    const found: string[] = [];
    const later = late.discover('bot:*', definition, ({ space }) => found.push(space.name));
    await later.ready();
    t.is(found.length, 200);
    t.false(found.includes('bot:7'));

    await server.restart();
    await until(() => isLive('bot:3') && isLive('bot:1000'), 'all live again', 10_000);
    t.deepEqual(
      [...seen.values()].filter((followers) => followers.length > 1),
      [],
      'nobody was followed twice',
    );
  },
);

onRealServer('a claim after a removal does not expire', async (t) => {
  const { admin, join } = await fleet(t);
  const one = join('one').own(bot(1));
  await one.ready();
  await one.stop();
  const two = join('two');
  t.true(await two.remove(bot(1)));
  await two.own(bot(1)).ready();
  t.is(await admin.pttl('tandem:{bot:1}:meta'), -1);
});

onRealServer('followers by the printed rules find spaces; what is missing is named', async (t) => {
  const { server, admin, join } = await fleet(t);
  const owner = join('bots').own(bot(1));
  owner.set('status', 'running');
  await owner.ready();
  const line = aclLine('follower', '--space', 'bot:*', '--user', 'portal');
  await applyLine(admin, line);
  await applyLine(admin, line.replace('ACL SETUSER portal', 'ACL SETUSER deaf').replace(' +psubscribe', ''));
  await applyLine(admin, line.replace('ACL SETUSER portal', 'ACL SETUSER blind').replace(' +scan', ''));
  const as = (user: string) => join(user, `redis://${user}:word@127.0.0.1:${server.port}`);
  const found: string[] = [];
  const portal = as('portal').discover('bot:*', definition, ({ space }) => found.push(space.name));
  await portal.ready();
  t.deepEqual(found, ['bot:1']);
  for (const [user, rule] of [
    ['deaf', 'psubscribe'],
    ['blind', 'scan'],
  ] as const) {
    const discovery = as(user).discover('bot:*', definition, () => {});
    const error = await t.throwsAsync(discovery.ready({ timeoutMs: 2_000 }));
    t.regex(error.message, new RegExp(`were not found within 2000 ms: .*'${rule}'`));
    t.is(discovery.error?.code, 'REDIS_REFUSED');
  }
});

onRealServer('a second owner with takeOver has the space, and the first one is told', async (t) => {
  const { join } = await fleet(t);
  const first = join('first').own(bot(1));
  first.set('status', 'one');
  await first.ready();
  const second = join('second').own(bot(1), { takeOver: true });
  await second.ready();
  t.is(second.get('status').value, 'one');
  await until(() => first.ownership === 'fenced', 'a fenced owner');
});

onRealServer('what anybody publishes or writes by the name of no space disturbs no discovery', async (t) => {
  const { admin, join } = await fleet(t);
  const owner = join('bots').own(bot(1));
  await owner.ready();
  const portal = join('portal');
  const told: string[] = [];
  const discovery = portal.discover('bot:*', definition, ({ space }) => told.push(space.name));
  await discovery.ready();
  await admin.publish('tandem:{bot:bad name}:frames', '1 1\n3 fence 5');
  await admin.hset('tandem:{bot:bad name}:meta', { fence: '5' });
  await admin.publish('tandem:{bot:ghost}:frames', '1 1\n3 fence 5');
  await admin.publish('tandem:{bot:1}:frames', '1 1\n3 removed 9000000000000');
  const later = join('later').discover('bot:*', definition, () => {});
  await later.ready();
  t.deepEqual([...later.participants.keys()], ['bot:1']);
  t.deepEqual(told, ['bot:1'], 'a claim that the keys do not show is none');
  t.is(portal.get('bot:1')?.mode, 'connected');
});
