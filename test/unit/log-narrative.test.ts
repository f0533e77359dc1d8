/** Which events of a participant are a line of the log, at which level and in which words. */
import test from 'ava';
import { InvalidValueError, TandemError } from '../../src/base/errors.ts';
import type { Line } from '../../src/log/line.ts';
import type { Told } from '../../src/log/narrative.ts';
import { Narrative } from '../../src/log/narrative.ts';
import { timeless } from '../_log-lines.ts';

const BEGUN = Date.UTC(2026, 0, 1);

/** A narrative under a clock that passes by `wait`. */
class Story {
  readonly #narrative: Narrative;
  #now = 0;

  constructor(role: 'owner' | 'follower') {
    this.#narrative = new Narrative(role, this.#at);
  }

  wait(ms: number): this {
    this.#now += ms;
    return this;
  }

  /** The lines of some events in one turn. */
  lines(...events: Told[]): readonly Line[] {
    const lines = events.flatMap((event) => this.#narrative.hear(event, this.#at));
    return [...lines, ...this.#narrative.turnEnded(this.#at)];
  }

  /** As `lines`, as level and words. */
  tell(...events: Told[]): string[] {
    return this.lines(...events).map(({ level, phrase }) => `${level}: ${timeless(phrase)}`);
  }

  get #at() {
    return { now: this.#now, wall: BEGUN + this.#now };
  }

  /** The time of this moment by the wall clock, as events have it. */
  get wall(): number {
    return this.#at.wall;
  }
}

const mode = (from: any, to: any, reason = 'caught up'): Told => ({ type: 'mode', mode: to, from, reason });
const failed = (code: any, message: string, cause?: unknown): Told => ({
  type: 'error',
  error: new TandemError(code, message, { cause }),
});
const freshness = (value: any, since: number, staleMs = 800): Told => ({
  type: 'freshness',
  freshness: value,
  since,
  staleMs,
});
const owner = (value: any, ownerName: string | undefined, since: number): Told => ({
  type: 'ownerChanged',
  owner: value,
  ownerName,
  since,
});
const ownership = (value: any): Told => ({ type: 'ownership', ownership: value });

function connectedFollower(): Story {
  const story = new Story('follower');
  story.tell(mode('recovering', 'connected'), owner('alive', 'a', story.wall), freshness('live', story.wall));
  return story;
}

test('an error and the change of mode that it causes are one line, with its code', (t) => {
  const story = connectedFollower().wait(1_000);
  const lines = story.lines(
    failed('REDIS_UNAVAILABLE', 'it is gone'),
    mode('connected', 'degraded', 'it is gone'),
  );
  t.is(lines.length, 1);
  t.like(lines[0], { level: 'warn', event: 'mode', code: 'REDIS_UNAVAILABLE', reason: 'it is gone' });
  t.is(lines[0]!.phrase, 'has been degraded since 2026-01-01T00:00:01.000Z: it is gone');
});

test('the tries of an outage have no line, and a failure of another kind has one, with the same since', (t) => {
  const story = connectedFollower();
  story.tell(mode('connected', 'degraded', 'no answer within 501 ms'));
  for (let n = 0; n < 50; n += 1) {
    t.deepEqual(story.wait(400).tell(mode('degraded', 'recovering', 'trying again')), []);
    const reason = `no answer within ${500 + n} ms`;
    t.deepEqual(
      story.tell(failed('REDIS_UNAVAILABLE', 'x'), mode('recovering', 'degraded', reason)).length,
      n === 0 ? 1 : 0,
    );
  }
  const refused = story.lines(
    failed('REDIS_REFUSED', 'WRONGPASS'),
    mode('recovering', 'degraded', 'WRONGPASS'),
  );
  t.like(refused[0], { level: 'error', since: BEGUN, code: 'REDIS_REFUSED' });
  const again = story.lines(mode('degraded', 'recovering'), mode('recovering', 'connected'));
  t.deepEqual(
    again.map(({ phrase, lastedMs }) => [phrase, lastedMs]),
    [['is connected again, after 20.0 s', 20_000]],
  );
});

test('a degraded start is no return', (t) => {
  const story = new Story('follower');
  t.deepEqual(story.tell(mode('recovering', 'degraded', 'gone')), ['warn: has been degraded since T: gone']);
  t.deepEqual(story.wait(3_000).tell(mode('recovering', 'connected')), ['info: is connected, after 3.0 s']);
});

test('what goes well from the beginning is routine, and what ends a trouble is not', (t) => {
  const well = new Story('follower');
  const events = [mode('recovering', 'connected'), owner('alive', 'a', 0), freshness('live', 0)];
  t.deepEqual(
    well.lines(...events).map(({ isRoutine }) => isRoutine),
    [true, true, true],
  );
  const ill = new Story('follower');
  t.deepEqual(
    ill.lines(mode('recovering', 'degraded', 'gone'), ...events).map(({ isRoutine }) => isRoutine ?? false),
    [false, false, false, false],
  );
  t.true(well.lines(mode('connected', 'stopped', 'stopped'))[0]!.isRoutine);
});

test('stale says why: Redis, or the owner, or that no proof has come', (t) => {
  const out = connectedFollower();
  out.tell(mode('connected', 'degraded', 'gone'));
  t.deepEqual(out.tell(freshness('stale', out.wall)), ['warn: has been stale since T: gone']);
  const silent = connectedFollower();
  t.deepEqual(silent.tell(freshness('stale', silent.wall)), [
    'warn: has been stale since T: nothing from the owner "a" has proved the state current for 800 ms',
  ]);
  const lost = connectedFollower();
  t.deepEqual(lost.tell(owner('lost', 'a', lost.wall), freshness('stale', lost.wall)), [
    'warn: counts the owner "a" as lost since T: its lease is over',
    'warn: has been stale since T: the owner "a" is lost: its lease is over',
  ]);
});

test('an owner that released its space leaves no warning behind', (t) => {
  const story = connectedFollower();
  t.deepEqual(story.tell(owner('released', 'a', story.wall)), [
    'info: knows from the owner "a" that it has stopped, and released the space',
  ]);
  t.deepEqual(story.tell(freshness('stale', story.wall)), [
    'info: has been stale since T: the owner "a" has stopped, and released the space',
  ]);
});

test('nobody calls an owner dead without saying that Redis is out', (t) => {
  const story = connectedFollower();
  story.tell(mode('connected', 'degraded', 'gone'));
  t.deepEqual(story.tell(owner('lost', 'a', story.wall)), [
    'warn: counts the owner "a" as lost since T: its lease is over, as far as can be told while this process is not connected',
  ]);
});

test('an owner of another name is told with both names', (t) => {
  const story = connectedFollower();
  t.deepEqual(story.tell(owner('alive', 'b', story.wall)), ['info: hears a new owner, "b", in place of "a"']);
  t.deepEqual(
    story.tell(owner('lost', 'b', story.wall), owner('alive', 'b', story.wall)).at(-1),
    'info: hears the owner "b" again',
  );
});

test('a start that goes well is one line of each kind', (t) => {
  const story = new Story('owner');
  const events = [
    ownership('claiming'),
    ownership('leading'),
    owner('alive', 'me', 0),
    mode('recovering', 'connected'),
    freshness('live', 0),
  ];
  t.deepEqual(story.tell(...events), ['info: leads the space', 'info: is connected']);
  t.deepEqual(story.tell(ownership('leading')), [], 'the same state may come again');
  t.deepEqual(story.tell(ownership('claiming'), ownership('leading')), [
    'info: leads the space again, by a new claim',
  ]);
});

test('a claim that waits says for whose lease', (t) => {
  const heldBy = { ownerName: 'old', leaseMs: 2_400 };
  const story = new Story('owner');
  story.tell(ownership('claiming'));
  t.deepEqual(story.tell({ type: 'ownership', ownership: 'claiming', heldBy }), [
    'info: waits for the lease of "old", which runs for another 2.4 s unless it is renewed',
  ]);
});

test('a takeover is a warning after a loss, and none after a release', (t) => {
  for (const [how, line] of [
    ['lost', 'warn: has taken over the space, after the owner "a" was lost'],
    ['released', 'info: has taken over the space, which the owner "a" had released'],
  ] as const) {
    const story = new Story('owner');
    t.deepEqual(story.tell(ownership('standby')), ['info: stands by until the space is free']);
    story.tell(mode('recovering', 'connected'), owner('alive', 'a', 0), owner(how, 'a', 0));
    t.deepEqual(story.tell(ownership('claiming'), ownership('standby')), [], 'a claim that fails is no news');
    t.deepEqual(story.tell(ownership('claiming'), ownership('leading')), [line]);
    // Its own connection begins anew.
    t.deepEqual(story.tell(mode('connected', 'recovering', 'start'), mode('recovering', 'connected')), []);
  }
});

test('fenced is one line, and one more where changes are lost', (t) => {
  const story = new Story('owner');
  story.tell(ownership('leading'), mode('recovering', 'connected'));
  const taken = failed('FENCED', 'space "s" was taken over by "b"');
  t.deepEqual(story.tell(ownership('fenced'), taken), ['error: was fenced: space "s" was taken over by "b"']);
  t.deepEqual(story.tell({ type: 'fenced', uncommitted: { length: 2 } }), [
    'error: has ended with 2 changes that Redis never confirmed',
  ]);
  const rest = [owner('lost', 'b', 0), freshness('stale', 0), mode('connected', 'stopped', 'stopped')];
  t.deepEqual(story.tell(...rest), []);
});

test('a space that is owned elsewhere is not taken, which is an error', (t) => {
  const story = new Story('owner');
  t.deepEqual(story.tell(ownership('fenced'), failed('OWNED_ELSEWHERE', 'owned by "b"')), [
    'error: did not get the space: owned by "b"',
  ]);
});

test('a stop is one line, and a warning where not all is confirmed', (t) => {
  for (const [how, line] of [
    ['released', 'info: has stopped, and released the space with all of its changes committed'],
    ['lost', 'warn: has stopped without releasing the space: Redis has not confirmed all of it'],
  ] as const) {
    const story = new Story('owner');
    story.tell(ownership('leading'), mode('recovering', 'connected'));
    const events = [ownership('released'), owner(how, 'me', 0), freshness('stale', 0)];
    t.deepEqual(story.tell(...events, mode('connected', 'stopped', 'stopped')), [line]);
  }
});

test('an owner whose process stood still says so', (t) => {
  const story = new Story('owner');
  story.tell(ownership('leading'), mode('recovering', 'connected'), freshness('live', 0));
  t.deepEqual(story.tell(owner('lost', 'me', 0), freshness('stale', story.wall, 5_000)), [
    'warn: has been stale since T: this process stood still for longer than its lease, or its machine slept',
  ]);
  t.deepEqual(story.wait(300).tell(owner('alive', 'me', 0), freshness('live', story.wall)), [
    'info: is live again, after 300 ms',
  ]);
});

test('an error that comes again is said once a minute, with how often it came', (t) => {
  const story = connectedFollower();
  const event = failed('CONTENT_MISMATCH', '3 keys differ');
  t.deepEqual(story.tell(event), ['warn: reports CONTENT_MISMATCH: 3 keys differ']);
  for (let n = 0; n < 100; n += 1)
    t.deepEqual(story.wait(10).tell(failed('CONTENT_MISMATCH', `${n} keys differ`)), []);
  const [line] = story.wait(60_000).lines(event);
  t.like(line, { leftOut: 100, code: 'CONTENT_MISMATCH' });
  t.regex(line!.phrase, /\(and 100 times more since it was last logged\)$/);
});

test('what passes by itself is a warning, as are warnings, and all else an error', (t) => {
  const story = connectedFollower();
  const levelOf = (code: any): string => story.lines(failed(code, code))[0]!.level;
  t.deepEqual(['REDIS_UNAVAILABLE', 'TIMEOUT', 'EVICTION_POLICY', 'STALENESS_BOUND'].map(levelOf), [
    'warn',
    'warn',
    'warn',
    'warn',
  ]);
  t.deepEqual(['REDIS_REFUSED', 'TOO_LARGE', 'UNKNOWN_VERSION'].map(levelOf), ['error', 'error', 'error']);
});

test('nothing of what a schema or a callback has said is in a line', (t) => {
  const story = connectedFollower();
  const refused = new InvalidValueError('INVALID_VALUE', 'regime', [{ path: 'a', message: 'got s3cret' }]);
  const thrown = new TypeError('s3cret');
  const callback = new TandemError('CALLBACK_FAILED', "a callback given to watch('regime') failed: s3cret", {
    cause: thrown,
  });
  t.deepEqual(story.tell({ type: 'error', error: refused }, { type: 'error', error: callback }), [
    'error: reports INVALID_VALUE: the schema of "regime" refuses its value',
    `error: reports CALLBACK_FAILED: a callback given to watch('regime') failed: TypeError (its text is left out, since it may hold a secret)`,
  ]);
  // The same as the reason of a mode.
  const unexpected = failed('CALLBACK_FAILED', 'unexpected: s3cret', thrown);
  const lines = story.lines(unexpected, mode('connected', 'degraded', 's3cret'));
  t.notRegex(JSON.stringify(lines), /s3cret/);
  t.is(lines.length, 1);
});

test('a space that was removed is the last line of its follower', (t) => {
  const story = connectedFollower();
  t.deepEqual(
    story.tell(failed('REMOVED', 'space "s" was removed'), mode('connected', 'stopped', 'removed')),
    ['warn: has ended: space "s" was removed'],
  );
});
