/**
 * The clock of Redis was far ahead and is set right, or is set back: all are live again, untouched by hand.
 */
import { Redis } from 'ioredis';
import type { ExecutionContext } from 'ava';
import test from 'ava';
import { connect, defineSpace, json } from '../../src/index.ts';
import type { Follower } from '../../src/index.ts';
import { Clocks, noClocks } from '../_clocks.ts';
import { onRealServers } from '../_real.ts';
import { RedisServer } from '../_redis-server.ts';
import { until } from '../_wait.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const YEAR = 365 * DAY;
const space = defineSpace('space', { '*': json() });

class Rig {
  readonly server: RedisServer;
  readonly clocks: Clocks;
  readonly admin: Redis;
  readonly #t: ExecutionContext;

  private constructor(t: ExecutionContext, server: RedisServer, clocks: Clocks) {
    this.#t = t;
    this.server = server;
    this.clocks = clocks;
    this.admin = new Redis(server.adminUrl);
    t.teardown(async () => {
      this.admin.disconnect();
      await server.stop();
      clocks.close();
    });
  }

  static async start(t: ExecutionContext, aheadMs = 0): Promise<Rig> {
    const clocks = new Clocks();
    clocks.setWall(aheadMs);
    return new Rig(t, await RedisServer.startWith(clocks.env), clocks);
  }

  tandem(name: string): ReturnType<typeof connect> {
    const tandem = connect({ redis: this.server.url, name });
    this.#t.teardown(() => tandem.stop({ timeoutMs: 200 }));
    return tandem;
  }

  follower(name = 'follower'): Follower<typeof space.definition> {
    const follower = this.tandem(name).follow(space);
    follower.on('error', () => {});
    return follower;
  }
}

const isLive = (follower: Pick<Follower<any>, 'get'>, value: unknown): boolean => {
  const reading = follower.get('a');
  return reading.value === value && reading.freshness === 'live';
};

/** What guarantee 7 allows. */
const MENDED_MS = 2_000;

function withClocks(title: string, run: (t: ExecutionContext) => Promise<void>): void {
  if (noClocks !== undefined) test.skip(`${title} (skipped: ${noClocks})`, () => {});
  else onRealServers(title, run);
}

for (const aheadMs of [3 * DAY, YEAR, 50 * YEAR]) {
  for (const isEmptied of [true, false]) {
    const what = isEmptied ? 'comes back empty' : 'keeps what it held';
    const title = `a clock ${aheadMs / DAY} days ahead is set right, Redis ${what}: old and new ones are live`;
    withClocks(title, async (t) => {
      const rig = await Rig.start(t, aheadMs);
      const first = rig.tandem('first').own(space);
      first.set('a', 1);
      await first.ready();
      const follower = rig.follower();
      await until(() => isLive(follower, 1), 'the follower');
      await first.stop();
      rig.clocks.setWall(0);
      if (isEmptied) await rig.admin.flushall();
      const second = rig.tandem('second').own(space);
      second.set('a', 2);
      await second.ready();
      await until(() => isLive(follower, 2), 'the old follower', MENDED_MS);
      const newcomer = rig.follower('newcomer');
      await until(() => isLive(newcomer, 2), 'a newcomer', MENDED_MS);
      second.set('a', 3);
      await until(() => isLive(follower, 3) && isLive(newcomer, 3), 'a change', MENDED_MS);
      t.is(second.ownership, 'leading');
      t.true(Number(second.head.split('-')[0]) > Date.now() + aheadMs - HOUR, 'epochs only grow');
    });
  }
}

