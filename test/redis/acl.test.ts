/**
 * The rules that `tandem-sync acl` prints, on a real Redis: each role runs with its own, and what is missing is
 * named.
 */
import type { ExecutionContext } from 'ava';
import { Redis } from 'ioredis';
import { connect, defineSpace, json } from '../../src/index.ts';
import type { ErrorEvent } from '../../src/index.ts';
import { aclLine, allowedBy, applyLine } from '../_acl.ts';
import { onRealServer } from '../_real.ts';
import { RedisServer } from '../_redis-server.ts';
import { until } from '../_wait.ts';

type Role = 'owner' | 'follower' | 'standby' | 'reader';

const LONG = 'x'.repeat(100_000);
/** Without one of these, nothing works. Without another, some of it does: nothing else has to be said then. */
const CORE = {
  owner:
    'evalsha get hdel hget hlen hmget hset pttl publish rename set time type unlink zadd zcard zrem zremrangebyrank',
  follower: 'evalsha_ro get hlen hmget hstrlen ping pttl subscribe time type zcard zrangebyscore',
};
/** What an ACL withholds may never be taken for damage. */
const DAMAGE = /^(KEYS_LOST|CONTENT_MISMATCH|ROLLED_BACK|HEAD_MOVED|WRONG_TYPE|INVALID_FRAME)/;

const definition = { 'key/*': json() };

async function setTheStage(t: ExecutionContext) {
  const server = await RedisServer.start();
  const admin = new Redis(server.adminUrl, { replyMapping: 'legacy' });
  t.teardown(async () => {
    admin.disconnect();
    await server.stop();
  });
  const process = (user: string) => {
    const redis = `redis://${user}:word@127.0.0.1:${server.port}`;
    const tandem = connect({ redis, name: user, telemetry: false, prefix: 'app' });
    t.teardown(() => tandem.stop({ timeoutMs: 0 }));
    return tandem;
  };
  return { server, admin, process };
}

type Stage = Awaited<ReturnType<typeof setTheStage>>;

/** Makes a user by the printed line, and rules behind it. Gives what it may run. */
async function allow(
  { admin }: Stage,
  role: Role,
  space: string,
  user: string,
  rules: readonly string[] = [],
  version = '7',
) {
  const printed = aclLine(
    role,
    '--space',
    space,
    '--user',
    user,
    '--prefix',
    'app',
    '--redis-version',
    version,
  );
  // Of `info|memory` there is no rule that takes it back.
  const line = printed
    .split(' ')
    .filter((rule) => !rules.includes(rule.replace('+', '-')))
    .join(' ');
  await applyLine(admin, line, ...rules.filter((rule) => !rule.startsWith('-')));
  return allowedBy(printed);
}

interface Reporting {
  on(type: 'error', callback: (event: ErrorEvent) => void): unknown;
}

/** Collects the errors of participants: code and message. */
function errorsOf(...participants: readonly Reporting[]): string[] {
  const said: string[] = [];
  for (const participant of participants) participant.on('error', ({ error }) => said.push(worded(error)));
  return said;
}

function worded({ code, retryable, message }: ErrorEvent['error']): string {
  return `${code} ${String(retryable)} ${message}`;
}

