/** The ways to a Redis, by the examples, on real servers. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import type { ExecutionContext } from 'ava';
import { Cluster, Redis } from 'ioredis';
import { connectByCluster } from '../../examples/connections/cluster.ts';
import { connectByToken } from '../../examples/connections/iam-token.ts';
import { connectBySentinel } from '../../examples/connections/sentinel.ts';
import { connectByTls } from '../../examples/connections/tls.ts';
import { connectByUnixSocket } from '../../examples/connections/unix-socket.ts';
import { connect, defineSpace, json } from '../../src/index.ts';
import type { ConnectOptions, Tandem } from '../../src/index.ts';
import { aclLine, applyLine } from '../_acl.ts';
import { makeCertificates, noCertificates } from '../_certificates.ts';
import { freePort } from '../_free-port.ts';
import { onRealServer } from '../_real.ts';
import { RedisServer } from '../_redis-server.ts';
import { shown } from '../_shown.ts';
import { until } from '../_wait.ts';

const space = defineSpace('space', { 'key/*': json<number>() });
const HOST = '127.0.0.1';
/** All that must not be told. */
const SECRET = /secret-(?:token|of)/;

/** What one sets comes to the other, over two processes of the same kind. */
async function assertItWorks(t: ExecutionContext, open: () => Tandem): Promise<void> {
  const [owning, following] = [open(), open()];
  t.teardown(() => Promise.all([owning.stop({ timeoutMs: 100 }), following.stop({ timeoutMs: 100 })]));
  const [owner, follower] = [owning.own(space), following.follow(space)];
  const said: string[] = [];
  owner.on('error', ({ error }) => said.push(error.message));
  follower.on('error', ({ error }) => said.push(error.message));
  owner.set('key/a', 1);
  await until(() => follower.get('key/a').freshness === 'live', `it is live: ${said.join(' | ')}`);
  t.is(follower.get('key/a').value, 1);
  t.deepEqual(said, []);
}

async function start(t: ExecutionContext, ...args: string[]) {
  const server = await RedisServer.start(...args);
  const admin = new Redis(server.adminUrl, { replyMapping: 'legacy' });
  t.teardown(async () => {
    admin.disconnect();
    await server.stop();
  });
  return { server, admin };
}

if (noCertificates === undefined)
  onRealServer('TLS', async (t) => {
    const { certificate, key, folder } = makeCertificates();
    t.teardown(() => rmSync(folder, { recursive: true }));
    const port = await freePort();
    const files = ['--tls-cert-file', certificate, '--tls-key-file', key, '--tls-ca-cert-file', certificate];
    await start(t, '--tls-port', `${port}`, ...files, '--tls-auth-clients', 'no');
    await assertItWorks(t, () => connectByTls('localhost', port, certificate));
    const doubting = connect({ redis: `rediss://localhost:${port}`, telemetry: false });
    t.teardown(() => doubting.stop({ timeoutMs: 0 }));
    const error = await t.throwsAsync(doubting.follow(space).ready({ timeoutMs: 1_000 }));
    t.regex(error.message, /SELF_SIGNED_CERT/, 'a certificate that Node does not trust is named');
  });
else test.skip(`TLS (skipped: ${noCertificates})`, () => {});

onRealServer('a unix socket, by options and by a URL', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'tandem-socket-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, 'redis.sock');
  await start(t, '--unixsocket', path);
  await assertItWorks(t, () => connectByUnixSocket(path));
  await assertItWorks(t, () => connect({ redis: `unix://${path}` }));
});

onRealServer('Sentinel', async (t) => {
  const { server } = await start(t);
  const sentinel = await RedisServer.sentinel(server);
  t.teardown(() => sentinel.stop());
  await assertItWorks(t, () => connectBySentinel([{ host: HOST, port: sentinel.port }], 'master'));
});

async function startCluster(t: ExecutionContext) {
  const bus = ['--cluster-port', `${await freePort()}`, '--cluster-announce-ip', HOST];
  const { server, admin } = await start(t, '--cluster-enabled', 'yes', ...bus);
  await admin.cluster('ADDSLOTSRANGE', 0, 16_383);
  await until(async () => /cluster_state:ok/.test(await admin.cluster('INFO')), 'a whole cluster');
  return { server, admin, nodes: [{ host: HOST, port: server.port }] };
}

