/** Runs one seed: a world, faults in it, an end without faults, and the verdict. */
import { createHash } from 'node:crypto';
import { SUSPEND_BOUND_MS } from '../../src/base/elapsed.ts';
import type { Follower, Owner } from '../../src/index.ts';
import type { Bounds, Violation } from '../history/checkers/checker.ts';
import type { History } from '../history/event.ts';
import { judge } from '../history/judge.ts';
import { faults, replace } from './faults.ts';
import type { End, Fault } from './faults.ts';
import { LEASE_MS } from './owner-process.ts';
import type { D } from './space.ts';
import { seen, space } from './space.ts';
import { World } from './world.ts';

const STALENESS_MS = 750;
/**
 * By this much a staleness may be understated once a machine has slept, ms: the bound, and the slew that is
 * let pass in the window of a clock's samples.
 */
const SLEPT_ERROR_MS = SUSPEND_BOUND_MS + 30;
/**
 * What each level of a tree may add to the time until all are equal again, ms: one pause of its path. A path begins
 * anew where that of the process before it does. In large worlds, that happens without a fault: where a turn has more
 * deletes than are remembered, each reader reads the whole state.
 */
const LEVEL_MS = 400;
const LEAST = { ops: 1, reads: 20, faults: 4 };
/** The time before the first fault, and the most time for everything to come to rest after the last, ms. */
const WARM_MS = 800;
const REST_MS = 6_000;
const CALM_MS = 1_200;

export interface Run {
  readonly seed: number;
  readonly violations: readonly Violation[];
  readonly history: History;
  readonly operations: number;
  readonly faults: readonly string[];
  /** A hash of the whole record. The same seed always gives the same hash. */
  readonly hash: string;
}

export async function run(seed: number): Promise<Run> {
  const world = new World(seed);
  const unhandled = (reason: unknown): void => world.broken(`unhandled rejection: ${String(reason)}`);
  process.on('unhandledRejection', unhandled);
  try {
    populate(world);
    await strike(world);
    await rest(world);
  } catch (error) {
    world.broken(`the simulation cannot go on: ${String(error)}`);
  } finally {
    process.off('unhandledRejection', unhandled);
  }
  const { history } = world;
  const done = history.events.filter(({ type }) => type === 'op' || type === 'read' || type === 'told');
  return {
    seed,
    history,
    violations: judge(history, boundsOf(world), LEAST),
    operations: done.length,
    faults: history.of('fault').map(({ name }) => name),
    hash: createHash('sha256').update(JSON.stringify(history.events)).digest('hex').slice(0, 16),
  };
}

function boundsOf({ size, hasSlept, levels }: World): Bounds {
  return {
    stalenessMs: STALENESS_MS,
    leaseMs: LEASE_MS,
    convergenceMs: 1_000 + levels * LEVEL_MS,
    visibleMs: size.visibleMs + (size.isLarge ? levels * LEVEL_MS : 0),
    calmMs: size.calmMs,
    clockErrorMs: hasSlept ? SLEPT_ERROR_MS : 0,
  };
}

function populate(world: World): void {
  const { random } = world.sim;
  world.startOwner('alpha', world.allStandBy ? 'standby' : 'plain');
  if (random.chance(0.6)) world.startOwner('beta', 'standby');
  world.startFollower('plain', undefined, 'fallback');
  world.startFollower('fallback', 'alpha', 'fallback');
  if (random.chance(0.5)) world.startFollower('always', random.pick(['alpha', 'beta']), 'always');
  if (random.chance(0.3)) world.startFollower('second', undefined, 'fallback');
  // These draw nothing from the world's chance, so other seeds stay as they were.
  if (world.levels === 0) return;
  world.startLeaf('middle', 'plain', 'fallback');
  world.startLeaf('leaf', ...(world.seed % 8 === 3 ? ['middle', 'plain'] : ['middle']));
}

/**
 * Begins faults at random times, each for a random while. Some seeds draw from a few kinds of faults only,
 * others from all.
 */
