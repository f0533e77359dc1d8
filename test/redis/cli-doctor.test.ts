/** `tandem-sync doctor` on a real Redis: it finds nothing where all is well, and names each damage. */
import type { ExecutionContext } from 'ava';
import { Redis } from 'ioredis';
import { connect, defineSpace, json } from '../../src/index.ts';
import { aclLine, applyLine } from '../_acl.ts';
import { called, linesOf, program } from '../_console.ts';
import { onRealServer } from '../_real.ts';
import { RedisServer } from '../_redis-server.ts';
import type { Finding } from '../../src/cli/finding.ts';

const space = defineSpace('trading', { 'key/*': json() });

async function world(t: ExecutionContext, ...args: string[]) {
  const redis = await RedisServer.start(...args);
  const owning = connect({ redis: redis.url, name: 'trader-1' });
  const admin = new Redis(redis.adminUrl);
  t.teardown(async () => {
    admin.disconnect();
    await owning.stop({ timeoutMs: 100 });
    await redis.stop();
  });
  const owner = owning.own(space);
  for (let n = 0; n < 100; n += 1) owner.set(`key/${n}`, n);
  owner.delete('key/7');
  await owner.flush();
  const doctor = async (...more: string[]) => {
    const { code, out, err } = await called(['doctor', '--json', '--redis', redis.url, ...more]);
    return { code, err, findings: linesOf<Finding>(out) };
  };
  return { redis, owner, owning, admin, doctor };
}

const notGood = (findings: readonly Finding[]): Finding[] =>
  findings.filter(({ severity }) => severity === 'bad' || severity === 'warning');

onRealServer(
  'doctor finds nothing wrong where all is well, and a missing persistence is a warning',
  async (t) => {
    const { redis, owning, doctor } = await world(t, '--appendonly', 'yes');
    const { code, err, findings } = await doctor();
    t.deepEqual([code, err, notGood(findings)], [0, '', []]);
    for (const check of [
      'version',
      'persistence',
      'eviction',
      'output buffer',
      'connections',
      'round trip',
      'clock',
    ])
      t.true(
        findings.some((finding) => finding.check === check),
        check,
      );
    t.true(findings.some(({ found }) => /^99 keys at \d+-/.test(found)));
    t.true(
      findings.some(({ check, severity }) => check === 'permissions of an owner' && severity === 'good'),
    );

    await owning.stop();
    await redis.restart('--appendonly', 'no');
    const { code: exit, out } = await program(['doctor', '--redis', redis.url, 'trading']);
    t.is(exit, 1, 'the space is gone');
    t.regex(out, /^warning {2}persistence: none$/m);
  },
);

onRealServer('doctor looks at a busy owner, and finds nothing wrong', async (t) => {
  const { owner, doctor } = await world(t);
  let n = 0;
  const timer = setInterval(() => owner.set(`key/${(n += 1) % 500}`, n), 1);
  t.teardown(() => clearInterval(timer));
  for (let tries = 0; tries < 5; tries += 1) {
    const { code, findings } = await doctor();
    t.deepEqual([code, findings.filter(({ severity }) => severity === 'bad')], [0, []]);
  }
});

