/** The summary at the end of a run. */
import type { Stage } from './stage.ts';
import * as words from './words.ts';

export function summary({ elapsedMs, trading, regimeChanges, latency, modes }: Stage): string {
  const all = latency.overall();
  const changes = Math.max(0, regimeChanges);
  const lines = [
    '',
    `played     ${words.count(trading?.bars ?? 0)} bars in ${(elapsedMs / 1_000).toFixed(0)} s, up to ${trading?.barDate ?? '–'}; ${changes === 1 ? '1 change' : `${changes} changes`} of regime`,
    all
      ? `latency    ${words.latency(all)}  longest ${words.figure(all.max)}, from set to visible, over ${words.count(all.count)} updates`
      : 'latency    no update arrived',
    ...Object.entries(modes).map(([name, entered]) => `${name.padEnd(11)}${entered.join(' → ')}`),
  ];
  if (latency.waiting > 0)
    lines.push(`missing    ${words.count(latency.waiting)} updates had not arrived at the end`);
  return lines.join('\n');
}
