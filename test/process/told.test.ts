/** What a follower tells when its owner, a process of its own, is killed or paused. */
import { connect } from '../../src/index.ts';
import { onRealServer } from '../_real.ts';
import { RedisServer } from '../_redis-server.ts';
import { Told } from '../_told.ts';
import { Child } from '../fixtures/child.ts';
import { load } from '../fixtures/load-space.ts';

const LEASE_MS = '1500';

for (const signal of ['SIGKILL', 'SIGSTOP'] as const)
  onRealServer(
    `an owner that ends or stands still by ${signal} is lost, told once and in time`,
    async (t) => {
      const redis = await RedisServer.start();
      const children = [new Child('owner', redis.url, LEASE_MS)];
      const tandem = connect({ redis: redis.url, name: 'api' });
      t.teardown(async () => {
        await tandem.stop();
        await Promise.all(children.map((child) => child.stop()));
        await redis.stop();
      });
      const owner = children[0]!;
      const { pid } = owner;
      await owner.next('ready');
      await owner.ask({ do: 'set', n: 1 }, 'set');
      const follower = tandem.follow(load);
      const told = new Told(t, follower, 'key/told');
      await told.expect(t, `alive owner-${pid}`, 'live');
      owner.kill(signal);
      await told.expect(t, `lost owner-${pid}`, 'stale');
      if (signal === 'SIGSTOP') owner.kill('SIGCONT');
      else children.push(new Child('owner', redis.url, LEASE_MS));
      await told.expect(t, `alive owner-${children.at(-1)!.pid}`, 'live');
    },
  );
