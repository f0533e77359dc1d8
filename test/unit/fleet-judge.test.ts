/** Who is gone, silent, stale or behind, and who stands first. */
import test from 'ava';
import { finish } from '../../src/base/slices.ts';
import type { Fleet } from '../../src/fleet/fleet.ts';
import type { Sighting } from '../../src/fleet/judge.ts';
import { byUrgency, GONE_MS, judge as judgeInSlices, SILENT_MS } from '../../src/fleet/judge.ts';
import type { MemberRecord, ProcessRecord } from '../../src/fleet/record.ts';

const judge = (sightings: readonly Sighting[], now: number): Fleet => finish(judgeInSlices(sightings, now));

const NOW = 1_764_000_000_000;

function member(more: Partial<MemberRecord> = {}): MemberRecord {
  return {
    space: 'trading',
    role: 'follower',
    mode: 'connected',
    reason: 'caught up',
    freshness: 'live',
    staleMs: 100,
    owner: 'alive',
    ownerName: 'trader',
    head: '5-100',
    openedAgoMs: 60_000,
    modeAgoMs: 50_000,
    freshnessAgoMs: 40_000,
    connectedAgoMs: 50_000,
    outages: 0,
    earlierHeads: [],
    transitions: [],
    ...more,
  };
}

function seen(
  id: string,
  ageMs: number,
  members: readonly MemberRecord[],
  more: Partial<ProcessRecord> = {},
): Sighting {
  const facts = { id, name: id, host: 'h', pid: 1, version: '0.1.0' };
  const rest = { keptMs: 3_600_000, isStopped: false, startedAgoMs: 60_000, leftOut: 0 };
  return { record: { ...facts, ...rest, members, ...more }, ageMs };
}

const owner = (more: Partial<MemberRecord> = {}): MemberRecord => member({ role: 'owner', ...more });

function standings(sightings: readonly Sighting[]): string[] {
  return judge(sightings, NOW).members.map(({ name, standing }) => `${name} ${standing}`);
}

test('who is gone, silent or stale stands first, who has stopped last', (t) => {
  const sightings = [
    seen('well', 900, [member()]),
    seen('stopped', 700_000, [member()], { isStopped: true }),
    seen('degraded', 900, [member({ mode: 'degraded' })]),
    seen('ended', 900, [owner({ mode: 'stopped', freshness: 'stale', head: '4-9' })]),
    seen('stale', 900, [member({ freshness: 'stale' })]),
    seen('silent', SILENT_MS, [member()]),
    seen('gone', GONE_MS, [member()]),
  ];
  t.deepEqual(standings(sightings), [
    'gone gone',
    'silent silent',
    'stale stale',
    'ended ended',
    'degraded degraded',
    'well well',
    'stopped stopped',
  ]);
  const { isWell, counts } = judge(sightings, NOW);
  t.false(isWell);
  t.like(counts, { gone: 1, silent: 1, stale: 1, well: 1, stopped: 1, replaced: 0 });
  t.true(judge([sightings[0]!, sightings[1]!], NOW).isWell);
  t.true(judge([], NOW).isWell);
});

test('one that is stale shows how far it is behind its owner, and the furthest stands first', (t) => {
  const { members } = judge(
    [
      seen('owner', 100, [owner({ head: '5-200' })]),
      seen('near', 900, [member({ freshness: 'stale', head: '5-190' })]),
      seen('far', 900, [member({ freshness: 'stale', head: '5-20' })]),
      seen('elsewhere', 900, [member({ freshness: 'stale', head: '4-150' })]),
    ],
    NOW,
  );
  t.deepEqual(
    members.map(({ name, behind }) => [name, behind]),
    [
      ['far', 180],
      ['near', 10],
      ['elsewhere', null],
      ['owner', null],
    ],
  );
});

test('one that is live is not called behind for what its owner has set since', (t) => {
  const earlierHeads = [
    { head: '5-120', agoMs: 4_000 },
    { head: '5-160', agoMs: 2_000 },
  ];
  const trader = seen('owner', 100, [owner({ head: '5-200', earlierHeads })]);
  const { members } = judge([trader, seen('live', 1_500, [member({ head: '5-170' })])], NOW);
  t.like(members[0], { name: 'owner' });
  t.like(members[1], { name: 'live', standing: 'well', behind: 0 });
  const late = judge([trader, seen('late', 900, [member({ head: '5-150' })])], NOW).members[0];
  t.like(late, { name: 'late', standing: 'behind', behind: 10 });
});

test('a process that was started again replaces the one of its name that went, and no other', (t) => {
  const again = { name: 'api', startedAgoMs: 20_000 };
  t.deepEqual(
    standings([seen('old', 40_000, [member()], { name: 'api' }), seen('new', 500, [member()], again)]),
    ['api well', 'api replaced'],
  );
  t.deepEqual(
    standings([
      seen('other', 40_000, [member()], { name: 'api' }),
      seen('old', 30_000, [member()], { name: 'api' }),
      seen('new', 500, [member()], again),
    ]),
    ['api gone', 'api well', 'api replaced'],
    'one is replaced by one',
  );
  t.deepEqual(
    standings([
      seen('died', 10_000, [member()], { name: 'api' }),
      seen('lives', 500, [member()], { name: 'api', startedAgoMs: 60_000 }),
    ]),
    ['api silent', 'api well'],
    'the other was there before',
  );
});

test('all moments are on the clock of the server', (t) => {
  const transitions = [{ kind: 'mode', from: 'connected', to: 'degraded', reason: 'lost', at: 300 } as const];
  const one = judge([seen('a', 1_000, [member({ mode: 'degraded', modeAgoMs: 300, transitions })])], NOW);
  t.like(one.members[0], {
    at: NOW - 1_000,
    since: NOW - 1_300,
    openedAt: NOW - 61_000,
    connectedAt: NOW - 51_000,
  });
  t.is(one.members[0]?.transitions[0]?.at, NOW - 1_300);
});

test('a large fleet is sorted all the same, and yields often enough', (t) => {
  const many = Array.from({ length: 100 }, (_, n) =>
    seen(
      `p${n}`,
      n % 10 === 3 ? 6_000 : 500,
      Array.from({ length: 50 }, (_, m) => member({ space: `bot:${m}` })),
    ),
  );
  const work = judgeInSlices(many, NOW);
  let yields = 0;
  let step = work.next();
  for (; !step.done; step = work.next()) yields += 1;
  t.true(yields > 10_000, String(yields));
  const { members } = step.value;
  t.is(members.length, 5_000);
  t.deepEqual(members, members.toSorted(byUrgency));
  t.true(members.slice(0, 500).every(({ standing }) => standing === 'silent'));
});
