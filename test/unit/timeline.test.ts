/** The timeline: what is a span, what is an outage, and that it stays bounded. */
import test from 'ava';
import type { Now } from '../../src/http/page/timeline.ts';
import { Timeline } from '../../src/http/page/timeline.ts';

const WELL: Now = { headline: 'all-well', condition: 'well', mode: 'connected', freshness: 'live' };
const OUT: Now = { headline: 'redis-out', condition: 'trouble', mode: 'degraded', freshness: 'stale' };
const RETURNING: Now = {
  headline: 'catching-up',
  condition: 'trouble',
  mode: 'recovering',
  freshness: 'stale',
};
const ENDED: Now = { headline: 'owner-released', condition: 'idle', mode: 'connected', freshness: 'stale' };
const HOUR = 3_600_000;
const MOST = 200;

function told(steps: readonly (readonly [at: number, now: Now])[], most = MOST): Timeline {
  const timeline = new Timeline();
  for (const [at, now] of steps) timeline.note(at, now, most);
  return timeline;
}

const shown = ({ spans }: Timeline): string[] => spans.map(({ at, headline }) => `${at} ${headline}`);

test('what does not change is one span, and no news', (t) => {
  const timeline = told([[0, WELL]]);
  const { version } = timeline;
  timeline.note(100, WELL, MOST);
  t.is(timeline.version, version);
  t.deepEqual(shown(timeline), ['0 all-well']);
});

test('an outage is counted with its beginning and its length, however many headlines it has', (t) => {
  const timeline = told([
    [0, WELL],
    [10_000, OUT],
    [15_000, RETURNING],
    [17_000, WELL],
    [60_000, ENDED],
    [70_000, WELL],
    [80_000, OUT],
  ]);
  t.deepEqual(timeline.summary(81_000), { outages: 2, since: 10_000, troubleMs: 8_000 });
  t.is(timeline.spans.length, 7);
});

test('a process that has only begun to read had no outage, but one that does not come up has', (t) => {
  const soon = told([
    [0, RETURNING],
    [300, WELL],
  ]);
  t.deepEqual(shown(soon), ['0 all-well']);
  t.is(soon.summary(1_000).outages, 0);
  const late = told([
    [0, OUT],
    [5_000, WELL],
  ]);
  t.deepEqual(late.summary(6_000), { outages: 1, since: 0, troubleMs: 5_000 });
});

test('tries within an outage that fail at once are no spans', (t) => {
  const timeline = told([
    [0, WELL],
    [10_000, OUT],
  ]);
  for (let at = 11_000; at < 60_000; at += 1_000) {
    timeline.note(at, RETURNING, MOST);
    timeline.note(at + 200, OUT, MOST);
  }
  t.deepEqual(shown(timeline), ['0 all-well', '10000 redis-out']);
});

test('a short outage between two good times stays', (t) => {
  const timeline = told([
    [0, WELL],
    [10_000, OUT],
    [10_040, WELL],
  ]);
  t.deepEqual(shown(timeline), ['0 all-well', '10000 redis-out', '10040 all-well']);
});

test('the mode of a span is the worst that it had', (t) => {
  const timeline = told([
    [0, WELL],
    [10_000, { ...OUT, mode: 'recovering' }],
    [11_000, OUT],
    [12_000, { ...OUT, mode: 'recovering' }],
  ]);
  t.is(timeline.last?.mode, 'degraded');
  t.is(timeline.spans.length, 2);
});

test('beyond the bound, short neighbours become one that keeps the counts, and what is long stays', (t) => {
  const timeline = new Timeline();
  timeline.note(0, WELL, 12);
  timeline.note(HOUR, OUT, 12);
  timeline.note(2 * HOUR, WELL, 12);
  for (let n = 1; n <= 500; n += 1) {
    timeline.note(3 * HOUR + n * 10_000, OUT, 12);
    timeline.note(3 * HOUR + n * 10_000 + 2_000, WELL, 12);
  }
  const now = 3 * HOUR + 501 * 10_000;
  t.true(timeline.spans.length <= 12);
  t.deepEqual(timeline.summary(now), { outages: 501, since: HOUR, troubleMs: HOUR + 500 * 2_000 });
  t.is(timeline.spans[1]?.merged, 1, 'the long outage');
  t.true(timeline.spans.some(({ merged, condition }) => merged > 10 && condition === 'trouble'));
  t.is(timeline.last?.headline, 'all-well');
});

test('what ended more than 24 hours ago is dropped', (t) => {
  const timeline = told([
    [0, WELL],
    [HOUR, OUT],
    [2 * HOUR, WELL],
    [30 * HOUR, OUT],
  ]);
  t.deepEqual(shown(timeline), [`${2 * HOUR} all-well`, `${30 * HOUR} redis-out`]);
  t.is(timeline.summary(30 * HOUR).outages, 1);
});

test('a wall clock that was set back makes no span end before it began', (t) => {
  const timeline = told([
    [10_000, WELL],
    [20_000, OUT],
    [5_000, WELL],
  ]);
  t.deepEqual(shown(timeline), ['10000 all-well', '20000 redis-out', '20000 all-well']);
});
