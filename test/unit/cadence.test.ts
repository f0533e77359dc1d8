/** Cadence: what goes out next, from the time, the progress, the lease and the ledger. */
import test from 'ava';
import type { Moment, Outgoing } from '../../src/owner/cadence.ts';
import { Cadence } from '../../src/owner/cadence.ts';
import { Lease } from '../../src/owner/lease.ts';
import { Progress } from '../../src/owner/progress.ts';
import { Ledger } from '../../src/state/ledger.ts';
import { ZERO } from '../../src/state/position.ts';
import { startOver } from '../_ledger.ts';

const EPOCH = 7;
const LEASE_MS = 3_000;
const HEARTBEAT_MS = 250;
const CAPACITY = { usual: 3, changes: 4, length: 100, mostChanges: 8 };

/** An owner whose store is where its ledger is. The test sets the time. */
class Bench {
  readonly ledger = new Ledger();
  readonly progress = new Progress();
  readonly lease = new Lease('us', LEASE_MS);
  readonly cadence: Cadence;
  now = 10_000;
  canAnnounce = true;
  isAwaited = false;

  constructor(announce = true) {
    const books = { ledger: this.ledger, progress: this.progress, lease: this.lease };
    this.cadence = new Cadence(books, { heartbeatMs: HEARTBEAT_MS, announce });
    startOver(this.ledger, { epoch: EPOCH, base: ZERO }, 0);
    this.progress.claimedAt(ZERO, 'whole');
    this.carryOut(this.next('commit'));
  }

  set(...keys: string[]): void {
    for (const key of keys) this.ledger.set(key, '1');
    this.ledger.endTurn(this.now);
  }

  next(occasion: 'turn' | 'commit' | 'heartbeat'): Outgoing {
    const { now, canAnnounce, isAwaited } = this;
    const moment: Moment = { now, canAnnounce, isAwaited, capacity: CAPACITY };
    return this.cadence.next(occasion, moment);
  }

  /** Sends it, and answers it at once. */
  carryOut(outgoing: Outgoing): Outgoing {
    this.send(outgoing);
    if (outgoing.kind === 'commit' || outgoing.kind === 'turn' || outgoing.kind === 'replacement') {
      this.progress.end({ to: this.progress.sent, isWhole: outgoing.kind !== 'commit', forgetting: 0 });
      this.progress.committedUpTo(this.progress.sent);
      if (outgoing.kind !== 'commit' || !outgoing.isLight) this.lease.renewed(this.now);
    }
    return outgoing;
  }

  send(outgoing: Outgoing): void {
    this.cadence.note(outgoing, this.now);
    if (outgoing.kind === 'announcement') this.progress.announcedUpTo(this.ledger.head.revision);
    if (outgoing.kind !== 'commit' && outgoing.kind !== 'turn' && outgoing.kind !== 'replacement') return;
    const to = { epoch: EPOCH, revision: outgoing.revision };
    this.progress.begin({ to, isWhole: outgoing.kind !== 'commit', forgetting: 0 });
    this.ledger.sentUpTo(outgoing.revision);
  }
}

const kind = (outgoing: Outgoing): string => outgoing.kind;

test('a small change is announced at the end of its turn, and its commit is not published again', (t) => {
  const bench = new Bench();
  bench.set('a', 'b');
  t.like(bench.carryOut(bench.next('turn')), { kind: 'announcement', from: 0 });
  bench.now += 10;
  t.like(bench.next('commit'), { kind: 'commit', revision: 2, isAnnounced: true });
});

test('a commit goes out instead where a caller waits, the store or the options do not announce, or the lease is short', (t) => {
  const hindered = (hinder: (bench: Bench) => void, announce = true): string => {
    const bench = new Bench(announce);
    bench.set('a');
    hinder(bench);
    return kind(bench.next('turn'));
  };
  t.is(
    hindered(() => {}),
    'announcement',
  );
  t.is(
    hindered((bench) => (bench.isAwaited = true)),
    'commit',
  );
  t.is(
    hindered((bench) => (bench.canAnnounce = false)),
    'commit',
  );
  t.is(
    hindered((bench) => (bench.now += LEASE_MS * 0.76)),
    'commit',
  );
  t.is(
    hindered(() => {}, false),
    'commit',
  );
});

