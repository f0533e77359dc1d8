/** The record of a process: what is written is what is read, and it is bounded. */
import test from 'ava';
import { finish } from '../../src/base/slices.ts';
import { MemberHistory } from '../../src/fleet/member-history.ts';
import { Pace } from '../../src/fleet/pace.ts';
import { decodeRecord } from '../../src/fleet/read-record.ts';
import type { MemberRecord, Written } from '../../src/fleet/record.ts';
import { encodeRecord } from '../../src/fleet/record.ts';
import type { Transition } from '../../src/fleet/transition.ts';

const transition: Transition = {
  kind: 'mode',
  from: 'recovering',
  to: 'connected',
  reason: 'caught up',
  at: 40,
};

function member(space: string, more: Partial<MemberRecord> = {}): MemberRecord {
  return {
    space,
    role: 'follower',
    mode: 'connected',
    reason: 'caught up',
    freshness: 'live',
    staleMs: 120,
    owner: 'alive',
    ownerName: 'trader',
    head: '1764000000000-7',
    openedAgoMs: 100,
    modeAgoMs: 40,
    freshnessAgoMs: 30,
    connectedAgoMs: 40,
    outages: 0,
    earlierHeads: [],
    transitions: [transition],
    ...more,
  };
}

function written(members: readonly MemberRecord[]): Written {
  const facts = { id: 'a', name: 'portal', host: 'h1', pid: 7, version: '0.1.0' };
  return { ...facts, keptMs: 3_600_000, isStopped: false, startedAgoMs: 100, members };
}

function textOf(members: readonly MemberRecord[]): string {
  return finish(encodeRecord(written(members)));
}

test('what is written is what is read, and those that are not live come first', (t) => {
  const never = { staleMs: Infinity, connectedAgoMs: undefined, transitions: [] } as const;
  const members = [
    member('b'),
    member('a', { freshness: 'stale', mode: 'recovering', owner: 'never', ownerName: '', ...never }),
    member('c', { role: 'owner', earlierHeads: [{ head: '1764000000000-5', agoMs: 2_000 }] }),
  ];
  const { members: listed, ...rest } = written([members[1]!, members[0]!, members[2]!]);
  t.deepEqual(decodeRecord(textOf(members)), { ...rest, members: listed, leftOut: 0 });
});

test('what is no record is none, and what is unknown in it is passed over', (t) => {
  for (const text of ['', '{', '[]', 'null', '1', '{}', '{"format":2}', '{"format":1,"id":1}'])
    t.is(decodeRecord(text), undefined);
  const given = JSON.parse(textOf([member('a'), member('b')])) as {
    words: string[];
    members: unknown[][];
    transitions: unknown[];
  };
  given.members[0]![1] = 99;
  given.transitions.push(null, [7], ['x', 'y']);
  const record = decodeRecord(JSON.stringify({ ...given, unknown: 1 }));
  t.deepEqual(
    record?.members.map(({ space }) => space),
    ['b'],
  );
  t.is(record?.leftOut, 1);
  t.deepEqual(record?.members[0]?.transitions, [transition]);
});

test('a thousand participants are a hundred kilobytes, and of very many the rest is counted', (t) => {
  const transitions = Array.from({ length: 20 }, () => transition);
  const many = Array.from({ length: 1_000 }, (_, n) => member(`bot:${n}`, { transitions }));
  const thousand = textOf(many);
  t.true(thousand.length < 130_000, String(thousand.length));
  t.is(decodeRecord(thousand)?.members.length, 1_000);

  const more = Array.from({ length: 20_000 }, (_, n) => member(`bot:${n}`, { transitions }));
  const stale = member('stale', { freshness: 'stale' });
  const text = textOf([...more, stale]);
  t.true(text.length < 330_000, String(text.length));
  const record = decodeRecord(text)!;
  t.is(record.members[0]?.space, 'stale');
  t.is(record.members.length + record.leftOut, 20_001);
});

test('a reason that is long is cut', (t) => {
  const record = decodeRecord(textOf([member('a', { reason: 'x'.repeat(10_000) })]));
  t.is(record?.members[0]?.reason, `${'x'.repeat(160)}…`);
});

test('a history keeps the last twenty transitions, and counts outages', (t) => {
  const history = new MemberHistory(0);
  for (let n = 1; n <= 30; n += 1) {
    history.hear({ type: 'mode', mode: 'connected', from: 'recovering', reason: 'caught up' }, n * 10, 0, '');
    history.hear({ type: 'mode', mode: 'degraded', from: 'connected', reason: 'lost' }, n * 10 + 5, 0, '');
  }
  t.is(history.transitions.length, 20);
  t.is(history.outages, 30);
  t.is(history.connectedAt, 300);
  t.is(history.modeAt, 305);
});

test('a moment that an event tells by the wall clock is one on the time of the process', (t) => {
  const history = new MemberHistory(0);
  const since = 1_764_000_000_000;
  history.hear({ type: 'freshness', freshness: 'stale', since, staleMs: 1_000 }, 5_000, since + 80, 'lost');
  t.is(history.freshnessAt, 4_920);
  t.deepEqual(history.transitions, [
    { kind: 'freshness', from: 'stale', to: 'stale', reason: 'lost', at: 4_920 },
  ]);
});

test('a sign of life comes each two seconds, and a change once in ten seconds ahead of it', (t) => {
  const pace = new Pace(0);
  t.is(pace.dueAt, 300, 'what is opened together is one write');
  pace.writes(300);
  t.is(pace.dueAt, 2_300);
  pace.changed(500);
  pace.changed(550);
  t.is(pace.dueAt, 800);
  pace.writes(800);
  pace.changed(900);
  t.is(pace.dueAt, 2_800);
  pace.writes(2_800);
  pace.changed(10_400);
  t.is(pace.dueAt, 10_700, 'a change after a pause');
  pace.writes(10_700);
  pace.changed(10_800);
  t.is(pace.dueAt, 11_100, 'ten seconds later');
});

test('a process that changes all the time writes at most six times in ten seconds', (t) => {
  const pace = new Pace(0);
  let writes = 0;
  for (let now = 0; now < 100_000; now += 10) {
    pace.changed(now);
    if (pace.dueAt > now) continue;
    pace.writes(now);
    writes += 1;
  }
  t.true(writes <= 61, String(writes));
});