onRealServer('doctor names each damage of a space', async (t) => {
  const { owning, admin, doctor } = await world(t);
  await owning.stop();
  const [meta, state, index, lease] = ['meta', 'state', 'index', 'lease'].map(
    (name) => `tandem:{trading}:${name}`,
  );
  const damages: [make: () => Promise<unknown>, mend: () => Promise<unknown>, said: RegExp][] = [
    [
      () => admin.hdel(state!, 'key/1'),
      () => admin.hset(state!, 'key/1', '1'),
      /state has 98 keys, meta says 99/,
    ],
    [
      () => admin.zadd(index!, 500, 'key/x'),
      () => admin.zrem(index!, 'key/x'),
      /index has 100 keys, meta says 99/,
    ],
    [
      () => admin.multi().hdel(state!, 'key/1').hset(state!, 'key/other', '1').exec(),
      () => admin.multi().hset(state!, 'key/1', '1').hdel(state!, 'key/other').exec(),
      /1 keys of .*state are not in .*index/,
    ],
    [
      () => admin.hset(state!, 'key/2', 'oops'),
      () => admin.hset(state!, 'key/2', '2'),
      /value of "key\/2" is no JSON/,
    ],
    [() => admin.pexpire(meta!, 3_600_000), () => admin.persist(meta!), /meta expires in 59 min/],
    [() => admin.set(lease!, 'me 1 3000'), () => admin.del(lease!), /lease has no expiry/],
    [() => admin.hset(meta!, 'format', '9'), () => admin.hset(meta!, 'format', '1'), /format 9/],
  ];
  t.deepEqual((await doctor('trading')).code, 0, 'all is well before');
  for (const [make, mend, said] of damages) {
    await make();
    const { code, findings } = await doctor('trading');
    t.is(code, 1, said.source);
    const bad = findings.filter(({ severity }) => severity === 'bad');
    t.is(bad.length, 1, said.source);
    t.regex(bad[0]!.found, said);
    t.truthy(bad[0]!.remedy);
    await mend();
  }
  await admin.del(index!);
  await admin.set(index!, 'a string');
  t.regex(JSON.stringify((await doctor('trading')).findings), /index is a string, expected a zset/);
});

onRealServer('what the living owner repairs is not wrong', async (t) => {
  const { admin, doctor } = await world(t);
  await admin.hdel('tandem:{trading}:state', 'key/1');
  t.is((await doctor('trading')).code, 0);
});

onRealServer('doctor says what an ACL withholds, and works with the line of a reader', async (t) => {
  const { redis, admin, doctor } = await world(t);
  await applyLine(admin, aclLine('reader', '--space', 'trading'));
  const url = `redis://tandem-reader:word@127.0.0.1:${redis.port}`;
  const reader = await doctor('trading', '--redis', url);
  t.deepEqual([reader.code, reader.err], [0, '']);
  const of = (findings: readonly Finding[], check: string) => findings.find((one) => one.check === check);
  t.like(of(reader.findings, 'permissions of a follower'), { severity: 'good' });
  t.like(of(reader.findings, 'permissions of the fleet'), {
    severity: 'note',
    found: 'missing (~tandem:{@fleet}:* +pexpire +set +zadd +zremrangebyscore)',
  });
  t.regex(of(reader.findings, 'permissions of an owner')!.found, /^missing .*\+hset .*\+publish/);
  t.like(of(reader.findings, 'keys'), { severity: 'good' });
  t.like(of(reader.findings, 'version'), { severity: 'note' });
  t.is((await doctor('trading', '--redis', url, '--role', 'owner')).code, 1);

  await admin.call('ACL', 'SETUSER', 'tandem-reader', '-zscore', '-subscribe');
  const less = await doctor('trading', '--redis', url);
  t.is(less.code, 1);
  t.is(of(less.findings, 'permissions of a follower')!.found, 'missing +subscribe +zscore');
  await admin.call('ACL', 'SETUSER', 'tandem-reader', '-eval_ro', '-eval');
  const tried = await doctor('trading', '--redis', url);
  t.regex(
    of(tried.findings, 'permissions of a follower')!.found,
    /^missing .*\+zscore.*not known: .*\+subscribe/,
  );
});

onRealServer('doctor changes nothing', async (t) => {
  const { redis, owning, admin } = await world(t);
  await owning.stop();
  const before = await admin.hgetall('tandem:{trading}:meta');
  const keys = (await admin.keys('*')).toSorted();
  await admin.call('ACL', 'SETUSER', 'plain', 'on', '>word', '~*', '&*', '+@all', '-eval', '-eval_ro');
  for (const url of [redis.url, `redis://plain:word@127.0.0.1:${redis.port}`])
    await called(['doctor', '--redis', url]);
  t.deepEqual(await admin.hgetall('tandem:{trading}:meta'), before);
  t.deepEqual((await admin.keys('*')).toSorted(), keys);
});