test('a long change, many changes and a traced one are committed, not announced', (t) => {
  const long = new Bench();
  long.ledger.set('a', 'x'.repeat(17_000));
  t.is(kind(long.next('turn')), 'commit');
  const many = new Bench();
  many.set(...Array.from({ length: 17 }, (_, n) => `k${n}`));
  t.not(kind(many.next('turn')), 'announcement');
  const traced = new Bench();
  const traceparent = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`;
  traced.ledger.stamp(traced.now, { traceparent });
  traced.set('a');
  t.is(kind(traced.next('turn')), 'commit');
});

test('an announcement has the changes that were not announced yet; its commit has all that the store lacks', (t) => {
  const bench = new Bench();
  bench.set('a');
  bench.carryOut(bench.next('turn'));
  bench.set('b');
  const second = bench.carryOut(bench.next('turn'));
  t.deepEqual(second.kind === 'announcement' && second.changes.map(({ key }) => key), ['b']);
  const commit = bench.next('commit');
  t.deepEqual(commit.kind === 'commit' && commit.changes.map(({ key }) => key), ['a', 'b']);
});

test('a commit is published once in a heartbeat, though all of its changes were announced', (t) => {
  const bench = new Bench();
  bench.now += HEARTBEAT_MS;
  bench.set('a');
  bench.carryOut(bench.next('turn'));
  t.like(bench.carryOut(bench.next('commit')), { isAnnounced: false });
  bench.set('b');
  bench.carryOut(bench.next('turn'));
  t.like(bench.next('commit'), { isAnnounced: true });
});

test('a commit of changes is light within 100 ms of a full one, and has the rest of that lease', (t) => {
  const bench = new Bench();
  bench.now += 60;
  bench.set('a');
  t.like(bench.carryOut(bench.next('commit')), { isLight: true, leaseMs: LEASE_MS - 60 });
  bench.now += 40;
  bench.set('b');
  t.like(bench.carryOut(bench.next('commit')), { isLight: false, leaseMs: LEASE_MS });
  bench.cadence.verifyNext();
  bench.set('c');
  t.like(bench.next('commit'), { isLight: false });
});

test('a heartbeat is announced every other time at most, and within an eighth of the lease of a full commit', (t) => {
  const bench = new Bench();
  bench.now += HEARTBEAT_MS;
  t.is(kind(bench.carryOut(bench.next('heartbeat'))), 'heartbeat');
  bench.now += HEARTBEAT_MS;
  t.like(bench.carryOut(bench.next('heartbeat')), { kind: 'commit', changes: [], isLight: false });
  bench.now += LEASE_MS / 8;
  t.is(kind(bench.next('heartbeat')), 'commit', 'the last full commit is older than an eighth of the lease');
});

test('while a change waits, a heartbeat is the commit of that change', (t) => {
  const bench = new Bench();
  bench.set('a');
  bench.now += HEARTBEAT_MS;
  t.like(bench.next('heartbeat'), { kind: 'commit', revision: 1 });
});

test('while four commits are under way nothing goes out; then the latest of each key goes', (t) => {
  const bench = new Bench(false);
  for (const key of ['a', 'b', 'c', 'd']) {
    bench.set(key);
    bench.send(bench.next('turn'));
  }
  bench.set('a');
  bench.set('a');
  t.is(kind(bench.next('turn')), 'nothing');
  t.true(bench.cadence.isDue(false));
  bench.progress.end({ to: bench.progress.sent, isWhole: false, forgetting: 0 });
  const next = bench.next('turn');
  t.deepEqual(next.kind === 'commit' && next.changes.map(({ key, revision }) => [key, revision]), [['a', 6]]);
});

test('changes that one call cannot take go out up to a cut point, with the time of that turn', (t) => {
  const bench = new Bench(false);
  bench.set('a', 'b', 'c');
  const cutAt = bench.now;
  bench.now += 5;
  bench.set('d', 'e');
  t.like(bench.carryOut(bench.next('turn')), { kind: 'commit', revision: 3, cutAt });
  t.like(bench.next('commit'), { kind: 'commit', revision: 5, cutAt: bench.now });
});

test('a run of changes is parted before one call is full, and a turn that one call takes is not', (t) => {
  const bench = new Bench(false);
  bench.set('a', 'b', 'c');
  bench.set('d');
  t.like(bench.carryOut(bench.next('turn')), { kind: 'commit', revision: 3 });
  t.like(bench.carryOut(bench.next('commit')), { kind: 'commit', revision: 4 });
  bench.set('e', 'f', 'g', 'h');
  bench.set('i');
  t.like(bench.carryOut(bench.next('turn')), { kind: 'commit', revision: 8 });
  t.like(bench.carryOut(bench.next('commit')), { kind: 'commit', revision: 9 });
});

test('more changes than one call takes that cannot be parted go out as a turn, and too many as the whole state', (t) => {
  const bench = new Bench(false);
  bench.set('a', 'b', 'c', 'd', 'e');
  const extent = { changes: 5, bytes: 10 };
  t.like(bench.next('turn'), { kind: 'turn', revision: 5, extent });
  const other = new Bench(false);
  other.set('a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i');
  t.like(other.next('turn'), { kind: 'replacement', revision: 9 });
});

test('of several turns, only the one that is too large goes out as a turn', (t) => {
  const bench = new Bench(false);
  bench.set('a', 'b', 'c', 'd', 'e');
  const cutAt = bench.now;
  bench.now += 5;
  bench.set('f');
  bench.set('g', 'h', 'i', 'j', 'k', 'l', 'm', 'n', 'o');
  t.like(bench.carryOut(bench.next('commit')), { kind: 'turn', revision: 5, cutAt });
  t.like(bench.carryOut(bench.next('commit')), { kind: 'commit', revision: 6 });
  t.like(bench.next('commit'), { kind: 'replacement' });
});

test('a value that makes a turn longer than one call takes makes it a large turn', (t) => {
  const bench = new Bench(false);
  for (const key of ['a', 'b']) bench.ledger.set(key, `"${'x'.repeat(60)}"`);
  bench.ledger.endTurn(bench.now);
  t.like(bench.next('turn'), { kind: 'turn', revision: 2 });
});

test('while the last large turn is unsettled, commits go out, and neither the next one nor drops of tombstones', (t) => {
  const bench = new Bench(false);
  bench.progress.foundUnsettled(3);
  bench.set('a');
  t.like(bench.carryOut(bench.next('turn')), { kind: 'commit', revision: 1 });
  bench.set('b', 'c', 'd', 'e', 'f');
  t.is(kind(bench.next('turn')), 'nothing');
  bench.progress.foundUnsettled(0);
  t.is(kind(bench.next('commit')), 'turn');
});

test('where keys were lost, only the whole state goes out, and nothing beside it', (t) => {
  const bench = new Bench();
  bench.progress.claimedAt(bench.progress.head, 'incomplete');
  bench.set('a');
  t.is(kind(bench.next('turn')), 'replacement');
  bench.send(bench.next('turn'));
  t.is(kind(bench.next('turn')), 'nothing');
});

test('a change is due until it is sent; while a commit is due, until it is announced', (t) => {
  const bench = new Bench();
  t.false(bench.cadence.isDue(false));
  bench.set('a');
  t.true(bench.cadence.isDue(false));
  bench.carryOut(bench.next('turn'));
  t.true(bench.cadence.isDue(false));
  t.false(bench.cadence.isDue(true));
});
