/** Tests `npm start` as a whole: real processes, a real port, and nothing left behind. */
import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { ExecutionContext } from 'ava';
import test from 'ava';
import { freePort } from '../_free-port.ts';
import { connect } from '../../src/index.ts';
import { LONGEST_TEST_MS, onRealServer } from '../_real.ts';
import { RedisServer } from '../_redis-server.ts';
import { trading } from '../../examples/trading-desk/trading.ts';
import type { SystemStatus } from '../../examples/trading-desk/status.ts';

const PATIENCE_MS = 20_000;

interface RegimeLine {
  readonly event: string;
  readonly regime: string;
  readonly confidence: number;
  readonly barDate: string;
  readonly position: string;
  readonly committed: boolean;
}

interface Run {
  readonly url: string;
  readonly process: ChildProcess;
  readonly stdout: string[];
  readonly stderr: string[];
  readonly exitCode: Promise<number | null>;
}

test.serial(
  'in a run of six seconds, status and log agree, refresh is limited, and nothing is left behind',
  async (t) => {
    const run = await startRun(t, ['--seconds', '6', '--speed', '200']);
    await until(() => hasData(run));

    const space = await fetch(`${run.url}/spaces/trading`);
    t.is(space.status, 200);
    const { state } = (await space.json()) as { state: Record<string, unknown> };
    t.true(['market_regime', 'market/last_bar', 'strategy/momentum'].every((key) => key in state));

    const [first, second] = [await refresh(run), await refresh(run)];
    t.is(first.status, 200);
    t.is(((await first.json()) as { differed: number }).differed, 0);
    t.is(second.status, 429);
    t.is(second.headers.get('content-type'), 'application/problem+json');
    t.is(second.headers.get('retry-after'), '1');

    const agreed = new Set<string>();
    while (logOf(run).length < 4) agreed.add(await agreeOnRegime(run));
    t.true(agreed.has('warming-up') && agreed.has('bear'), [...agreed].join(' '));

    t.is(await run.exitCode, 0);
    t.true(logOf(run).every(({ committed, position }) => committed && /^\d+-\d+$/.test(position)));
    t.true(run.stdout.some((line) => /^latency +p50 .* p99 /.test(line)));
    t.true(run.stdout.includes('trading-1  recovering → connected'), run.stdout.slice(-4).join('\n'));
    await allGone(t, run);
  },
);

test.serial('without a Redis on the PATH, the demo uses the embedded one', async (t) => {
  // The second regime comes after about two seconds, on a busy machine after four.
  const run = await startRun(t, ['--seconds', '10', '--speed', '200'], { PATH: '/nonexistent' });
  await until(() => logOf(run).length > 1);
  t.is(await agreeOnRegime(run), 'bear');
  t.is(await run.exitCode, 0);
  t.regex(run.stdout[0]!, /js-redis-server, embedded/);
  await allGone(t, run);
});

test.serial(
  'both processes recover from a Redis that was killed and came back empty, and Ctrl-C ends everything',
  async (t) => {
    const run = await startRun(t, []);
    await until(() => hasData(run));
    const before = await status(run);

    process.kill(pidIn(run, /kill -9 (\d+)/), 'SIGKILL');
    await until(async () => (await status(run)).mode === 'degraded');
    await until(async () => (await status(run)).freshness === 'stale');
    t.is((await refresh(run)).status, 503);
    t.is((await status(run)).regime, before.regime);

    await until(async () => (await status(run)).freshness === 'live');
    const after = await status(run);
    t.is(after.mode, 'connected');
    t.true(after.lastBar!.date > before.lastBar!.date);
    t.true(run.stdout.some((line) => line.includes('Redis is back, empty')));

    run.process.kill('SIGINT');
    t.is(await run.exitCode, 0);
    await allGone(t, run);
  },
);

