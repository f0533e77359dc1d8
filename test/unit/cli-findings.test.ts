/** The findings of the doctor: what facts mean, how bad they are, and what mends them. */
import test from 'ava';
import { countText, findingText } from '../../src/cli/finding.ts';
import { paintOf } from '../../src/cli/paint.ts';
import { fleetFindings, fleetProbes } from '../../src/cli/fleet-findings.ts';
import { commandsOf, permissionFindings, probesOf } from '../../src/cli/permission-probes.ts';
import type { ServerFacts } from '../../src/cli/server-findings.ts';
import { infoFields, medianOf, serverFindings } from '../../src/cli/server-findings.ts';
import type { SpaceFacts } from '../../src/cli/space-findings.ts';
import { spaceFindings } from '../../src/cli/space-findings.ts';
import { fleetKeysOf, keysOf } from '../../src/redis/keys.ts';

const INFO = {
  redis_version: '7.2.4',
  role: 'master',
  aof_enabled: '1',
  aof_last_write_status: 'ok',
  rdb_last_bgsave_status: 'ok',
  maxmemory_policy: 'noeviction',
  maxmemory: '0',
  used_memory: '1000',
  connected_clients: '5',
  maxclients: '10000',
};
const CONFIG = {
  save: '',
  'client-output-buffer-limit': 'normal 0 0 0 slave 268435456 67108864 60 pubsub 33554432 8388608 60',
};
const WELL: ServerFacts = {
  info: INFO,
  config: CONFIG,
  roundTripsMs: [0.5, 0.2, 0.3],
  clockMs: 3,
  clockErrorMs: 0.1,
};

/** The findings that are not good, for facts that differ from those of a server that is well. */
function notGood(info: Record<string, string | undefined>, other: Partial<ServerFacts> = {}) {
  const fields = Object.fromEntries(
    Object.entries({ ...INFO, ...info }).filter((field): field is [string, string] => field[1] !== undefined),
  );
  const found = serverFindings({ ...WELL, info: fields, ...other });
  return found.filter(({ severity }) => severity !== 'good');
}

test('a server that is well has good findings alone', (t) => {
  t.deepEqual(notGood({}), []);
  t.is(countText(serverFindings(WELL)), '0 bad, 0 warnings, 8 good');
});

test('each thing that is wrong with a server is named, with what it means and what mends it', (t) => {
  const cases: [
    facts: [Record<string, string | undefined>, Partial<ServerFacts>?],
    severity: string,
    said: RegExp,
  ][] = [
    [[{ redis_version: '5.0.1' }], 'bad', /upgrade/],
    [[{ role: 'slave', master_host: 'a', master_port: '1' }], 'bad', /master is a:1/],
    [[{ aof_enabled: '0' }], 'warning', /appendonly yes/],
    [[{ aof_enabled: '0', rdb_last_bgsave_status: 'err' }], 'bad', /MISCONF/],
    [[{ aof_last_write_status: 'err' }], 'bad', /append-only file could not be written/],
    [[{ maxmemory_policy: 'allkeys-lru' }], 'warning', /maxmemory-policy noeviction/],
    [[{ maxmemory_policy: 'allkeys-lru', maxmemory: '10000' }], 'bad', /evicts keys/],
    [[{ maxmemory: '1050' }], 'warning', /95 % of maxmemory/],
    [[{ maxmemory: '900' }], 'bad', /OOM/],
    [[{ connected_clients: '9000' }], 'warning', /9000 of 10000/],
    [[{ connected_clients: '9900' }], 'bad', /maxclients 20000/],
    [[{}, { roundTripsMs: [30, 30, 900] }], 'warning', /30 ms/],
    [[{}, { roundTripsMs: [300] }], 'bad', /commandTimeoutMs/],
    [[{}, { clockMs: -90_000 }], 'warning', /1 min 30 s behind/],
    [
      [{}, { config: { ...CONFIG, 'client-output-buffer-limit': 'pubsub 1000000 0 0' } }],
      'warning',
      /a few frames behind/,
    ],
    [[{}, { config: { ...CONFIG, 'proto-max-bulk-len': '1048576' } }], 'warning', /proto-max-bulk-len 512mb/],
  ];
  for (const [[info, other], severity, said] of cases) {
    const [finding, ...others] = notGood(info, other);
    t.deepEqual(others, [], said.source);
    t.is(finding?.severity, severity as 'bad', said.source);
    t.regex(JSON.stringify(finding), said);
    t.truthy(finding?.meaning);
    t.truthy(finding?.remedy);
  }
});