onRealServer('Cluster, with the rules of an ACL', async (t) => {
  const { admin, nodes } = await startCluster(t);
  const user = { username: 'standby', password: 'word' };
  await applyLine(admin, aclLine('standby', '--space', 'space', '--user', 'standby', '--cluster'));
  await assertItWorks(t, () => connectByCluster(nodes, user));
  await applyLine(admin, aclLine('follower', '--space', 'space', '--user', 'follower', '--cluster'));
  const follower = connectByCluster(nodes, { username: 'follower', password: 'word' });
  t.teardown(() => follower.stop({ timeoutMs: 0 }));
  await follower.follow(space).ready();

  // The rules of an earlier version of this package.
  const [ofEarlier, slots] = [aclLine('standby', '--space', 'other', '--user', 'earlier'), '+cluster|slots'];
  await applyLine(admin, ofEarlier, slots, '+cluster|info', '+info');
  const earlier = connectByCluster(nodes, { username: 'earlier', password: 'word' });
  t.teardown(() => earlier.stop({ timeoutMs: 0 }));
  const errors: string[] = [];
  earlier.own(defineSpace('other', {})).on('error', ({ error }) => errors.push(error.message));
  await until(
    () => errors.some((message) => message.includes('(ACL: +spublish)')),
    'what is missing is said',
  );
});

/** A server on which one user has one password: the newest token. */
async function startIssuing(t: ExecutionContext) {
  const { server, admin } = await start(t);
  let tokens = 0;
  const issue = async (): Promise<string> => {
    const token = `secret-token-${(tokens += 1)}`;
    await admin.call('ACL', 'SETUSER', 'iam', 'reset', 'on', `>${token}`, '~*', '&*', '+@all');
    return token;
  };
  return { server, admin, issue, issued: () => tokens };
}

onRealServer('a token is asked for at each connection', async (t) => {
  const { server, admin, issue, issued } = await startIssuing(t);
  let token = await issue();
  const asked: string[] = [];
  const tandem = connectByToken(HOST, server.port, 'iam', () => {
    asked.push(token);
    return Promise.resolve(token);
  });
  t.teardown(() => tandem.stop({ timeoutMs: 100 }));
  const [owner, follower] = [tandem.own(space), tandem.follow(space)];
  owner.set('key/a', 1);
  await Promise.all([owner.ready(), follower.ready()]);
  t.is(asked.length, 2, 'once for each of the two connections');
  token = await issue();
  await admin.call('CLIENT', 'KILL', 'USER', 'iam');
  owner.set('key/a', 2);
  await until(() => follower.get('key/a').value === 2, 'the value over new connections');
  t.deepEqual(asked.slice(2, 4), [token, token]);
  t.is(issued(), 2);
});

const secret = 'secret-of-the-function';
const failing: [string, () => unknown, RegExp][] = [
  [
    'throws',
    () => {
      throw new Error(secret);
    },
    /failed with Error/,
  ],
  ['rejects', () => Promise.reject(new Error(secret)), /failed with Error/],
  ['gives nothing', () => undefined, /gave undefined as the password/],
  ['gives no text', () => ({ password: { secret } }), /gave an object as the password/],
];
for (const [what, credentials, said] of failing) {
  onRealServer(
    `where the function for credentials ${what}, that is told, and it is asked again`,
    async (t) => {
      const { server, issue } = await startIssuing(t);
      const password = await issue();
      let isFailing = true;
      const tandem = connect({
        redis: server.url,
        telemetry: false,
        credentials: () => (isFailing ? (credentials() as never) : { username: 'iam', password }),
      });
      t.teardown(() => tandem.stop({ timeoutMs: 0 }));
      const follower = tandem.follow(space);
      const errors: Error[] = [];
      follower.on('error', ({ error }) => errors.push(error));
      await until(() => errors.length > 0, 'the report');
      t.like(errors[0], { code: 'CREDENTIALS_FAILED', retryable: true });
      t.regex(errors[0]!.message, said);
      for (const error of errors) t.notRegex(shown(error), SECRET);
      isFailing = false;
      await follower.ready();
    },
  );
}