for (const byMs of [-HOUR, -3 * DAY, HOUR, 3 * DAY]) {
  const way = `${Math.abs(byMs / HOUR)} hours ${byMs < 0 ? 'back' : 'ahead'}`;
  withClocks(
    `an owner that lives while the clock is set ${way} goes on, and so do its followers`,
    async (t) => {
      const rig = await Rig.start(t, 4 * DAY);
      const owner = rig.tandem('owner').own(space);
      owner.set('a', 1);
      await owner.ready();
      const follower = rig.follower();
      await until(() => isLive(follower, 1), 'the follower');
      rig.clocks.setWall(4 * DAY + byMs);
      owner.set('a', 2);
      await until(() => isLive(follower, 2), 'the follower', MENDED_MS);
      const newcomer = rig.follower('newcomer');
      await until(() => isLive(newcomer, 2), 'a newcomer', MENDED_MS);
      owner.set('a', 3);
      await until(() => isLive(follower, 3) && isLive(newcomer, 3), 'a change', MENDED_MS);
      t.is(owner.ownership, 'leading');
      await owner.stop();
      const second = rig.tandem('second').own(space);
      await second.ready();
      second.set('a', 4);
      await until(() => isLive(follower, 4) && isLive(newcomer, 4), 'the next owner', MENDED_MS);
    },
  );
}

for (const isStandby of [true, false]) {
  const who = isStandby ? 'a standby' : 'a new owner';
  withClocks(`${who} waits no hour after the owner died and the clock was set back an hour`, async (t) => {
    const rig = await Rig.start(t, HOUR);
    const first = rig.tandem('first').own(space, { leaseMs: 600 });
    first.set('a', 1);
    await first.ready();
    const standby = isStandby ? rig.tandem('standby').own(space, { leaseMs: 600, standby: true }) : undefined;
    if (standby) await until(() => standby.get('a').value === 1, 'the standby has the state');
    first.close();
    rig.clocks.setWall(0);
    const next = standby ?? rig.tandem('second').own(space, { leaseMs: 600 });
    await next.ready({ timeoutMs: 600 + MENDED_MS });
    t.is(next.get('a').value, 1);
    const follower = rig.follower();
    await until(() => isLive(follower, 1), 'a follower', MENDED_MS);
  });
}

for (const lease of ['somebody/1 1', 'no lease of ours']) {
  for (const expiry of [['PX', String(HOUR)], []]) {
    const title = `a lease "${lease}" that somebody wrote ${expiry.length ? 'for an hour' : 'for ever'} is not believed`;
    onRealServers(title, async (t) => {
      const server = await RedisServer.start();
      const admin = new Redis(server.adminUrl);
      const [one, two] = [
        connect({ redis: server.url, name: 'one' }),
        connect({ redis: server.url, name: 'two' }),
      ];
      t.teardown(async () => {
        admin.disconnect();
        await Promise.all([one.stop({ timeoutMs: 200 }), two.stop({ timeoutMs: 200 })]);
        await server.stop();
      });
      const first = one.own(space, { leaseMs: 600 });
      first.set('a', 1);
      await first.ready();
      const follower = one.follow(space);
      await until(() => isLive(follower, 1), 'the follower');
      first.close();
      await admin.call('SET', 'tandem:{space}:lease', lease, ...expiry);
      await until(() => !follower.get('a').ownerAlive, 'nobody takes that owner for alive', 600 + MENDED_MS);
      const second = two.own(space, { leaseMs: 600 });
      await second.ready({ timeoutMs: 600 + MENDED_MS });
      second.set('a', 2);
      await until(() => isLive(follower, 2), 'the follower', MENDED_MS);
      t.is(second.ownership, 'leading');
    });
  }
}

withClocks('a living owner keeps its space from its standby while the clock is set back', async (t) => {
  const rig = await Rig.start(t, 2 * DAY);
  const owner = rig.tandem('owner').own(space, { leaseMs: 1_000 });
  owner.set('a', 0);
  await owner.ready();
  const standby = rig.tandem('standby').own(space, { leaseMs: 1_000, standby: true });
  await until(() => standby.get('a').value === 0, 'the standby has the state');
  for (const aheadMs of [DAY, HOUR, 0, -DAY]) {
    rig.clocks.setWall(aheadMs);
    owner.set('a', aheadMs);
    await until(() => isLive(standby, aheadMs), 'the standby follows', MENDED_MS);
  }
  t.is(owner.ownership, 'leading');
  t.is(standby.ownership, 'standby');
});
