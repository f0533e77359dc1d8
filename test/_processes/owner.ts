/** An owner in a process of its own: sets at a rate, told by its parent. */
import { connect } from '../../src/index.ts';
import type { Order, Report } from './load-space.ts';
import { load, wallClock } from './load-space.ts';

const tell = (report: Report): void => void process.send?.(report);
const tandem = connect({ redis: process.argv[2]!, name: `owner-${process.pid}` });
const desk = tandem.own(load, { leaseMs: Number(process.argv[3] ?? 3_000) });
desk.on('mode', ({ mode }) => tell({ about: 'mode', mode }));
desk.on('fenced', ({ uncommitted }) => tell({ about: 'fenced', uncommitted }));
desk.ready({ timeoutMs: 20_000 }).then(
  () => tell({ about: 'ready' }),
  (error: { code: string }) => tell({ about: 'error', code: error.code }),
);

/** Each tick sets what is due by then, however late the timer is. Every tenth set is a pair, in one batch. */
async function setAtRate({ sets, keys, perSecond }: Order & { do: 'load' }): Promise<string> {
  const startedAt = performance.now();
  let n = 0;
  while (n < sets) {
    const due = Math.min(sets, Math.ceil(((performance.now() - startedAt) / 1000) * perSecond));
    for (; n < due; n += 1) {
      const tick = { n, sentAt: wallClock() };
      if (n % 10 === 0) {
        desk.batch(() => {
          desk.set('pair/left', tick);
          desk.set('pair/right', tick);
        });
      } else {
        desk.set(`key/${n % keys}`, tick);
      }
    }
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  return desk.flush({ timeoutMs: 10_000 });
}

const dump = (): Record<string, unknown> =>
  Object.fromEntries([...desk.entries()].map(({ key, value }) => [key, value]));

process.on('message', (order: Order) => {
  if (order.do === 'load') {
    void setAtRate(order).then((position) => tell({ about: 'loaded', position }));
  } else if (order.do === 'set') {
    // Once fenced, nothing can be set.
    if (desk.mode !== 'stopped') desk.set('key/told', { n: order.n, sentAt: wallClock() });
    tell({ about: 'set', head: desk.head });
  } else if (order.do === 'dump') {
    tell({ about: 'dump', state: dump(), head: desk.head, mode: desk.mode });
  } else {
    void tandem.stop().then(() => process.disconnect());
  }
});
process.on('disconnect', () => process.exit(0));