onRealServer(
  'a password that is a function serves a named user, and a wrong one is asked for again',
  async (t) => {
    const { server, issue } = await startIssuing(t);
    let token = 'secret-of-yesterday';
    const redis: ConnectOptions['redis'] = {
      host: HOST,
      port: server.port,
      username: 'iam',
      password: () => Promise.resolve(token),
    };
    const fresh = await issue();
    const tandem = connect({ redis, telemetry: false });
    t.teardown(() => tandem.stop({ timeoutMs: 0 }));
    const follower = tandem.follow(space);
    const errors: Error[] = [];
    follower.on('error', ({ error }) => errors.push(error));
    await until(() => errors.length > 0, 'the refusal');
    t.like(errors[0], { code: 'REDIS_REFUSED' });
    for (const error of errors) t.notRegex(shown(error), SECRET);
    token = fresh;
    await follower.ready();
    t.throws(() => connect({ redis, credentials: () => ({ password: 'x' }) }), { code: 'INVALID_OPTION' });
    t.throws(() => connect({ redis: server.url, credentials: 'secret' as never }), {
      code: 'INVALID_OPTION',
    });
  },
);

onRealServer('credentials serve clients that a function makes', async (t) => {
  const { server, issue } = await startIssuing(t);
  const password = await issue();
  const credentials = () => Promise.resolve({ username: 'iam', password });
  const nobody = { username: 'nobody', password: 'none', lazyConnect: true };
  await assertItWorks(t, () => connect({ redis: () => new Redis(server.url, nobody), credentials }));

  const { admin, nodes } = await startCluster(t);
  await admin.call('ACL', 'SETUSER', 'iam', 'on', `>${password}`, '~*', '&*', '+@all');
  const redisOptions = { username: 'nobody', password: 'none' };
  await assertItWorks(t, () =>
    connect({ redis: () => new Cluster(nodes, { lazyConnect: true, redisOptions }), credentials }),
  );

  const eager = connect({ redis: () => new Redis(server.url), credentials, telemetry: false });
  t.teardown(() => eager.stop({ timeoutMs: 0 }));
  const errors: string[] = [];
  eager.follow(space).on('error', ({ error }) => errors.push(`${error.code} ${error.message}`));
  await until(() => errors.some((one) => /^INVALID_OPTION .*lazyConnect/.test(one)), 'the refusal');
});

onRealServer('connections bear the name of their process, or the one that the user gives', async (t) => {
  const { server, admin } = await start(t);
  const names = async (): Promise<(string | undefined)[]> =>
    ((await admin.client('LIST')) as string).split('\n').map((line) => / name=(\S*)/.exec(line)?.[1]);
  const port = server.port;
  const targets: ConnectOptions['redis'][] = [
    server.url,
    { host: HOST, port },
    () => new Redis(port, { lazyConnect: true }),
  ];
  for (const [at, redis] of targets.entries()) {
    const tandem = connect({ redis, name: `api ${at} é`, telemetry: false });
    t.teardown(() => tandem.stop({ timeoutMs: 0 }));
    await tandem.follow(space).ready();
    t.true((await names()).includes(`tandem:api_${at}__`));
  }
  const own = connect({ redis: { host: HOST, port, connectionName: 'mine' }, telemetry: false });
  t.teardown(() => own.stop({ timeoutMs: 0 }));
  await own.follow(space).ready();
  t.true((await names()).includes('mine'));
  await admin.call('ACL', 'SETUSER', 'shy', 'on', '>word', '~*', '&*', '+@all', '-client|setname');
  const shy = connect({ redis: `redis://shy:word@${HOST}:${port}`, name: 'shy', telemetry: false });
  t.teardown(() => shy.stop({ timeoutMs: 0 }));
  await shy.follow(space).ready();
  t.false((await names()).includes('tandem:shy'));
});
