/** The event log for people: the beginning of a condition stays visible, however long the condition lasts. */
import { connect, defineSpace, json } from '../../src/index.ts';
import { EventLog } from '../../src/http/page/event-log.ts';
import { Redis } from 'ioredis';
import { onRealServer } from '../_real.ts';
import { RedisServer } from '../_redis-server.ts';
import { until } from '../_wait.ts';

const space = defineSpace('eventLog', { 'key/*': json<number>() });

onRealServer('repeated failures are logged once, and so is the final success', async (t) => {
  const redis = await RedisServer.start();
  const owning = connect({ redis: redis.url, name: 'owner' });
  const following = connect({ redis: redis.url, name: 'follower' });
  const admin = new Redis(redis.url);
  t.teardown(async () => {
    admin.disconnect();
    await Promise.all([owning.stop({ timeoutMs: 100 }), following.stop()]);
    await redis.stop();
  });
  const owner = owning.own(space);
  const eventLog = new EventLog(following);
  t.teardown(() => eventLog.stop());
  let tries = 0;
  const follower = following.follow(space);
  follower.on('mode', ({ mode }) => (tries += mode === 'recovering' ? 1 : 0));
  owner.set('key/a', 1);
  await follower.waitFor(await owner.flush({ timeoutMs: 5_000 }), { timeoutMs: 5_000 });
  await owning.stop();

  // No owner is left that could repair the loss which this follower saw.
  await admin.flushall();
  await until(() => tries >= 6, 'tries', 40_000);
  await until(() => follower.mode === 'degraded', 'one that failed');
  const told = eventLog.transitions.items.map(({ from, to }) => `${from} → ${to}`);
  // On a machine that stalls, one slow attempt may be logged.
  t.true(told.filter((one) => one === 'degraded.isolated → recovering').length <= 1, told.join(', '));
  t.true(told.filter((one) => one.startsWith('recovering → degraded')).length <= 2, told.join(', '));
  const bad = eventLog.log.items.filter(({ text }) => text.startsWith('recovering → degraded'));
  t.is(bad.length, 1);

  const again = connect({ redis: redis.url, name: 'again' });
  t.teardown(() => again.stop({ timeoutMs: 100 }));
  again.own(space).set('key/a', 2);
  await until(() => follower.mode === 'connected', 'connected');
  eventLog.look();
  const last = eventLog.transitions.items.slice(-2).map(({ from, to }) => `${from} → ${to}`);
  t.deepEqual(last, ['degraded.isolated → recovering', 'recovering → connected']);
  t.regex(eventLog.log.items.at(-1)!.text, /connected|live|Redis|alive/);
});
