/** `tandem-sync top` on a real Redis, and in a real terminal where there is tmux. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { ExecutionContext } from 'ava';
import test from 'ava';
import { connect, defineSpace, json } from '../../src/index.ts';
import { linesOf, program, startProgram } from '../_console.ts';
import { onPath } from '../_on-path.ts';
import { onRealServer } from '../_real.ts';
import { RedisServer } from '../_redis-server.ts';
import { until } from '../_wait.ts';

const definition = { 'key/*': json() };
const CLI = new URL('../../src/cli.ts', import.meta.url).pathname;

async function world(t: ExecutionContext) {
  const redis = await RedisServer.start();
  const owning = connect({ redis: redis.url, name: 'trader-1' });
  const owner = owning.own(defineSpace('trading', definition));
  owning.own(defineSpace('quiet', definition)).set('key/a', 1);
  let n = 0;
  const timer = setInterval(() => owner.set(`key/${(n += 1) % 10}`, n), 5);
  t.teardown(async () => {
    clearInterval(timer);
    await owning.stop({ timeoutMs: 100 });
    await redis.stop();
  });
  await owner.ready();
  return { redis, owning };
}

interface Second {
  readonly at: number;
  readonly spaces: readonly { space: string; changesPerS: number; lagMs: number | null; freshness: string }[];
}

onRealServer(
  'top prints one line of JSON a second, with rates, lag and freshness of each space',
  async (t) => {
    const { redis } = await world(t);
    const { code, out, err } = await program(['top', '--json', '--count', '2', '--redis', redis.url]);
    t.deepEqual([code, err], [0, '']);
    const seconds = linesOf<Second>(out);
    t.is(seconds.length, 2);
    const [quiet, trading] = seconds[1]!.spaces.toSorted((a, b) => (a.space < b.space ? -1 : 1));
    t.like(quiet, { space: 'quiet', freshness: 'live', changesPerS: 0, lagMs: null });
    t.like(trading, { space: 'trading', freshness: 'live' });
    t.true(trading!.changesPerS > 20 && trading!.changesPerS < 250, `${trading!.changesPerS}`);
    t.true(trading!.lagMs !== null && trading!.lagMs < 500);
  },
);

onRealServer('top shows what is stale, goes on while Redis is out, and ends with 0', async (t) => {
  const { redis } = await world(t);
  const top = startProgram(['top', 'trading', '--json', '--redis', redis.url]);
  t.teardown(() => void top.child.kill('SIGKILL'));
  const last = () => linesOf<Second>(top.out).at(-1)?.spaces[0]?.freshness;
  await until(() => last() === 'live', 'it follows');
  await redis.kill();
  await until(() => last() === 'stale', 'it is stale');
  await redis.restart();
  await until(() => last() === 'live', 'it is live again', 20_000);
  top.child.kill('SIGINT');
  t.is(await top.exited, 0);
});

test('wrong usage of top exits with 2', async (t) => {
  for (const args of [['a', 'b'], ['--count', '0'], ['--count', 'x'], ['a b']])
    t.is((await program(['top', ...args])).code, 2, args.join(' '));
});

const tmux = onPath('tmux');
const inTerminal = 'top draws on the alternate screen of a terminal, and leaves it as it was';
if (tmux === undefined) test.skip(`${inTerminal} (skipped: no tmux on the PATH)`, () => {});
else
  onRealServer(inTerminal, async (t) => {
    const { redis } = await world(t);
    const call = async (...args: string[]) =>
      (await promisify(execFile)(tmux, ['-L', `tandem-${process.pid}`, '-f', '/dev/null', ...args])).stdout;
    await call('new-session', '-d', '-s', 'top', '-x', '110', '-y', '12', 'sh');
    t.teardown(() => call('kill-session', '-t', 'top').catch(() => {}));
    const screen = () => call('capture-pane', '-p', '-t', 'top');
    await call(
      'send-keys',
      '-t',
      'top',
      `echo be''fore; "${process.execPath}" "${CLI}" top --redis ${redis.url}; echo ended $?`,
      'Enter',
    );
    await until(
      async () => /trading +live .*alive trader-1/.test(await screen()),
      'the space is on the screen',
      20_000,
    );
    const drawn = await screen();
    t.regex(drawn, /^2 spaces, 0 stale, \d+ changes\/s\nSPACE +FRESH +OWNER/);
    t.false(drawn.includes('before'), 'it is another screen');
    t.is(drawn.split('\n').filter((line) => line.startsWith('trading')).length, 1);
    t.regex(drawn, /^Ctrl-C ends$/m);
    await call('send-keys', '-t', 'top', 'C-c');
    await until(async () => (await screen()).includes('ended 0'), 'it has ended with 0', 20_000);
    const after = await screen();
    t.true(after.includes('before') && !after.includes('trading  '), 'the screen is as it was');
  });
