/**
 * The faults of a scene: every fault of Redis and of the network in front of it, and every fault of
 * processes.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { faults as ofRedis } from '../_faults.ts';
import { KEYS } from '../simulation/space.ts';
import { LEASE_MS } from './orders.ts';
import type { Part } from './part.ts';
import type { Scene } from './scene.ts';

export interface Fault {
  readonly name: string;
  /** Changes that were flushed may be lost by this fault. */
  readonly losesData?: boolean;
  readonly prepare?: (scene: Scene) => Promise<unknown>;
  /** Resolves with a function that ends the fault and may be called again; `undefined` without a victim. */
  readonly begin: (scene: Scene) => Promise<End | undefined>;
}

export type End = () => Promise<unknown>;

/** Faults in which Redis loses some or all of its data. */
const LOSING =
  /^(killed|loading|flushed|robbed of (one|its meta|its state|its index)|with (a value|meta) that|evicting)/;
const OVER: End = async () => {};

const redisFaults: readonly Fault[] = ofRedis.map((fault) => ({
  name: `Redis ${fault.name}`,
  losesData: LOSING.test(fault.name),
  prepare: async ({ world }) => fault.prepare?.(world),
  begin: async ({ world }) => {
    const end: End = async () => fault.end?.(world);
    try {
      await fault.begin(world);
    } catch (error) {
      // A fault that has only half begun is ended as well.
      await end().catch(() => {});
      throw error;
    }
    return end;
  },
}));

const keyFaults: readonly Fault[] = [
  {
    name: 'Redis robbed of a value that is read',
    losesData: true,
    begin: async ({ world, random }) => {
      await world.admin.hdel(world.key('state'), random.pick(KEYS));
      return OVER;
    },
  },
  {
    name: 'Redis robbed of several members of its index',
    losesData: true,
    begin: async ({ world, random }) => {
      await world.admin.zrem(world.key('index'), random.pick(KEYS), random.pick(KEYS), random.pick(KEYS));
      return OVER;
    },
  },
];

const processFaults: readonly Fault[] = [
  { name: 'owner killed', begin: async (scene) => kill(scene, scene.leader) },
  { name: 'standby killed', begin: async (scene) => kill(scene, scene.standby) },
  {
    name: 'standby killed, and back to take over',
    begin: async (scene) => {
      const victim = scene.standby;
      if (victim === undefined) return undefined;
      await scene.kill(victim);
      return once(() => scene.takeOver(victim));
    },
  },
  { name: 'follower killed', begin: async (scene) => kill(scene, scene.random.pick(scene.followers)) },
  { name: 'owner and standby killed', begin: async (scene) => kill(scene, ...living(scene.owners)) },
  { name: 'owner stopped, and started again', begin: async (scene) => stop(scene, scene.leader) },
  { name: 'standby stopped, and started again', begin: async (scene) => stop(scene, scene.standby) },
  { name: 'owner paused', begin: async (scene) => hold(scene.leader) },
  { name: 'standby paused', begin: async (scene) => hold(scene.standby) },
  { name: 'follower paused', begin: async (scene) => hold(scene.random.pick(scene.followers)) },
  {
    name: 'owner paused for about its lease',
    begin: async (scene) => {
      const end = hold(scene.leader);
      if (end === undefined) return undefined;
      await pause(LEASE_MS + scene.random.between(-50, 200));
      await end();
      return end;
    },
  },
  { name: "owner's loop blocked", begin: async (scene) => block(scene, scene.leader) },
  {
    name: "follower's loop blocked",
    begin: async (scene) => block(scene, scene.random.pick(scene.followers)),
  },
  {
    name: 'owner and Redis killed together',
    losesData: true,
    begin: async (scene) => {
      const { redis } = scene.world;
      const [end] = await Promise.all([kill(scene, scene.leader), redis.kill()]);
      return async () => {
        redis.forget();
        await redis.restart();
        await end?.();
      };
    },
  },
  {
    name: 'owner and standby and Redis killed together',
    losesData: true,
    begin: async (scene) => {
      const { redis } = scene.world;
      const [end] = await Promise.all([kill(scene, ...living(scene.owners)), redis.kill()]);
      return async () => {
        redis.forget();
        await redis.restart();
        await end?.();
      };
    },
  },
];

export const faults: readonly Fault[] = [...redisFaults, ...keyFaults, ...processFaults];

function living(parts: readonly Part[]): Part[] {
  return parts.filter(({ isAlive }) => isAlive);
}

/** Kills processes by SIGKILL. `end` starts others in their places. */
async function kill(scene: Scene, ...parts: (Part | undefined)[]): Promise<End | undefined> {
  const victims = parts.filter((part) => part?.isAlive === true) as Part[];
  if (victims.length === 0) return undefined;
  await Promise.all(victims.map((victim) => scene.kill(victim)));
  return once(() => Promise.all(victims.map((victim) => scene.restart(victim))));
}

/** Stops a process in good order, as an operator does. */
async function stop(scene: Scene, part: Part | undefined): Promise<End | undefined> {
  if (part === undefined) return undefined;
  const stopped = part.stop();
  return once(async () => {
    await stopped;
    await scene.restart(part);
  });
}

/** Pauses a process by SIGSTOP, and ends with SIGCONT. */
function hold(part: Part | undefined): End | undefined {
  if (part === undefined || part.isPaused || !part.isAlive) return undefined;
  part.pause();
  return async () => part.resume();
}

async function block({ random }: Scene, part: Part | undefined): Promise<End | undefined> {
  if (part === undefined || !part.isAlive) return undefined;
  const ms = random.between(100, 3_000);
  part.tell({ do: 'block', ms });
  return once(() => pause(ms));
}

/** Runs `act` once. All callers wait for the same result. */
function once(act: () => Promise<unknown>): End {
  let done: Promise<unknown> | undefined;
  return () => (done ??= act());
}
