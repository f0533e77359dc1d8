/**
 * The faults of a simulated world. Each fault begins, and most end by themselves. The world and the seed
 * decide whom a fault hits, and faults overlap.
 */
import { SUSPEND_BOUND_MS } from '../../src/base/elapsed.ts';
import type { KeyName, MemorySpace } from '../../src/memory/contents.ts';
import { TYPES } from '../../src/memory/contents.ts';
import type { FollowerProcess } from './follower-process.ts';
import { LEASE_MS } from './owner-process.ts';
import type { OwnerProcess } from './owner-process.ts';
import type { SimProcess } from './process.ts';
import type { World } from './world.ts';

/** Ends the fault. */
export type End = () => void;

export interface Fault {
  readonly name: string;
  /** Changes that were flushed may be lost by this fault. */
  readonly losesData?: boolean;
  /** Begins the fault; returns `undefined` where it finds no victim. */
  begin(world: World): End | undefined;
}

const NOTHING: End = () => {};
const SPACE = 'space';

export const faults: readonly Fault[] = [
  // ---- the network between one process and Redis ----
  {
    name: 'connections cut',
    begin: (world) => {
      const victim = anyone(world);
      const hit = world.sim.random.pick(['commands', 'subscriber', 'both']);
      world.redis.kill(
        (socket) =>
          socket.host === victim?.host && (hit === 'both' || socket.isSubscribed === (hit === 'subscriber')),
      );
      return NOTHING;
    },
  },
  { name: 'black hole', begin: (world) => hole(anyone(world), true, true) },
  { name: 'black hole towards Redis', begin: (world) => hole(anyone(world), true, false) },
  // Redis carries out a write, and its reply is lost when the client then gives the connection up.
  { name: 'black hole from Redis', begin: (world) => hole(anyone(world), false, true) },
  // Bytes sent on the stuck connections arrive long after the client has opened and used others.
  {
    name: 'connections stuck',
    begin: (world) => {
      const victim = anyone(world);
      for (const socket of victim?.store.sockets ?? []) socket.stick();
      return () => victim?.mendWire();
    },
  },
  {
    name: 'slow network',
    begin: (world) => {
      const victim = anyone(world);
      if (victim) victim.wire.latency = [1, world.sim.random.pick([20, 80, 200])];
      return () => victim?.mendWire();
    },
  },
  {
    name: 'published messages lost',
    begin: (world) => {
      const victim = world.sim.random.pick(world.followers);
      victim.wire.lossy = 0.5;
      return () => victim.mendWire();
    },
  },
  {
    name: 'published messages repeated',
    begin: (world) => {
      const victim = world.sim.random.pick(world.followers);
      victim.wire.repeating = 0.5;
      return () => victim.mendWire();
    },
  },
  {
    name: 'subscriptions silently gone',
    begin: (world) => {
      world.redis.forgetSubscriptions(world.sim.random.pick(world.followers).host);
      return NOTHING;
    },
  },
  // ---- Redis ----
  { name: 'Redis crashes, and keeps what it had', begin: (world) => crash(world, NOTHING) },
  {
    name: 'Redis crashes, and comes back empty',
    losesData: true,
    begin: (world) => crash(world, () => world.redis.model.wipe()),
  },
  {
    name: 'Redis crashes, and comes back older',
    losesData: true,
    begin: (world) => crash(world, world.redis.model.remember(SPACE), true),
  },
  {
    name: 'failover to a replica that lags',
    losesData: true,
    begin: (world) => {
      const older = world.redis.model.remember(SPACE);
      return () => {
        world.redis.crash();
        older();
        world.redis.start();
      };
    },
  },
  {
    name: 'Redis hangs',
    begin: (world) => {
      world.redis.hang();
      return () => world.redis.resume();
    },
  },
  ...[
    { message: 'LOADING Redis is loading the dataset in memory', writesOnly: false },
    { message: 'BUSY Redis is busy running a script', writesOnly: false },
    { message: "OOM command not allowed when used memory > 'maxmemory'", writesOnly: true },
    { message: "READONLY You can't write against a read only replica", writesOnly: true },
    { message: 'MISCONF Redis is configured to save RDB snapshots', writesOnly: true },
    { message: 'NOAUTH Authentication required', writesOnly: false },
  ].map((refusal) => ({
    name: `Redis answers ${refusal.message.split(' ')[0]}`,
    begin: (world: World): End => {
      world.redis.refusal = refusal;
      return () => {
        if (world.redis.refusal === refusal) world.redis.refusal = undefined;
      };
    },
  })),
  {
    name: 'FLUSHALL',
    losesData: true,
    begin: (world) => {
      world.redis.model.wipe();
      return NOTHING;
    },
  },
  {
    name: 'Redis is rolled back while it runs',
    losesData: true,
    begin: (world) => world.redis.model.remember(SPACE),
  },
  {
    name: 'a value lost',
    losesData: true,
    begin: harm((world, { live }) => live.state.delete(world.sim.random.pick(world.size.keys))),
  },
  {
    name: 'an index entry lost',
    losesData: true,
    begin: harm((world, { live }) => live.index.delete(world.sim.random.pick(world.size.keys))),
  },
  { name: 'the state lost', losesData: true, begin: harm((_, { live }) => live.state.clear()) },
  { name: 'the index lost', losesData: true, begin: harm((_, { live }) => live.index.clear()) },
  {
    name: 'the lease lost',
    begin: harm((_, space) => {
      space.lease = undefined;
    }),
  },
  ...(Object.keys(TYPES) as KeyName[]).map((key) => ({
    name: `another type at ${key}`,
    losesData: true,
    begin: harm((_, space) => space.retype(key, 'list')),
  })),
  {
    name: 'the lease runs for an hour, and its owner dies',
    begin: (world) => {
      const end = restart(world, world.leader);
      const space = world.redis.model.space(SPACE);
      // So it is after the server's clock was set back; or somebody has written it by hand.
      if (end && space.lease) space.lease = { ...space.lease, until: space.lease.until + 3_600_000 };
      return end;
    },
  },
  {
    name: 'another type at the lease, and its owner dies',
    begin: (world) => {
      const end = restart(world, world.leader);
      if (end) world.redis.model.space(SPACE).retype('lease', 'list');
      return end;
    },
  },
  // ---- processes ----
  { name: 'owner paused', begin: (world) => pause(world.leader) },
  { name: 'follower paused', begin: (world) => pause(world.sim.random.pick(world.followers)) },
  { name: 'standby paused', begin: (world) => pause(standby(world)) },
  {
    name: 'owner paused for about its lease',
    begin: (world) => {
      const owner = world.leader;
      const end = pause(owner);
      // The owner wakes up while another claims, reads the state, or has led for a moment.
      if (end) world.sim.after(LEASE_MS + world.sim.random.between(-10, 60), end);
      return end;
    },
  },
  {
    name: 'owner cut off, then killed',
    begin: (world) => {
      const owner = world.leader;
      const mend = hole(owner, true, true);
      if (owner === undefined || mend === undefined) return undefined;
      return () => {
        owner.kill();
        mend();
        replace(world, owner);
      };
    },
  },
  {
    name: 'all owners killed, and a value lost',
    losesData: true,
    begin: (world) => {
      const victims = living(world.owners);
      for (const victim of victims) victim.kill();
      world.redis.model.space(SPACE).live.state.delete(world.sim.random.pick(world.size.keys));
      return () => {
        for (const victim of victims) replace(world, victim);
      };
    },
  },
  { name: 'owner killed', begin: (world) => restart(world, world.leader) },
  { name: 'standby killed', begin: (world) => restart(world, standby(world)) },
  {
    name: 'standby killed, and back to take over',
    begin: (world) => {
      const victim = standby(world);
      if (victim === undefined) return undefined;
      victim.kill();
      return () => {
        if (!living(world.owners).some(({ site }) => site === victim.site))
          world.startOwner(victim.site, 'takeOver');
      };
    },
  },
  { name: 'follower killed', begin: (world) => refollow(world, world.sim.random.pick(world.followers)) },
  {
    name: 'owner stopped',
    begin: (world) => {
      const owner = world.leader;
      if (owner === undefined) return undefined;
      void owner.stop();
      return () => replace(world, owner);
    },
  },
  {
    name: 'owner and Redis die together',
    losesData: true,
    begin: (world) => {
      const end = restart(world, world.leader);
      if (end === undefined) return undefined;
      const start = crash(world, () => world.redis.model.wipe());
      return () => {
        start();
        end();
      };
    },
  },
  // ---- machines that sleep, and clocks that are set ----
  {
    name: 'the machine of an owner sleeps',
    begin: (world) => sleep(world, [world.leader], world.sim.random.pick(NETWORKS)),
  },
  {
    name: 'the machine of an owner sleeps for about its lease',
    begin: (world) => {
      const end = sleep(world, [world.leader], world.sim.random.pick(NETWORKS));
      if (end) world.sim.after(LEASE_MS + world.sim.random.between(-10, 60), end);
      return end;
    },
  },
  {
    name: 'the machine of a standby sleeps',
    begin: (world) => sleep(world, [standby(world)], world.sim.random.pick(NETWORKS)),
  },
  {
    name: 'the machine of a follower sleeps',
    begin: (world) => sleep(world, [world.sim.random.pick(world.followers)], world.sim.random.pick(NETWORKS)),
  },
  {
    name: 'a machine with owner and follower sleeps',
    begin: (world) => {
      const { random } = world.sim;
      const direct = world.followers.filter(({ follower }) => follower.proof.source === 'direct');
      const follower = random.pick(direct.length > 0 ? direct : world.followers);
      const end = sleep(world, [world.leader, follower], random.pick(NETWORKS));
      if (end && random.chance(0.5)) world.sim.after(LEASE_MS + random.between(0, 500), end);
      return end;
    },
  },
  {
    name: 'a wall clock is set',
    begin: (world) => {
      const victim = anyone(world);
      const byMs = world.sim.random.pick([3_600_000, -3_600_000, 500, -500, 150, -150, 50]);
      if (victim === undefined || !victim.host.isRunning) return undefined;
      world.hasSlept = true;
      const set = (ms: number): void => {
        if (!victim.host.isRunning) return;
        victim.host.setWall(ms);
        world.record({ type: 'clockSet', at: world.sim.now });
      };
      set(byMs);
      return () => set(-byMs);
    },
  },
  // ---- the direct path ----
  {
    name: 'direct path cut',
    begin: (world) => {
      const { site } = world.sim.random.pick(world.owners);
      world.net.cut(site);
      return () => world.net.mend(site);
    },
  },
  {
    name: 'direct path in a black hole',
    begin: (world) => {
      const { site } = world.sim.random.pick(world.owners);
      world.net.hold(site);
      return () => world.net.mend(site);
    },
  },
];

