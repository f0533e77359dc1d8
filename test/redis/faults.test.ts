/**
 * Faults of a real Redis and of the network in front of it, one at a time. Each is noticed within a second.
 * Nothing set meanwhile is lost. No reader goes back or sees old state as live. `set` stays as fast as
 * before. Two seconds after the fault, owner, follower and Redis hold the same state.
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
  'an owner can be set while Redis is down at the start, and everything arrives when Redis is up',
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
  'a wrong password gives a clear error without the password, and is retried now and then',
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
