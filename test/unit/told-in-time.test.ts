/** The checker of what is told: it forgives what a pause hides, and nothing else. */
import test from 'ava';
import { toldInTime } from '../history/checkers/told-in-time.ts';
import type { Material } from '../history/checkers/checker.ts';
import type { Event } from '../history/event.ts';
import { History } from '../history/event.ts';

function judged(...events: Event[]): string[] {
  const history = new History();
  for (const event of events) history.record(event);
  const violations: string[] = [];
  // It looks at the history alone.
  toldInTime.check({ history } as Material, (at, what) => violations.push(`${at}: ${what}`));
  return violations;
}

const says = (at: number, owner: string): Event => ({
  type: 'says',
  at,
  participant: 'api',
  freshness: 'stale',
  owner,
});
const tells = (at: number, value: string, since = at, name = 'trader'): Event => ({
  type: 'tells',
  at,
  participant: 'api',
  what: 'owner',
  value,
  said: value,
  name,
  since,
});
const alive = [tells(100, 'alive'), says(110, 'alive'), says(150, 'alive')];

test('frames that waited for the end of a pause may hide a lease that ran out in it', (t) => {
  t.deepEqual(judged(...alive, says(2_000, 'lost'), tells(2_015, 'lost')), []);
  t.deepEqual(judged(...alive, says(2_000, 'lost'), says(2_000, 'lost'), tells(2_015, 'lost')), []);
});

test('an event that is dated later than readings changed is found, also after a pause', (t) => {
  const late = 'api told owner lost since';
  t.like(judged(...alive, says(180, 'lost'), tells(200, 'lost')), { length: 1 });
  const [violation] = judged(...alive, says(2_000, 'lost'), says(2_020, 'lost'), tells(2_040, 'lost'));
  t.true(violation?.startsWith(`2040: ${late} 2040`), violation);
});

test('after a pause, too, an event comes in time', (t) => {
  const readings = [2_000, 2_050, 2_099, 2_150].map((at) => says(at, 'lost'));
  t.deepEqual(judged(...alive, ...readings), ['2150: api reads lost for 150 ms, and told alive']);
});

test('an event differs from the one before it, by the owner or by its name', (t) => {
  t.deepEqual(judged(...alive, tells(200, 'alive')), ['200: api told owner alive twice']);
  t.deepEqual(judged(...alive, tells(200, 'alive', 200, 'successor')), []);
});