async function strike(world: World): Promise<void> {
  const { sim } = world;
  const { random } = sim;
  await sim.run(random.chance(0.8) ? WARM_MS : 0);
  const harmless = faults.filter(({ losesData }) => losesData !== true);
  const kinds = random.chance(0.5) ? faults : harmless;
  const chosen = random.chance(0.5) ? kinds : [random.pick(kinds), random.pick(kinds), random.pick(kinds)];
  const ends = new Set<End>();
  for (let count = random.whole(4, 12); count > 0; count -= 1) {
    const [{ name, losesData = false }, mend] = begin(world, random.pick(chosen));
    world.record({ type: 'fault', at: sim.now, name, losesData });
    const end = (): void => {
      mend();
      if (!losesData) return;
      const { fence } = world.redis.model.space(space.name).meta;
      world.record({ type: 'loss', at: sim.now, fence });
    };
    ends.add(end);
    const lastsMs = random.pick([30, 300, 1_500, 3_000]);
    sim.after(random.between(0, lastsMs), () => {
      if (ends.delete(end)) end();
    });
    await sim.run(sim.now + random.between(0, random.pick([50, 500, 2_000])));
  }
  for (const end of ends) if (ends.delete(end)) end();
}

/** A fault may find no victim. Cutting connections always finds one. */
function begin(world: World, fault: Fault): [Fault, End] {
  const end = fault.begin(world);
  return end === undefined ? begin(world, faults[0]!) : [fault, end];
}

/** Ends all faults. From then on every participant has to lead or follow, and all have to become equal. */
async function rest(world: World): Promise<void> {
  const { sim } = world;
  for (const owner of world.owners) if (owner.hasEnded) replace(world, owner);
  for (const process of [...world.owners, ...world.followers]) process.mendWire();
  for (const { site } of world.owners) world.net.mend(site);
  world.redis.refusal = undefined;
  const healedAt = sim.now;
  world.record({ type: 'healed', at: healedAt });
  await sim.run(sim.now + sim.random.between(0, 500));
  for (const owner of world.owners) owner.rest();
  await sim.run(sim.now + REST_MS, () => isEqual(world));
  if (isEqual(world)) await calm(world, healedAt);
  finish(world);
  await handOver(world);
  await Promise.all([stopAll(world), sim.run(sim.now + 5_000)]);
}

/**
 * Everything works again: the owner goes on, a new follower starts, and an intruder tries to own the space
 * that another process already owns.
 */
async function calm(world: World, healedAt: number): Promise<void> {
  const { sim, leader } = world;
  world.record({ type: 'converged', at: sim.now });
  // By then, a break in the traffic that no one has noticed yet is noticed.
  await sim.run(Math.max(sim.now, healedAt + boundsOf(world).convergenceMs));
  leader!.wake();
  world.startFollower('newcomer', undefined, 'fallback');
  const intruder = sim.random.chance(0.3) ? world.startOwner('gamma', 'plain') : undefined;
  intruder?.rest();
  await sim.run(sim.now + CALM_MS);
  world.record({ type: 'rested', at: sim.now });
  leader!.rest();
  await sim.run(sim.now + CALM_MS, () => isEqual(world));
}

/** Stops the owner while another owner stands by. */
async function handOver(world: World): Promise<void> {
  const { sim, leader } = world;
  const isReady = world.owners.some(
    ({ owner }) =>
      owner.ownership === 'standby' && owner.mode === 'connected' && owner.head === leader?.owner.head,
  );
  if (leader === undefined || !isReady) return;
  const at = sim.now;
  const stopped = leader.stop();
  await sim.run(at + LEASE_MS, () => world.leader !== undefined && world.leader !== leader);
  world.record({ type: 'handover', at, tookMs: sim.now - at });
  await stopped;
}

function isEqual(world: World): boolean {
  const { leader } = world;
  if (leader === undefined) return false;
  const { head } = leader.owner;
  return world.followers.every(({ follower }) => follower.mode === 'connected' && follower.head === head);
}

function finish(world: World): void {
  const { leader } = world;
  if (leader === undefined) return;
  final(world, leader.id, leader.owner);
  for (const { id, follower } of world.followers) final(world, id, follower);
}

function final(world: World, id: string, participant: Owner<D> | Follower<D>): void {
  const { mode, head } = participant;
  world.record({
    type: 'final',
    at: world.sim.now,
    participant: id,
    mode,
    head,
    state: seen(participant.entries()),
  });
}

async function stopAll(world: World): Promise<void> {
  const alive = world.owners.filter(({ host, hasEnded }) => host.isAlive && !hasEnded);
  for (const follower of world.followers) follower.rest();
  await Promise.all(
    [...world.followers, ...alive].map((process: { stop(): Promise<void> }) => process.stop()),
  );
}
