/** A follower in a process of its own: watches everything, and keeps count of what must never be. */
import { comparePositions, connect } from '../../src/index.ts';
import type { Order, Report } from './load-space.ts';
import { load, wallClock } from './load-space.ts';

const tell = (report: Report): void => void process.send?.(report);
const tandem = connect({ redis: process.argv[2]!, name: `follower-${process.pid}` });
const desk = tandem.follow(load);
const latenciesMs: number[] = [];
let brokenPairs = 0;
let wentBack = 0;
let syncs = 0;
let lastHead = '0-0';

desk.on('mode', ({ mode }) => tell({ about: 'mode', mode }));
desk.on('sync', () => (syncs += 1));
desk.watch('*', ({ value }) => {
  if (value) latenciesMs.push(wallClock() - value.sentAt);
  if (desk.get('pair/left').value?.n !== desk.get('pair/right').value?.n) brokenPairs += 1;
  if (comparePositions(desk.head, lastHead) < 0) wentBack += 1;
  lastHead = desk.head;
});
void desk.ready({ timeoutMs: 20_000 }).then(() => tell({ about: 'ready' }));

function percentile(share: number): number {
  const sorted = latenciesMs.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? NaN;
}

process.on('message', (order: Order) => {
  if (order.do === 'dump') {
    tell({
      about: 'dump',
      state: Object.fromEntries([...desk.entries()].map(({ key, value }) => [key, value])),
      head: desk.head,
      mode: desk.mode,
      freshness: desk.get('pair/left').freshness,
      seen: {
        changes: latenciesMs.length,
        brokenPairs,
        wentBack,
        syncs,
        latenciesMs: { p50: percentile(0.5), p99: percentile(0.99), max: percentile(1) },
      },
    });
  } else if (order.do === 'stop') {
    void tandem.stop().then(() => process.disconnect());
  }
});
process.on('disconnect', () => process.exit(0));