test('what a user may not ask is a note with the rule, and nothing is guessed', (t) => {
  const found = serverFindings({ ...WELL, info: {}, config: {} });
  t.true(found.every(({ severity }) => severity === 'note' || severity === 'good'));
  t.deepEqual(
    found.filter(({ severity }) => severity === 'note').map(({ found }) => /\+\S+(?=\))/.exec(found)?.[0]),
    ['+info|server', '+info|persistence', '+info|memory', '+config|get', '+info|clients'],
  );
});

test('an old Redis, and one that only makes snapshots, are worth a note', (t) => {
  t.like(notGood({ redis_version: '6.2.14' })[0], { severity: 'note', check: 'version' });
  t.like(notGood({ aof_enabled: '0' }, { config: { ...CONFIG, save: '900 1' } })[0], {
    severity: 'note',
    found: 'snapshots (save 900 1)',
  });
});

test('INFO has fields, and a median is in the middle', (t) => {
  t.deepEqual(infoFields('# Server\r\nredis_version:7.0.15\r\nos:Linux a:b\r\n'), {
    redis_version: '7.0.15',
    os: 'Linux a:b',
  });
  t.is(medianOf([5, 1, 3]), 3);
});

const KEYS = keysOf('trading');
const WHOLE: SpaceFacts = {
  space: 'trading',
  head: {
    epoch: 5,
    revision: 7,
    base: { epoch: 0, revision: 0 },
    fence: 5,
    size: 3,
    horizon: 0,
    cutAt: 100_000,
    owner: 'trader-1/abc',
    ownerName: 'trader-1',
    leaseMs: 2_500,
    leaseAskedMs: 3_000,
    keysLost: false,
    wrongTypes: [],
    doubtedAt: 0,
    unsettled: 0,
    removedAt: 0,
    now: 100_200,
  },
  names: KEYS.all.names,
  lives: [-1, -1, -1, 2_500, -2, -2, -2, -2],
  values: 3,
  indexed: 4,
  reached: 3,
  unreadable: [],
  size: 3,
  indexSize: 4,
};

function ofSpace(changed: Partial<SpaceFacts>, head: Partial<SpaceFacts['head']> = {}) {
  const found = spaceFindings({ ...WHOLE, ...changed, head: { ...WHOLE.head, ...head } });
  return found.filter(({ severity }) => severity !== 'good');
}

test('a space that is whole has good findings alone', (t) => {
  t.deepEqual(ofSpace({}), []);
  t.deepEqual(ofSpace({}, { leaseMs: 0, owner: '' }), []);
});

test('each thing that is wrong with the keys of a space is named', (t) => {
  const wrongTypes = [{ key: 'tandem:{trading}:state', found: 'string', expected: 'hash' }];
  const cases: [
    facts: [Partial<SpaceFacts>, Partial<SpaceFacts['head']>?],
    severity: string,
    said: RegExp,
  ][] = [
    [[{}, { fence: 0 }], 'bad', /no such space/],
    [[{}, { leaseMs: 0 }], 'warning', /start the owner/],
    [[{}, { now: 105_000 }], 'warning', /last commit was 5\.0 s ago/],
    [[{ values: null }, { wrongTypes, keysLost: true }], 'bad', /is a string, expected a hash/],
    [[{ values: 2, reached: 2 }, { keysLost: true }], 'bad', /state has 2 keys, meta says 3.*Keys were lost/],
    [[{ indexed: 5 }, { keysLost: true }], 'bad', /index has 5 keys, meta says 4.*added keys/],
    [[{}, { keysLost: true }], 'bad', /meta cannot be read/],
    [[{ reached: 2 }], 'bad', /1 keys of tandem:\{trading\}:state are not in/],
    [[{ unreadable: ['a', 'b'] }], 'bad', /no JSON, and 1 more/],
    [[{ lives: [-1, -1, -1, -1, -2, -2, -2, -2] }], 'bad', /lease has no expiry.*UNLINK/],
    [[{ lives: [5_000, -1, -1, 10, -2, -2, -2, -2] }], 'bad', /meta expires in 5\.0 s.*PERSIST/],
    [[{}, { doubtedAt: 99_000 }], 'warning', /follower said/],
  ];
  for (const [[facts, head], severity, said] of cases) {
    const found = ofSpace(facts, head);
    t.true(
      found.some((one) => one.severity === severity && said.test(JSON.stringify(one))),
      said.source,
    );
    t.true(
      found.every(({ meaning, remedy }) => meaning !== undefined && remedy !== undefined),
      said.source,
    );
  }
});

