/**
 * One to three faults at once, then a phase without faults in which all participants have to become equal.
 */
import { setTimeout as pause } from 'node:timers/promises';
import type { Seen } from '../history/event.ts';
import type { Id } from '../history/event.ts';
import { EDITED } from '../simulation/space.ts';
import { until } from '../_wait.ts';
import { BOUNDS } from './bounds.ts';
import type { End, Fault } from './faults.ts';
import { faults } from './faults.ts';
import type { Look } from './orders.ts';
import { now } from './recorder.ts';
import type { Scene } from './scene.ts';

const LONGEST_MS = 3_000;
const REST_MS = 15_000;
const CALM_MS = 700;
/** The probability that an episode ends with a phase of calm, in which every reading is checked. */
const CALM = 0.3;
const POLL_MS = 25;
const SETTLING_MS = 200;

/** Returns the names of the faults that happened, and whether all participants became equal. */
export async function episode(scene: Scene): Promise<{ struck: string[]; isWell: boolean }> {
  const { random } = scene;
  const drawn = compatible(Array.from({ length: random.whole(1, 3) }, () => random.pick(faults)));
  const strikes = await Promise.all(drawn.map((fault) => strike(scene, fault)));
  await undo(scene, strikes);
  await mend(scene);
  const struck = strikes.flatMap(({ name }) => name ?? []);
  return { struck, isWell: await rest(scene) };
}

/**
 * Redis may have refused to undo one fault because of another. So this repeats every `end` in turn until all
 * succeed, and kills any script that keeps Redis busy. An `end` that restarts Redis loses data once more.
 */
async function undo(scene: Scene, strikes: readonly Strike[]): Promise<void> {
  const { admin } = scene.world;
  const left = new Set(strikes);
  let why = '';
  const isDone = async (): Promise<boolean> => {
    for (const struck of left) {
      try {
        if (struck.losesData) scene.note('loss', {});
        await struck.end?.();
        if (struck.losesData) scene.note('loss', {});
        left.delete(struck);
      } catch (error) {
        why = String(error);
        await admin.script('KILL').catch(() => {});
      }
    }
    return left.size === 0;
  };
  await until(isDone, 'all faults undone', 90_000).catch((error: Error) => {
    throw new Error(`${error.message}; the last error was: ${why}`);
  });
}

/**
 * If someone adds a value while another value is lost, all counts stay right. Readers then read a wrong state
 * until the owner's scrub comes to the key (docs/decisions.md; test/unit/races.test.ts shows it). A checker
 * could not tell that from a defect, so these two kinds of fault are never combined.
 */
function compatible(drawn: readonly Fault[]): readonly Fault[] {
  const adds = drawn.some(({ name }) => name.includes('has added'));
  return adds ? drawn.filter(({ name }) => !name.includes('robbed of')) : drawn;
}

interface Strike {
  readonly name: string | undefined;
  readonly end: End | undefined;
  readonly losesData: boolean;
}

/** Runs one fault from beginning to end. A fault that another fault makes impossible does not count. */
async function strike(scene: Scene, { name, losesData = false, prepare, begin }: Fault): Promise<Strike> {
  const { random } = scene;
  const [lateMs, lastsMs] = [random.between(0, 800), random.between(100, LONGEST_MS)];
  await pause(lateMs);
  let end: End | undefined;
  let hasStruck = false;
  try {
    await prepare?.(scene);
    // A participant may see the loss before `begin` returns, so it is recorded first.
    if (losesData) scene.note('loss', {});
    end = await begin(scene);
    hasStruck = end !== undefined;
  } catch (error) {
    scene.note('note', {
      participant: 'scene',
      what: `the fault "${name}" could not begin: ${String(error)}`,
    });
  }
  if (hasStruck) scene.note('fault', { name, losesData });
  await pause(lastsMs);
  await end?.().catch(() => {});
  if (losesData) scene.note('loss', {});
  return { name: hasStruck ? name : undefined, end, losesData };
}