for (const version of ['7', '6']) {
  onRealServer(`owner, follower and standby run with the rules for Redis ${version}`, async (t) => {
    const stage = await setTheStage(t);
    const space = defineSpace('trading', definition);
    for (const role of ['owner', 'follower', 'standby'] as const)
      await allow(stage, role, 'trading', role, [], version);
    await stage.admin.call('ACL', 'LOG', 'RESET');
    const owner = stage.process('owner').own(space);
    const follower = stage.process('follower').follow(space);
    const standby = stage.process('standby').own(space, { standby: true });
    const said = errorsOf(owner, follower, standby);

    owner.set('key/a', 1);
    await Promise.all([owner.flush(), follower.ready()]);
    owner.set('key/long', LONG);
    owner.delete('key/a');
    owner.batch(() => {
      for (let i = 0; i < 2_500; i += 1) owner.set(`key/many-${i}`, i);
    });
    await owner.flush();
    await until(() => follower.get('key/many-2499').value === 2_499, 'the large turn');
    await stage.admin.del('app:{trading}:state');
    owner.set('key/b', 2);
    await until(() => [...follower.entries()].length === 2_502, 'the repaired state');
    t.deepEqual(
      said.filter((one) => !/^(KEYS_LOST|CONTENT_MISMATCH) /.test(one)),
      [],
      'a person deleted the keys',
    );

    await owner.stop();
    standby.on('error', ({ error }) => t.log(error.message));
    await until(() => standby.ownership === 'leading', 'the standby leads');
    standby.set('key/c', 3);
    await until(() => follower.get('key/c').value === 3, 'its change');
    const late = stage.process('follower').follow(space);
    await late.ready();
    t.is(late.get('key/long').value, LONG);
    const log = (await stage.admin.call('ACL', 'LOG')) as string[][];
    const objects = log.map((entry) => entry[entry.indexOf('object') + 1]);
    // Before Redis 7 a follower is not registered.
    const isExpected = (one: string | undefined): boolean => ['evalsha_ro', 'set', 'zadd'].includes(one!);
    t.deepEqual(objects, version === '7' ? [] : objects.filter(isExpected));
  });
}

onRealServer(
  'a follower with the rules for Redis 7 can write nothing, and sees one space alone',
  async (t) => {
    const stage = await setTheStage(t);
    const { server, admin } = stage;
    await allow(stage, 'follower', 'bot:*', 'follower');
    const mine = new Redis(`redis://follower:word@127.0.0.1:${server.port}`, { replyMapping: 'legacy' });
    t.teardown(() => mine.disconnect());
    await admin.hset('app:{bot:1}:state', 'a', '1');
    t.is(await mine.hget('app:{bot:1}:state', 'a'), '1');
    for (const refused of [
      () => mine.hset('app:{bot:1}:state', 'a', '2'),
      () => mine.publish('app:{bot:1}:frames', ''),
      () => mine.eval('return 1', 0),
      () => mine.call('EVAL_RO', "return redis.call('HSET', KEYS[1], 'a', '2')", '1', 'app:{bot:1}:state'),
      () => mine.hget('app:{other}:state', 'a'),
      () => mine.hget('tandem:{bot:1}:state', 'a'),
      () => mine.subscribe('app:{other}:frames'),
      () => mine.keys('*'),
    ])
      await t.throwsAsync(refused);
    t.is(await admin.hget('app:{bot:1}:state', 'a'), '1');
  },
);

/** Runs a role until it works, or until its user is told why not. */
async function tryOut(stage: Stage, role: Role, name: string, rules: readonly string[]) {
  const user = `user-${name}`;
  const space = defineSpace(name, definition);
  await allow(stage, role, name, user, rules);
  const isOwner = role === 'owner';
  const tandem = stage.process(user);
  // The other side has all permissions.
  const other = stage.process('admin2');
  const owner = (isOwner ? tandem : other).own(space);
  const said = errorsOf(owner);
  for (let i = 0; i < 2_100; i += 1) owner.set(`key/${i}`, i);
  owner.set('key/long', LONG);
  owner.delete('key/0');
  // A follower that comes later has all of it to read.
  if (!isOwner) await owner.flush();
  const follower = (isOwner ? other : tandem).follow(space);
  follower.on('error', ({ error }) => said.push(worded(error)));
  const works = () =>
    [...follower.entries()].length === 2_100 && follower.get('key/long').freshness === 'live';
  let isSaid = false;
  await until(
    () => (isSaid = said.some((one) => one.includes('NOPERM'))) || works(),
    `${role} ${rules.join(' ')}`,
  );
  await Promise.all([tandem.stop({ timeoutMs: 0 }), other.stop({ timeoutMs: 0 })]);
  return { said, isSaid };
}

