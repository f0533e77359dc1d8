/**
 * A rolling upgrade, performed: processes of this package, and of a later one whose wire has a field and a
 * kind of message more. Nothing is lost, nothing is read anew, and nobody reports an error.
 */
import { Redis } from 'ioredis';
import { onRealServer } from '../_real.ts';
import { RedisServer } from '../_redis-server.ts';
import { until } from '../_wait.ts';
import { Child, LaterChild } from '../fixtures/child.ts';

const LEASE_MS = '3000';

for (const order of ['followers first', 'owner first'] as const) {
  onRealServer(`a rolling upgrade under load, ${order}`, async (t) => {
    const redis = await RedisServer.start();
    const children: Child[] = [];
    const start = <C extends Child>(child: C): C => {
      children.push(child);
      return child;
    };
    const channel = new Redis(redis.url);
    t.teardown(async () => {
      await Promise.all(children.map((child) => child.stop()));
      channel.disconnect();
      await redis.stop();
    });
    const heard = { fields: 0, kinds: 0 };
    channel.on('message', (_: string, message: string) => {
      heard.fields += Number(message.includes(' z=later'));
      heard.kinds += Number(message.includes('\n3 news '));
    });
    await channel.subscribe('tandem:{load}:frames');

    const oldOwner = start(new Child('owner', redis.url, LEASE_MS));
    await oldOwner.next('ready');
    const oldFollower = start(new Child('follower', redis.url));
    await oldFollower.next('ready');
    const upgradeFollower = async (): Promise<Child> => {
      const follower = start(new LaterChild('follower', redis.url));
      await follower.next('ready');
      return follower;
    };
    const early = order === 'followers first' ? await upgradeFollower() : undefined;
    await oldOwner.ask({ do: 'load', sets: 2_000, keys: 100, perSecond: 1_000 }, 'loaded', 20_000);

    // The later owner stands by, and takes over as the old one stops.
    const newOwner = start(new LaterChild('owner', redis.url, LEASE_MS, 'standby'));
    const taken = newOwner.next('ready');
    await oldOwner.stop();
    await taken;
    const newFollower = early ?? (await upgradeFollower());
    await newOwner.ask({ do: 'load', sets: 2_000, keys: 100, perSecond: 1_000 }, 'loaded', 20_000);

    const { state, head } = await newOwner.ask({ do: 'dump' }, 'dump');
    for (const follower of [oldFollower, newFollower]) {
      await until(
        async () => (await follower.ask({ do: 'dump' }, 'dump')).head === head,
        'the same head',
        5_000,
      );
      const seen = await follower.ask({ do: 'dump' }, 'dump');
      t.deepEqual(seen.state, state);
      t.is(seen.mode, 'connected');
      t.is(seen.seen!.brokenPairs, 0);
      t.is(seen.seen!.wentBack, 0);
      t.true(seen.seen!.syncs <= 1, 'the first read is the only full sync');
      t.deepEqual(
        follower.reports.filter(({ about }) => about === 'error'),
        [],
      );
    }
    t.true(heard.fields > 100, 'the later owner used its field');
    t.true(heard.kinds > 100, 'the later owner used its kind of message');
  });
}