/** Removes what is left of any fault, and replaces the participants that have ended. */
async function mend(scene: Scene): Promise<void> {
  const { admin, redis, proxies } = scene.world;
  for (const proxy of proxies) proxy.resume();
  redis.resume();
  let refusal = '';
  const answers = async (): Promise<boolean> => {
    refusal = await admin.ping().catch((error: Error) => error.message);
    if (refusal.startsWith('BUSY')) await admin.script('KILL').catch(() => {});
    return refusal === 'PONG';
  };
  // A server that was stopped carries out old commands when it resumes. So it has to answer twice.
  const answersStill = async (): Promise<boolean> => {
    if (!(await answers())) return false;
    await pause(SETTLING_MS);
    return answers();
  };
  await until(answersStill, 'an answer of Redis', 20_000).catch((error: Error) => {
    throw new Error(`${error.message}; it says "${refusal}"`);
  });
  await replace(scene);
  for (const part of [...scene.owners, ...scene.followers]) if (part.isPaused) part.resume();
}

/** A fenced owner is restarted too: a supervisor restarts a process that has ended. */
async function replace(scene: Scene): Promise<void> {
  for (const owner of scene.owners) if (!owner.isAlive) await scene.restart(owner);
}

async function rest(scene: Scene): Promise<boolean> {
  const healedAt = now();
  scene.record({ type: 'healed', at: healedAt });
  await pause(scene.random.between(0, 300));
  for (const owner of scene.owners) owner.tell({ do: 'rest' });
  let looks: Looks = [];
  let convergedAt = 0;
  while (now() < healedAt + REST_MS) {
    const at = now();
    looks = await lookAround(scene);
    if (isEqual(looks)) {
      convergedAt = at;
      break;
    }
    await pause(POLL_MS);
  }
  const isWell = convergedAt > 0;
  for (const [participant, { mode, head, state }] of looks)
    scene.note('final', { participant, mode, head, state });
  if (isWell) scene.record({ type: 'converged', at: convergedAt });
  if (isWell && scene.random.chance(CALM)) await calm(scene, healedAt);
  for (const owner of scene.owners) owner.tell({ do: 'wake' });
  await replace(scene);
  return isWell;
}

/** Runs for a while without any fault. */
async function calm(scene: Scene, healedAt: number): Promise<void> {
  await pause(Math.max(0, healedAt + BOUNDS.convergenceMs - now()));
  scene.leader?.tell({ do: 'wake' });
  await pause(CALM_MS);
  scene.note('rested', {});
}

type Looks = readonly (readonly [participant: string, look: Look])[];

/** Collects the states of leader, followers and Redis. A participant that does not answer is left out. */
async function lookAround(scene: Scene): Promise<Looks> {
  const { leader, followers } = scene;
  if (leader === undefined) return [];
  const parts = [leader, ...followers];
  const looks = await Promise.all([...parts.map((part) => part.look()), lookAtRedis(scene)]);
  const names = [...parts.map(({ id }) => id), 'Redis'];
  return names.flatMap((name, n) => (looks[n] === undefined ? [] : [[name, looks[n]] as const]));
}

async function lookAtRedis({ world }: Scene): Promise<Look> {
  const { admin } = world;
  const [meta, kept] = await Promise.all([
    admin.hmget(world.key('meta'), 'epoch', 'revision'),
    admin.hgetall(world.key('state')),
  ]);
  const all = Object.entries(kept).toSorted(([a], [b]) => (a < b ? -1 : 1));
  const whole = `[${all.map(([key, value]) => `[${JSON.stringify(key)},${value}]`).join(',')}]`;
  const state = all
    .filter(([key]) => !key.startsWith(EDITED))
    .map(([key, value]): Seen => [key, idIn(value), '']);
  return { mode: 'connected', head: meta.join('-'), state, whole };
}

function idIn(json: string): Id {
  try {
    return (JSON.parse(json) as { id?: number }).id ?? null;
  } catch {
    return null;
  }
}

function isEqual(looks: Looks): boolean {
  const first = looks[0]?.[1];
  return (
    looks.length > 2 &&
    looks.every(
      ([, { mode, head, whole }]) => mode === 'connected' && head === first!.head && whole === first!.whole,
    )
  );
}