for (const role of ['owner', 'follower'] as const) {
  onRealServer(
    `each command that is taken from ${role === 'owner' ? 'an owner' : 'a follower'} is named, and nothing is called lost`,
    async (t) => {
      const stage = await setTheStage(t);
      await stage.admin.call('ACL', 'SETUSER', 'admin2', 'on', '>word', '~*', '&*', '+@all');
      const commands = allowedBy(aclLine(role, '--space', 'x'));
      const core = CORE[role].split(' ');
      for (const [at, command] of commands.entries()) {
        const { said, isSaid } = await tryOut(stage, role, `s${at}`, [`-${command}`]);
        if (core.includes(command)) t.true(isSaid, `${command}: ${said.join(' | ')}`);
        if (isSaid)
          t.true(
            said.some((one) => one.includes(`'${command}'`)),
            `${command}: ${said.join(' | ')}`,
          );
        for (const one of said) t.notRegex(one, DAMAGE, command);
        for (const one of said.filter((text) => text.includes('NOPERM')))
          t.regex(one, /^(?:REDIS_REFUSED false|TIMEOUT true) /);
      }
    },
  );

  onRealServer(
    `keys and a channel that are taken from ${role === 'owner' ? 'an owner' : 'a follower'} are named`,
    async (t) => {
      const stage = await setTheStage(t);
      await stage.admin.call('ACL', 'SETUSER', 'admin2', 'on', '>word', '~*', '&*', '+@all');
      const keys = await tryOut(stage, role, 'keys', ['resetkeys', '~other:*']);
      t.true(
        keys.said.some((one) => /keys app:\{keys\}:\*/.test(one)),
        keys.said.join(' | '),
      );
      const channel = await tryOut(stage, role, 'channel', ['resetchannels']);
      t.true(
        channel.said.some((one) => /channel app:\{channel\}:frames/.test(one)),
        channel.said.join(' | '),
      );
      for (const one of [...keys.said, ...channel.said]) t.notRegex(one, DAMAGE);
    },
  );
}

onRealServer(
  'what is taken from a running owner does no damage, and all goes on once it is given back',
  async (t) => {
    const stage = await setTheStage(t);
    const { admin } = stage;
    await admin.call('ACL', 'SETUSER', 'admin2', 'on', '>word', '~*', '&*', '+@all');
    const space = defineSpace('running', definition);
    const commands = await allow(stage, 'owner', 'running', 'owner');
    const owner = stage.process('owner').own(space);
    const follower = stage.process('admin2').follow(space);
    const said = errorsOf(owner, follower);
    let n = 0;
    const change = (): void => {
      n += 1;
      owner.batch(() => {
        owner.set('key/n', n);
        owner.set(`key/new-${n}`, n);
        owner.delete(`key/new-${n - 1}`);
      });
    };
    const isShown = (): boolean =>
      follower.get('key/n').value === n && follower.get('key/n').freshness === 'live';
    change();
    await until(isShown, 'the first change');
    for (const command of commands.filter((one) => CORE.owner.split(' ').includes(one))) {
      said.length = 0;
      await admin.call('ACL', 'SETUSER', 'owner', `-${command}`);
      const deadline = performance.now() + 400;
      while (performance.now() < deadline) {
        change();
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      await admin.call('ACL', 'SETUSER', 'owner', `+${command}`);
      change();
      await until(isShown, `the change after ${command}: ${said.join(' | ')}`);
      for (const one of said) t.notRegex(one, DAMAGE, command);
    }
  },
);

onRealServer('on a server that knows no script, the permission to send its text is named', async (t) => {
  const stage = await setTheStage(t);
  for (const [role, missing] of [
    ['follower', 'eval_ro'],
    ['owner', 'eval'],
  ] as const) {
    await stage.admin.script('FLUSH');
    await allow(stage, role, 'first', role, [`-${missing}`]);
    const tandem = stage.process(role);
    const space = defineSpace('first', definition);
    const said = errorsOf(role === 'owner' ? tandem.own(space) : tandem.follow(space));
    await until(() => said.some((one) => one.includes(`'${missing}'`)), missing);
    for (const one of said) t.notRegex(one, DAMAGE);
  }
});
