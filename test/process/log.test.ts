/** What processes say on stderr, to whose events nobody listens, when something breaks. */
import type { ChildProcess } from 'node:child_process';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { ExecutionContext } from 'ava';
import { Redis } from 'ioredis';
import { timeless } from '../_log-lines.ts';
import { onRealServer } from '../_real.ts';
import { RedisServer } from '../_redis-server.ts';
import { until } from '../_wait.ts';

const QUIET = new URL('../fixtures/quiet.ts', import.meta.url);

class Quiet {
  readonly process: ChildProcess;
  readonly lines: string[] = [];
  isReady = false;

  constructor(t: ExecutionContext, role: 'owner' | 'standby' | 'follower', url: string, name: string) {
    const stdio = ['ignore', 'inherit', 'pipe', 'ipc'] as ['ignore', 'inherit', 'pipe', 'ipc'];
    this.process = fork(QUIET, [role, url, name], { stdio });
    createInterface({ input: this.process.stderr! }).on('line', (line) => this.lines.push(line));
    this.process.on('message', () => (this.isReady = true));
    t.teardown(() => void this.process.kill('SIGKILL'));
  }

  async ready(): Promise<this> {
    await until(() => this.isReady, 'a participant that is ready', 20_000);
    return this;
  }

  /** Waits for a line, and returns it without its times. */
  async says(pattern: RegExp): Promise<string> {
    await until(
      () => this.lines.some((line) => pattern.test(line)),
      `${pattern} among:\n${this.lines.join('\n')}`,
      15_000,
    );
    return timeless(this.lines.find((line) => pattern.test(line))!);
  }

  /** Stops in good order. */
  async stop(): Promise<void> {
    const ended = once(this.process, 'exit');
    this.process.send('stop');
    await ended;
  }
}

onRealServer(
  'an outage of Redis, and the death of an owner, are told by line where they are noticed',
  async (t) => {
    const redis = await RedisServer.start();
    t.teardown(() => redis.stop());
    const owner = await new Quiet(t, 'owner', redis.url, 'a').ready();
    const follower = await new Quiet(t, 'follower', redis.url, 'api').ready();
    t.deepEqual([...owner.lines, ...follower.lines], [], 'what goes well is not said');

    await redis.kill();
    const said = await follower.says(/degraded/);
    t.regex(said, /^T tandem WARN api\/quiet follower has been degraded since T: .*Redis/);
    t.regex(await owner.says(/degraded/), /^T tandem WARN a\/quiet owner has been degraded since T: .*Redis/);
    await follower.says(/WARN api\/quiet follower has been stale since/);
    await follower.says(
      /counts the owner "a" as lost since .*, as far as can be told while this process is not connected$/,
    );
    await redis.restart();
    await follower.says(/INFO api\/quiet follower is connected again, after [\d.]+ s$/);
    await owner.says(/INFO a\/quiet owner is connected again, after [\d.]+ s$/);
    await follower.says(/INFO api\/quiet follower is live again/);

    follower.lines.length = 0;
    owner.process.kill('SIGKILL');
    await follower.says(
      /WARN api\/quiet follower counts the owner "a" as lost since [^,]*: its lease is over$/,
    );
    await follower.says(/WARN api\/quiet follower has been stale since/);
    const next = await new Quiet(t, 'owner', redis.url, 'b').ready();
    await follower.says(/INFO api\/quiet follower hears a new owner, "b", in place of "a"/);
    await follower.says(/is live again/);
    t.is(follower.lines.length, 4, follower.lines.join('\n'));

    follower.lines.length = 0;
    await next.stop();
    await follower.says(
      /INFO api\/quiet follower knows from the owner "b" that it has stopped, and released/,
    );
    await follower.says(
      /INFO api\/quiet follower has been stale since .* has stopped, and released the space$/,
    );
    t.notRegex(follower.lines.join('\n'), /WARN|canary/);
  },
);

onRealServer('an owner that stood still while its standby took over says that it was fenced', async (t) => {
  const redis = await RedisServer.start();
  t.teardown(() => redis.stop());
  const owner = await new Quiet(t, 'owner', redis.url, 'a').ready();
  const standby = await new Quiet(t, 'standby', redis.url, 'b').ready();
  const probe = await new Quiet(t, 'follower', redis.url, 'api').ready();
  owner.process.kill('SIGSTOP');
  await standby.says(/WARN b\/quiet owner has taken over the space, after the owner "a" was lost$/);
  owner.process.kill('SIGCONT');
  await owner.says(/ERROR a\/quiet owner was fenced: .*"b"/);
  await probe.says(/hears a new owner, "b", in place of "a"/);
  t.notRegex([...owner.lines, ...standby.lines, ...probe.lines].join('\n'), /canary/);
});

onRealServer('a wrong password is an error in one line, without the password', async (t) => {
  const redis = await RedisServer.start('--requirepass', 'canary-right');
  t.teardown(() => redis.stop());
  const { port } = redis;
  const follower = new Quiet(t, 'follower', `redis://:canary-wrong@127.0.0.1:${port}`, 'api');
  const line = await follower.says(/ERROR/);
  t.regex(line, /^T tandem ERROR api\/quiet follower has been degraded since T: .*WRONGPASS/);
  const admin = new Redis(redis.adminUrl);
  t.teardown(() => admin.disconnect());
  const tries = async (): Promise<number> =>
    Number(/total_connections_received:(\d+)/.exec(await admin.info('stats'))![1]);
  const before = await tries();
  await until(async () => (await tries()) >= before + 6, 'six more tries to connect');
  t.is(follower.lines.length, 1, follower.lines.join('\n'));
  t.notRegex(follower.lines.join('\n'), /canary/);
});

onRealServer('a process whose stderr nobody reads any more goes on', async (t) => {
  const redis = await RedisServer.start();
  t.teardown(() => redis.stop());
  const owner = await new Quiet(t, 'owner', redis.url, 'a').ready();
  owner.process.stderr!.destroy();
  await redis.kill();
  const follower = new Quiet(t, 'follower', redis.url, 'api');
  await follower.says(/degraded/);
  await redis.restart();
  await follower.ready();
  t.is(owner.process.exitCode, null);
  await owner.stop();
  t.is(owner.process.exitCode, 0);
});