test('the keys of a large turn, and those that a removed space leaves for a day, are no damage', (t) => {
  t.deepEqual(
    ofSpace({ values: 3, reached: 3 }, { unsettled: 10 }).map(({ severity }) => severity),
    ['note'],
  );
  t.deepEqual(ofSpace({ lives: [5_000, -2, -2, -2, -2, -2, -2, -2] }, { removedAt: 1 }), []);
});

test('each command that a role needs has a probe with its arguments', (t) => {
  const probes = probesOf(KEYS, 'tandem', 'trading', '7');
  const rules = new Set(probes.map(({ rule }) => rule));
  for (const role of ['owner', 'follower', 'standby', 'reader'] as const)
    for (const rule of commandsOf(role, 'trading', 'tandem', '7')) t.true(rules.has(rule), rule);
  for (const { rule, command } of probes)
    t.true(command.length > rule.split('|').length || ['ping', 'time', 'info|memory'].includes(rule), rule);
});

test('a permission that is missing is named, by role', (t) => {
  const rules = commandsOf('standby', 'trading', 'tandem', '7');
  const facts = { space: 'trading', prefix: 'tandem', redisVersion: '7' as const, user: 'me' };
  const allowing = (...missing: string[]) => new Map(rules.map((rule) => [rule, !missing.includes(rule)]));
  t.deepEqual(
    permissionFindings({ ...facts, allowed: allowing() }).map(({ severity }) => severity),
    ['good', 'good'],
  );
  const [follower, owner] = permissionFindings({ ...facts, allowed: allowing('hset', 'zscore') });
  t.like(follower, { severity: 'bad', found: 'missing +zscore' });
  t.like(owner, { severity: 'note', found: 'missing +hset +zscore' });
  t.regex(owner!.remedy!, /acl owner --space trading --user me/);
  t.like(permissionFindings({ ...facts, role: 'owner', allowed: allowing('hset') })[0], { severity: 'bad' });
  t.like(permissionFindings({ ...facts, role: 'owner', allowed: allowing('echo') })[0], {
    severity: 'warning',
  });
  const unknown = new Map(rules.map((rule) => [rule, rule === 'publish' ? undefined : true]));
  t.like(permissionFindings({ ...facts, role: 'owner', allowed: unknown })[0], { severity: 'good' });
});

test('what the fleet needs is asked for, and a user without it is told, as a note', (t) => {
  const keys = fleetKeysOf('tandem');
  const rules = fleetProbes(keys).map(({ rule, command, isOnlyAsked }) => {
    t.true(isOnlyAsked === true && command.length > 1, rule);
    return rule;
  });
  const allowing = (...missing: string[]) => new Map(rules.map((rule) => [rule, !missing.includes(rule)]));
  t.like(fleetFindings(allowing(), keys)[0], { severity: 'good' });
  t.like(fleetFindings(allowing('set', 'zrevrange'), keys)[0], {
    severity: 'note',
    found: 'missing (~tandem:{@fleet}:* +set +zrevrange)',
  });
});

test('a finding is a line, and below it what it means and what mends it', (t) => {
  const finding = {
    severity: 'bad' as const,
    check: 'types',
    space: 'x',
    found: 'a\u001b',
    meaning: 'm',
    remedy: 'r',
  };
  t.is(
    findingText(finding, paintOf({ isTerminal: false, environment: {} })),
    'bad      x: types: a\\u001b\n         m\n         mend: r\n',
  );
});
