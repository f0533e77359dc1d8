/** Runs one seed: a scene of real processes, episodes of faults, and the verdict. */
import type { Violation } from '../history/checkers/checker.ts';
import { judge } from '../history/judge.ts';
import { BOUNDS } from './bounds.ts';
import { episode } from './episode.ts';
import { now } from './recorder.ts';
import { Scene } from './scene.ts';

/** The least number of operations and reads per episode. */
const LEAST = { ops: 20, reads: 20 };

export interface Run {
  readonly seed: number;
  readonly episodes: number;
  readonly operations: number;
  readonly faults: readonly string[];
  readonly violations: readonly Violation[];
  /** How often the machine let no process run for a while. */
  readonly stalls: number;
  /** The folder with the recorded events; `undefined` if there was no violation. */
  readonly folder: string | undefined;
}

/** @param untilAt on the clock of the machine; no episode begins after it */
export async function run(seed: number, most: number, untilAt: number): Promise<Run> {
  const scene = await Scene.start(seed);
  const faults: string[] = [];
  let episodes = 0;
  let isWell = true;
  while (isWell && episodes < most && (episodes === 0 || now() < untilAt)) {
    const done = await episode(scene);
    faults.push(...done.struck);
    ({ isWell } = done);
    episodes += 1;
  }
  const history = await scene.stop();
  const least = { ops: LEAST.ops * episodes, reads: LEAST.reads * episodes, faults: 0 };
  const violations = judge(history, BOUNDS, least);
  if (violations.length === 0) scene.forget();
  const operations = history.events.filter(({ type }) => type === 'op' || type === 'read' || type === 'told');
  const folder = violations.length === 0 ? undefined : scene.folder;
  return {
    seed,
    episodes,
    operations: operations.length,
    faults,
    violations,
    stalls: history.of('stalled').length,
    folder,
  };
}
