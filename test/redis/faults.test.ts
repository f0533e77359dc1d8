/**
 * What goes wrong with a real Redis and on the way to it, one thing at a time: each is noticed within a second, nothing
 * set meanwhile is lost, no reader goes back or is told that old state is live, `set` takes what it took, and two seconds
 * after it is over owner, follower and Redis hold the same.
 */
import { Redis } from 'ioredis';
import { connect, defineSpace, json } from '../../src/index.ts';
import { Witness } from '../_episode.ts';
import { faults } from '../_faults.ts';
import { onRealServer, onRealServers } from '../_real.ts';
import { RedisServer } from '../_redis-server.ts';
import { until } from '../_wait.ts';
import { World } from '../_world.ts';

for (const fault of faults) {
  onRealServers(`Redis ${fault.name}`, async (t) => {
    const world = await World.start('faults');
    t.teardown(() => world.stop());
    const witness = await Witness.start(world);
    t.teardown(() => witness.stop());
    const { noticedMs, degradedMs, recoveredMs, setMicros } = await witness.episode(fault);
    await witness.conclude();
    t.log(
      `noticed after ${ms(noticedMs)}, degraded after ${ms(degradedMs)}, in step ${ms(recoveredMs)} after its end`,
    );
    t.deepEqual(witness.violations, []);
    t.true(degradedMs === undefined || degradedMs < 1_000, `degraded after ${degradedMs} ms`);
    t.true(recoveredMs < 2_000, `in step after ${recoveredMs} ms`);
    t.true(setMicros.during < 10 * setMicros.before, `one set: ${JSON.stringify(setMicros)} µs`);
  });
}

const ms = (duration: number | undefined): string =>
  duration === undefined ? '—' : `${duration.toFixed(0)} ms`;

const space = defineSpace('faults', { 'key/*': json<number>() });

onRealServer(
  'Redis down at the start: the owner is set all the same, and all is there when it comes',
  async (t) => {
    const redis = await RedisServer.start();
    await redis.kill('SIGKILL');
    const owning = connect({ redis: redis.url });
    const following = connect({ redis: redis.url });
    t.teardown(async () => {
      await Promise.all([owning.stop({ timeoutMs: 100 }), following.stop()]);
      await redis.stop();
    });
    const owner = owning.own(space);
    const follower = following.follow(space);
    owner.set('key/a', 1);
    await until(() => owner.mode === 'degraded' && follower.mode === 'degraded', 'both degraded', 1_000);
    t.is(follower.get('key/a').freshness, 'stale');
    await redis.restart();
    await follower.waitFor(await owner.flush({ timeoutMs: 5_000 }), { timeoutMs: 5_000 });
    t.is(follower.get('key/a').value, 1);
  },
);

onRealServer(
  'a wrong password is a clear error that holds no password, and is tried again now and then',
  async (t) => {
    const redis = await RedisServer.start();
    const admin = new Redis(redis.url);
    await admin.config('SET', 'requirepass', 'right');
    admin.disconnect();
    const secret = 'wrong-and-secret';
    const tandem = connect({ redis: redis.url.replace('//', `//:${secret}@`) });
    t.teardown(async () => {
      await tandem.stop({ timeoutMs: 100 });
      await redis.stop();
    });
    const owner = tandem.own(space);
    const errors: Error[] = [];
    owner.on('error', ({ error }) => errors.push(error));
    await until(() => errors.length > 0, 'the refusal', 2_000);
    const { code, message, cause } = errors[0] as Error & { code: string };
    t.is(code, 'REDIS_REFUSED', message);
    t.false(JSON.stringify([message, cause, Object.values(cause as object)]).includes(secret));
    t.is(owner.mode, 'degraded');
  },
);