test.serial('with --direct, the API stays live while Redis is out', async (t) => {
  const run = await startRun(t, ['--direct']);
  await until(() => hasData(run));
  process.kill(pidIn(run, /kill -9 (\d+)/), 'SIGKILL');
  await until(async () => (await status(run)).mode === 'degraded');
  await until(async () => (await status(run)).freshness === 'live');
  const before = await status(run);
  t.is(before.mode, 'degraded');
  await until(async () => (await status(run)).lastBar!.date > before.lastBar!.date);

  await until(async () => (await status(run)).mode === 'connected');
  run.process.kill('SIGINT');
  t.is(await run.exitCode, 0);
  await allGone(t, run);
});

test.serial('a run that is killed by force leaves no process behind', async (t) => {
  const run = await startRun(t, []);
  await until(() => logOf(run).length > 0);
  run.process.kill('SIGKILL');
  await run.exitCode;
  await allGone(t, run);
});

test.serial('either process that dies is started again, and the run goes on', async (t) => {
  const run = await startRun(t, []);
  await until(() => hasData(run));
  for (const name of ['trading-1', 'api-1']) {
    process.kill(pidIn(run, new RegExp(`^${name} +pid (\\d+)`)), 'SIGKILL');
    const gone = new RegExp(
      `  ${name}, pid \\d+, is gone \\(SIGKILL\\); the demo starts it again after 5 s$`,
    );
    await until(() => run.stdout.some((line) => gone.test(line)));
    await until(() => run.stdout.some((line) => line.includes(`${name} is back, pid `)));
    await until(async () => (await status(run)).freshness === 'live');
    t.is((await status(run)).mode, 'connected');
  }
  run.process.kill('SIGINT');
  t.is(await run.exitCode, 0);
  await allGone(t, run);
});

onRealServer('a process that cannot go on ends the run, and its last words are shown', async (t) => {
  const redis = await RedisServer.start();
  const other = connect({ redis: redis.url, name: 'the-other-desk', log: false });
  t.teardown(async () => {
    await other.stop();
    await redis.stop();
  });
  await other.own(trading).ready();
  const run = await startRun(t, [], { REDIS_URL: redis.url });
  t.is(await run.exitCode, 1);
  t.regex(run.stderr[0]!, /^trading-1 has ended by itself: exit code 1/);
  t.regex(run.stderr.join('\n'), /the-other-desk/);
  await allGone(t, run, 2);
});

test.serial('a drill needs a Redis of its own', async (t) => {
  const run = await startRun(t, ['--drill'], { REDIS_URL: 'redis://127.0.0.1:1' });
  t.is(await run.exitCode, 2);
  t.regex(run.stderr.join('\n'), /^--drill breaks Redis, so it needs one of its own: unset REDIS_URL$/);
});

test.serial('a taken port gives one clear line', async (t) => {
  const taken = createServer().listen(0, '127.0.0.1');
  await once(taken, 'listening');
  const { port } = taken.address() as AddressInfo;
  const run = await startRun(t, ['--seconds', '1'], { PORT: String(port) });
  t.is(await run.exitCode, 1);
  t.is(run.stderr.length, 1);
  t.regex(run.stderr[0]!, new RegExp(`^port ${port} on 127.0.0.1 is taken; .*PORT=\\d+ npm start$`));
  taken.close();
});

test.serial('a REDIS_URL that cannot be reached gives one clear line, without its password', async (t) => {
  const redis = `redis://someone:s3cret@127.0.0.1:${await freePort()}`;
  const run = await startRun(t, ['--seconds', '1'], { REDIS_URL: redis });
  t.is(await run.exitCode, 1);
  t.is(run.stderr.length, 1);
  t.regex(run.stderr[0]!, /^cannot use the Redis of REDIS_URL, redis:\/\/127\.0\.0\.1:\d+: .*ECONNREFUSED/);
  t.notRegex([...run.stdout, ...run.stderr].join('\n'), /s3cret/);
});

test.serial('wrong arguments give one clear line and exit code 2', async (t) => {
  for (const [args, line] of [
    [['--sped', '1'], /^Unknown option '--sped'; see --help$/],
    [['--speed', 'fast'], /^--speed: expected bars per second, from 0\.1 to 2000, got "fast"$/],
    [['--seconds', '0'], /^--seconds: expected seconds, from 1 to \d+, got "0"$/],
  ] as const) {
    const run = await startRun(t, args);
    t.is(await run.exitCode, 2);
    t.regex(run.stderr.join('\n'), line);
  }
});