function anyone(world: World): SimProcess | undefined {
  return world.sim.random.pick([...living(world.owners), ...world.followers]);
}

function living(owners: readonly OwnerProcess[]): OwnerProcess[] {
  return owners.filter(({ hasEnded }) => !hasEnded);
}

function standby(world: World): OwnerProcess | undefined {
  return living(world.owners).find((owner) => owner.owner.ownership === 'standby');
}

function hole(victim: SimProcess | undefined, there: boolean, back: boolean): End | undefined {
  if (victim === undefined) return undefined;
  victim.wire.isHoleThere ||= there;
  victim.wire.isHoleBack ||= back;
  return () => victim.mendWire();
}

function crash(world: World, lose: () => void, later = false): End {
  const kill = (): void => world.redis.crash();
  // To come back older, Redis must have moved on since its state was remembered.
  const cancel = later ? world.sim.after(world.sim.random.between(10, 800), kill) : NOTHING;
  if (!later) kill();
  return () => {
    cancel();
    kill();
    lose();
    world.redis.start();
  };
}

/** Harms the stored space. In half of the cases, a new follower starts reading at that moment. */
function harm(hit: (world: World, space: MemorySpace) => unknown): (world: World) => End {
  return (world) => {
    hit(world, world.redis.model.space(SPACE));
    return world.sim.random.chance(0.5) ? NOTHING : refollow(world, world.sim.random.pick(world.followers));
  };
}

