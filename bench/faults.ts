/**
 * Measures every fault of the tests' list many times on a real Redis: how long until it is noticed, and how
 * long after its end until owner, follower and Redis hold the same state. Prints a Markdown table.
 *
 *   npm run faults -- --episodes 20 [--fault <part of a name>]
 */
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import type { Episode } from '../test/_episode.ts';
import { Witness } from '../test/_episode.ts';
import type { Fault } from '../test/_faults.ts';
import { faults } from '../test/_faults.ts';
import { World } from '../test/_world.ts';

const { values } = parseArgs({
  options: { episodes: { type: 'string', default: '20' }, fault: { type: 'string', default: '' } },
});
const episodes = Number(values.episodes);
const chosen = faults.filter(({ name }) => name.includes(values.fault));
if (!(episodes >= 1) || chosen.length === 0) {
  console.error(
    `expected --episodes of 1 or more, and --fault a part of one of: ${faults.map(({ name }) => name).join('; ')}`,
  );
  process.exit(2);
}

async function measure(fault: Fault): Promise<Episode> {
  const world = await World.start('faults');
  const witness = await Witness.start(world);
  try {
    const episode = await witness.episode(fault);
    await witness.conclude();
    return episode;
  } finally {
    await witness.stop();
    await world.stop();
  }
}

function percentiles(durations: readonly (number | undefined)[]): string {
  const known = durations.filter((ms) => ms !== undefined).toSorted((a, b) => a - b);
  if (known.length === 0) return '— | —';
  const at = (share: number): string =>
    known[Math.min(known.length - 1, Math.floor(known.length * share))]!.toFixed(0);
  return `${at(0.5)} | ${at(0.99)}`;
}

console.log(
  `${new Date().toISOString().slice(0, 10)}, ${episodes} episodes of each, ${cpus().length} cores, Node ${process.version}\n`,
);
console.log('| Redis … | noticed p50 ms | p99 | recovered p50 ms | p99 | violations |');
console.log('| --- | ---: | ---: | ---: | ---: | ---: |');
let wrong = 0;
for (const fault of chosen) {
  const seen: Episode[] = [];
  let failures = 0;
  for (let n = 0; n < episodes; n += 1) {
    try {
      seen.push(await measure(fault));
    } catch (error) {
      failures += 1;
      console.error(`${fault.name}: ${String(error)}`);
    }
  }
  const violations = seen.flatMap((episode) => episode.violations);
  for (const violation of violations) console.error(`${fault.name}: ${violation}`);
  wrong += violations.length + failures;
  const noticed = percentiles(seen.map(({ noticedMs }) => noticedMs));
  const recovered = percentiles(seen.map(({ recoveredMs }) => recoveredMs));
  console.log(`| ${fault.name} | ${noticed} | ${recovered} | ${violations.length + failures} |`);
}
process.exitCode = wrong > 0 ? 1 : 0;