test.serial('before any data has arrived, the API answers that it knows nothing', async (t) => {
  const env = { REDIS_URL: `redis://127.0.0.1:${await freePort()}` };
  const run = await startRun(t, [], env, 'api-process.ts');
  await until(() => run.stderr.some((line) => line.includes('"event":"start"')));
  const { regime, market, lastBar, freshness, staleMs, source, position } = await status(run);
  t.deepEqual(
    { regime, market, lastBar, freshness, staleMs, source, position },
    {
      regime: null,
      market: null,
      lastBar: null,
      freshness: 'stale',
      staleMs: null,
      source: 'memory',
      position: '0-0',
    },
  );
  t.is((await fetch(`${run.url}/nothing/here`)).status, 404);
  run.process.kill('SIGTERM');
  t.is(await run.exitCode, 0);
});

async function startRun(
  t: ExecutionContext,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
  script = 'start.ts',
): Promise<Run> {
  t.timeout(LONGEST_TEST_MS);
  const port = env['PORT'] ?? String(await freePort());
  const file = fileURLToPath(new URL(`../../examples/trading-desk/${script}`, import.meta.url));
  const child = spawn(process.execPath, [file, ...args], {
    env: { ...process.env, REDIS_URL: '', ...env, PORT: port },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  t.teardown(() => child.kill('SIGKILL'));
  const stdout: string[] = [];
  const stderr: string[] = [];
  createInterface({ input: child.stdout }).on('line', (line) => stdout.push(line));
  createInterface({ input: child.stderr }).on('line', (line) => stderr.push(line));
  const exitCode = once(child, 'close').then(([code]) => code as number | null);
  return { url: `http://127.0.0.1:${port}`, process: child, stdout, stderr, exitCode };
}

async function status({ url }: Run): Promise<SystemStatus> {
  return (await (await fetch(`${url}/system/status`)).json()) as SystemStatus;
}

/** True when all processes are up and data has arrived. */
async function hasData(run: Run): Promise<boolean> {
  return (await status(run)).lastBar !== null && logOf(run).length > 0;
}

function refresh({ url }: Run): Promise<Response> {
  return fetch(`${url}/system/refresh`, { method: 'POST' });
}

/** The trading log so far. */
function logOf({ stdout }: Run): RegimeLine[] {
  return stdout.filter((line) => line.startsWith('{')).map((line) => JSON.parse(line) as RegimeLine);
}

/** The regime on which status and log agree. If it changes between the two readings, both are read again. */
async function agreeOnRegime(run: Run): Promise<string> {
  let agreed = '';
  await until(async () => {
    const { regime } = await status(run);
    agreed = logOf(run).at(-1)?.regime ?? '';
    return regime === agreed;
  }, 2_000);
  return agreed;
}

function pidIn({ stdout }: Run, pattern: RegExp): number {
  const found = stdout.map((line) => pattern.exec(line)?.[1]).findLast(Boolean);
  if (found === undefined) throw new Error(`no ${pattern} in:\n${stdout.join('\n')}`);
  return Number(found);
}

/** Asserts that none of the processes whose pids the run printed is left. */
async function allGone(t: ExecutionContext, { stdout }: Run, least = 3): Promise<void> {
  const pids = [...stdout.join('\n').matchAll(/\bpid (\d+)/g)].map(([, pid]) => Number(pid));
  t.true(pids.length >= least);
  await until(() => pids.every((pid) => !isAlive(pid)), 5_000);
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

async function until(isSo: () => boolean | Promise<boolean>, timeoutMs = PATIENCE_MS): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  // A process that is still starting refuses connections.
  const asked = async (): Promise<boolean> => isSo();
  while (!(await asked().catch(() => false))) {
    if (performance.now() > deadline)
      throw new Error(`did not happen within ${timeoutMs} ms: ${isSo.toString()}`);
    await delay(10);
  }
}