function pause(victim: SimProcess | undefined): End | undefined {
  if (victim === undefined || !victim.host.isRunning) return undefined;
  victim.host.pause();
  return () => victim.host.resume();
}

/**
 * What a machine finds of its connections on waking: all of them, with what arrived meanwhile; none; or ones
 * that seem open and bring nothing.
 */
const NETWORKS = ['stays', 'is reset', 'is gone'] as const;
/** The largest error of a hardware's clock, which the system sets the wall clock by on waking, ms. */
const MAX_RTC_ERROR_MS = 500;

/** Puts the machine of these processes to sleep. */
function sleep(
  world: World,
  processes: readonly (SimProcess | undefined)[],
  network: (typeof NETWORKS)[number],
): End | undefined {
  const { sim } = world;
  const victims = processes.filter((one) => one !== undefined);
  if (victims.length < processes.length || victims.some(({ host }) => !host.isRunning)) return undefined;
  const since = sim.now;
  world.hasSlept = true;
  for (const { host, wire } of victims) {
    host.sleep();
    if (network === 'is gone') wire.isHoleThere = wire.isHoleBack = true;
  }
  const mend = (): void => {
    for (const victim of victims) victim.mendWire();
  };
  let isOver = false;
  return () => {
    // One that was killed in its sleep never wakes. The end of the fault must not come to the others again.
    if (isOver || victims.every(({ host }) => !host.isAsleep)) return;
    isOver = true;
    // A wall clock that comes back too early hides that much of the sleep: nobody could notice then.
    const hiddenMs = Math.min(MAX_RTC_ERROR_MS, Math.max(0, sim.now - since - 2 * SUSPEND_BOUND_MS));
    const errorMs = sim.random.pick([0, sim.random.between(-hiddenMs, MAX_RTC_ERROR_MS)]);
    const hosts = new Set(victims.map(({ host }) => host));
    if (network === 'is reset') world.redis.kill((socket) => hosts.has(socket.host));
    for (const host of hosts) host.wake(errorMs);
    if (network === 'is gone') sim.after(sim.random.between(0, 1_000), mend);
  };
}

function restart(world: World, victim: OwnerProcess | undefined): End | undefined {
  if (victim === undefined) return undefined;
  victim.kill();
  return () => replace(world, victim);
}

/** Starts another owner in its place: as a standby if another owner lives, or is about to end and renews its lease. */
export function replace(world: World, { site }: OwnerProcess): void {
  if (living(world.owners).some((owner) => owner.site === site)) return;
  const hasOther = world.owners.some(({ isStopping }) => isStopping) || living(world.owners).length > 0;
  world.startOwner(site, world.allStandBy || hasOther ? 'standby' : 'plain');
}

function refollow(world: World, victim: FollowerProcess): End {
  victim.kill();
  world.followers.splice(world.followers.indexOf(victim), 1);
  const { direct, upstream, id } = victim;
  const [name] = id.split('#');
  if (upstream !== undefined) {
    world.startLeaf(name!, ...upstream.urls.map((url) => new URL(url).hostname));
    return NOTHING;
  }
  const site = direct === undefined ? undefined : new URL(direct.url).hostname;
  world.startFollower(name!, site, direct?.mode ?? 'fallback');
  return NOTHING;
}
