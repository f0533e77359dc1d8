import type { Bug } from './bug.ts';
import { before, instead, removed, swapped } from './bug.ts';

export const bugs: readonly Bug[] = [
  // ---- times of changes ----
  {
    name: 'times are merged whatever their age',
    mark: 'merged-times',
    plant: swapped('(now - one.hi) * LENGTH_PER_AGE', 'Infinity'),
    caughtBy: 'honest times',
  },
  {
    name: 'what the store has of times is replaced by those of the last changes',
    mark: 'stored-times',
    plant: swapped(
      'this.#timesOf(0, ',
      'this.#timesOf(plan.kind === "replacement" ? 0 : plan.prev.revision, ',
    ),
    caughtBy: 'honest times',
  },
  // ---- the follower and frames ----
  {
    name: 'a frame is applied though frames before it are missing',
    mark: 'frames-missing',
    plant: removed,
    caughtBy: 'no gap, no duplicate',
  },
  {
    name: 'half a frame is applied',
    mark: 'fresh',
    plant: instead(
      'const fresh = changes.filter(({ revision }) => revision > from).slice(0, Math.max(1, changes.length / 2));',
    ),
    caughtBy: 'no gap, no duplicate',
  },
  {
    name: 'the position is moved only as far as the first changes of a frame',
    mark: 'place',
    plant: swapped('revision: to.revision', 'revision: Math.min(to.revision, this.#position.revision + 2)'),
    caughtBy: 'atomic',
  },
  {
    name: 'changes that are known already are applied again',
    mark: 'fresh',
    plant: instead('const fresh = changes.filter(({ revision }) => revision >= from - 3);'),
    caughtBy: 'no gap, no duplicate',
  },
  {
    name: 'deletes are passed over',
    mark: 'fresh',
    plant: instead(
      'const fresh = changes.filter(({ revision, value }) => revision > from && value !== undefined);',
    ),
    caughtBy: 'no gap, no duplicate',
  },
  {
    name: 'a lower epoch is applied after a higher one was seen',
    mark: 'fence',
    plant: instead('return undefined;'),
    caughtBy: 'no going back',
  },
  {
    name: 'a claim that is known fences nothing until a frame of its epoch comes',
    mark: 'fence',
    plant: swapped('this.fence', 'this.#highestSeen'),
    caughtBy: 'fencing',
  },
  {
    name: 'a full sync is laid over the old state',
    mark: 'replace',
    plant: removed,
    caughtBy: 'no gap, no duplicate',
  },
  {
    name: 'a watch is called before its frame is in',
    mark: 'advance',
    plant: before('this.telling.show(read, from);'),
    caughtBy: 'no gap, no duplicate',
  },
  {
    name: 'frames are told while a full sync is being told',
    mark: 'telling-alone',
    plant: swapped('this.#isRunning || ', ''),
    caughtBy: 'no gap, no duplicate',
  },
  {
    name: 'what is read for a catch-up forgets deletes',
    mark: 'draft-deletes',
    plant: swapped('Infinity', '1'),
    caughtBy: 'no gap, no duplicate',
  },
  {
    name: 'a follower goes live without a subscription',
    mark: 'subscribe',
    plant: before('if (!this.#parts.freshness.hasSynced)'),
    caughtBy: 'convergence',
  },
  {
    name: 'a Redis that has lost keys is believed',
    mark: 'keys-lost',
    plant: swapped('head.keysLost', 'head.keysLost && head.size < -1'),
    caughtBy: 'no gap, no duplicate',
  },
  {
    name: 'nobody asks Redis on silence',
    mark: 'silence',
    plant: swapped('silentMs >= this.#maxStaleMs', 'silentMs < 0'),
    caughtBy: 'convergence',
  },
  {
    name: 'a follower that is degraded does not try again',
    mark: 'retry',
    plant: swapped("'isLinkUp'", '() => false'),
    caughtBy: 'convergence',
  },
  {
    name: 'a wait ends a few revisions too early',
    mark: 'wait',
    plant: swapped('>= 0', '>= -3'),
    caughtBy: 'no going back',
  },
  // ---- announcements ----
  {
    name: 'a commit is not published, though its changes were not announced',
    mark: 'told',
    plant: swapped('revision <= progress.announced', 'true'),
    caughtBy: 'convergence',
  },
  // ---- staleness ----
  {
    name: 'stale is marked live',
    mark: 'staleness',
    plant: swapped('this.#boundMs', 'this.#boundMs * 3'),
    caughtBy: 'honest staleness',
  },
  {
    name: 'a frame proves the time of its arrival',
    mark: 'proof-time',
    plant: swapped('Math.max', 'Math.min'),
    caughtBy: 'honest staleness',
  },
  {
    name: 'a heartbeat proves changes that it does not bring',
    mark: 'known-proof',
    plant: instead(
      "if (isHere || frame) this.#prove({ ...arrival, frame: { ...frame, cutAt: arrival.clock.latest() } }, 'unknown');",
    ),
    caughtBy: 'test/unit/mismatch.test.ts',
  },
  {
    name: 'a state that was read from the keys is current as of the reading',
    mark: 'keys-proof',
    plant: swapped('cutAt', 'clock.now()'),
    caughtBy: 'honest staleness',
  },
  {
    name: 'a cut is dated later than it was made',
    mark: 'cut-time',
    plant: swapped(
      'this.#context.runtime.clock.earliest(at)',
      '(this.#context.runtime.clock.latest() + 300)',
    ),
    caughtBy: 'honest staleness',
  },
  {
    name: 'a proof survives a sleep of the machine',
    mark: 'sleep',
    plant: instead('const hasSlept = false;'),
    caughtBy: 'honest staleness',
  },
  {
    name: 'an owner is live on waking, though its lease ran out while it was stopped',
    mark: 'doubt',
    plant: removed,
    caughtBy: 'fencing',
  },
  {
    name: 'an owner that slept past its lease serves its direct readers on waking',
    mark: 'late-frame',
    plant: removed,
    caughtBy: 'test/unit/feed.test.ts',
  },
  // ---- the owner ----
  {
    name: 'two changes bear one revision',
    mark: 'revision',
    plant: before('if (this.#revision % 7 !== 3)'),
    caughtBy: 'order',
  },
  {
    name: 'a batch that throws leaves its changes behind',
    mark: 'batch-throws',
    plant: instead('this.#batch = undefined; for (const [key, captured] of batch) this.#put(key, captured);'),
    caughtBy: 'isolation',
  },
  {
    name: 'a change that was set before the claim is forgotten by it',
    mark: 'local',
    plant: swapped('this.#overlaidUpTo)', 'this.#overlaidUpTo + 1)'),
    caughtBy: 'nothing lost',
  },
  {
    name: 'a change that was set while the claim put others on top is forgotten',
    mark: 'adopt',
    plant: swapped('of rest', 'of rest.slice(1)'),
    caughtBy: 'test/unit/loading.test.ts',
  },
  {
    name: 'a tombstone is no change',
    mark: 'changes-since',
    plant: swapped('.map(toChange)', '.map(toChange).filter(({ json }) => json !== "")'),
    caughtBy: 'no gap, no duplicate',
  },
  {
    name: 'a long run of changes is cut between two of one key',
    mark: 'cut-points',
    plant: swapped('before <= this.#floor', 'before <= this.#floor || before % 2 === 0'),
    caughtBy: 'no gap, no duplicate',
  },
  {
    name: 'a long run of changes is cut in the middle of a turn',
    mark: 'cut-point',
    plant: instead(
      'return this.#cut(changes.slice(0, fitting), changes[fitting - 1]!.revision, cutPoint.at, now);',
    ),
    caughtBy: 'atomic',
  },
  {
    name: 'a cut lacks its oldest change',
    mark: 'changes-since',
    plant: swapped('since(revision', 'since(revision + (revision % 5 === 4 ? 1 : 0)'),
    caughtBy: 'no gap, no duplicate',
  },
  {
    name: 'after an outage the store counts as unchanged',
    mark: 'still-holds',
    plant: (statement) => statement.replace(/if \(.*\) \{/, 'if (head.fence === -1) {'),
    caughtBy: 'convergence',
  },
  {
    name: 'a cut counts as committed once it is sent',
    mark: 'attempted',
    plant: before('this.#committed = to;'),
    caughtBy: 'nothing lost',
  },
  {
    name: 'a fenced owner does not say which changes it could not commit',
    mark: 'uncommitted',
    plant: instead('const changes: Entry<Captured>[] = [];'),
    caughtBy: 'nothing lost',
  },
  {
    name: 'a new epoch continues from a position at which nobody was',
    mark: 'takeover-line',
    plant: swapped(
      'keysLost ? ZERO : last',
      'keysLost ? ZERO : { ...last, revision: last.revision + 1_000 }',
    ),
    caughtBy: 'no gap, no duplicate',
  },
  {
    name: 'a cut that was under way when a commit failed counts as arrived',
    mark: 'found',
    plant: removed,
    caughtBy: 'convergence',
  },
  {
    name: 'set fails while Redis is out',
    mark: 'writable',
    plant: before(
      "if (this.#parts.context.connection.mode === 'degraded') throw new TandemError('REDIS_UNAVAILABLE', 'out');",
    ),
    caughtBy: 'isolation',
  },
  // ---- who may write ----
  {
    name: 'an epoch is not higher than the last',
    mark: 'claim-epoch',
    plant: instead(
      'const fence = Math.max(space.meta.fence, known, Math.floor(this.#now / 1_000_000) * 1_000_000);',
    ),
    caughtBy: 'order',
  },
  {
    name: 'a commit checks neither fence nor head',
    mark: 'commit-refusal',
    plant: instead('const refusal = undefined; cut = { ...cut, prev: meta, isLight: false };'),
    caughtBy: 'no gap, no duplicate',
  },
  {
    name: 'a commit does not check the head',
    mark: 'commit-head',
    plant: removed,
    caughtBy: 'no gap, no duplicate',
  },
  {
    name: "a claim does not check another owner's lease",
    mark: 'claim-rival',
    plant: removed,
    caughtBy: 'convergence',
  },
  {
    name: 'a lease is believed, however much longer it runs than it was asked for',
    mark: 'lease-believed',
    plant: instead('return leaseMs;'),
    caughtBy: 'convergence',
  },
  {
    name: 'nobody renews the lease while the state is read that was claimed',
    mark: 'lease-kept',
    plant: swapped('epoch !== 0', 'epoch < 0'),
    caughtBy: 'test/unit/lease-keeper.test.ts',
  },
  {
    name: 'a standby takes over with nothing',
    mark: 'inherited',
    plant: swapped('snapshot(after)', 'snapshot(Infinity)'),
    caughtBy: 'nothing lost',
  },
  {
    name: 'a standby waits for a state that nobody will mend',
    mark: 'standby-ready',
    plant: instead('const isReady = (hasWaited || this.#isFirst) && this.#hasSynced;'),
    caughtBy: 'convergence',
  },
  {
    name: 'a stopped owner keeps its lease',
    mark: 'release',
    plant: removed,
    caughtBy: 'convergence',
  },
  // ---- paging, links, the direct path ----
  {
    name: 'a page begins after its first key',
    mark: 'next-page',
    plant: swapped(
      'page.changes.at(-1)?.revision ?? position.revision',
      '(page.changes.at(-1)?.revision ?? position.revision) + (page.more ? 1 : 0)',
    ),
    caughtBy: 'no gap, no duplicate',
  },
  {
    name: 'a lost connection is not made again',
    mark: 'reconnect',
    plant: before('if (this.#options.time.random() < 0.8)'),
    caughtBy: 'convergence',
  },
  {
    name: 'heartbeats go on after the end',
    mark: 'heartbeat-timer',
    plant: swapped('this.#cancel = ', ''),
    caughtBy: 'bounded',
  },
  {
    name: 'on the direct path a whole state behind the copy is applied',
    mark: 'whole-behind',
    plant: instead("return 'next';"),
    caughtBy: 'no going back',
  },
  {
    name: 'a feed leaves out a change now and then',
    mark: 'feed-frame',
    plant: before('if (from.revision % 10 === 7) changes.pop();'),
    caughtBy: 'no gap, no duplicate',
  },
  {
    name: 'a relay passes its copy on as proven when it sends it',
    mark: 'relay-proof',
    plant: swapped('now - proof.staleMs()', 'now'),
    caughtBy: 'honest staleness',
  },
  // ---- texts that clients share ----
  {
    name: 'a client is given the text of a head that has passed',
    mark: 'shared-text',
    plant: swapped('isSame(shared.version, version)', 'version.length > 0'),
    caughtBy: 'test/unit/shared-texts.test.ts',
  },
  // ---- secrets ----
  {
    name: 'a secret in a cause',
    mark: 'cause',
    plant: instead('const cause = error;'),
    caughtBy: 'test/unit/redis-errors.test.ts',
  },
  {
    name: 'an error reply of Redis is shown as it came',
    mark: 'reply',
    plant: swapped('safeReply(message)', 'message'),
    caughtBy: 'test/unit/redis-errors.test.ts',
  },
  // ---- foreign messages ----
  {
    name: 'a digest is not compared',
    mark: 'digest-compared',
    plant: instead("return 'same';"),
    caughtBy: 'test/unit/mismatch.test.ts',
  },
  {
    name: 'a copy that is ahead of its owner goes unnoticed',
    mark: 'ahead',
    plant: instead('return false;'),
    caughtBy: 'test/unit/mismatch.test.ts',
  },
  {
    name: 'a mismatch ends with any proof',
    mark: 'mismatch-ends',
    plant: instead(
      "this.#mismatchedAt = content === 'different' ? Math.min(this.#mismatchedAt, now) : Infinity;",
    ),
    caughtBy: 'test/unit/freshness.test.ts',
  },
  {
    name: 'a revision that is not credible is believed',
    mark: 'revision-credible',
    plant: instead('const isCredible = this.#isPlausible(epoch, latestMs);'),
    caughtBy: 'test/unit/admission.test.ts',
  },
  {
    name: 'a frame of an epoch that nobody claimed is taken',
    mark: 'unclaimed',
    plant: removed,
    caughtBy: 'test/unit/admission.test.ts',
  },
  {
    name: 'a field that is not known is not passed over',
    mark: 'unknown-field',
    plant: instead("if (scanner.word() !== '') throw new SyntaxError('an unknown field');"),
    caughtBy: 'test/unit/vectors.test.ts',
  },
  // ---- events ----
  {
    name: 'a proof that is renewed after it had run out is told to nobody',
    mark: 'proof-renewed',
    plant: removed,
    caughtBy: 'told in time',
  },
  {
    name: 'a proof runs out, and nobody is told',
    mark: 'proof-timer',
    plant: removed,
    caughtBy: 'told in time',
  },
  // ---- at size ----
  {
    name: 'a large turn is applied without its parts',
    mark: 'turn-without-parts',
    plant: removed,
    caughtBy: 'test/unit/large-turn.test.ts',
  },
  {
    name: 'a value of a large turn is settled over a newer one',
    mark: 'settle-newer',
    plant: swapped('(live.index.get(key) ?? 0) < revision', 'true'),
    caughtBy: 'test/unit/large-turn.test.ts',
  },
  {
    name: 'a digest that waits for hashes is told of a cut',
    mark: 'digest-behind',
    plant: removed,
    caughtBy: 'test/unit/digest.test.ts',
  },
  {
    name: 'a delete that was forgotten too soon counts as a key that was never set',
    mark: 'forgotten',
    plant: removed,
    caughtBy: 'convergence',
  },
  {
    name: 'a page has no bound of its bytes',
    mark: 'page-bytes',
    plant: removed,
    caughtBy: 'test/unit/memory-pages.test.ts',
  },
  {
    name: 'a bookmark moves past a page that is never taken',
    mark: 'page-taken',
    plant: before('bookmark.move(page);'),
    caughtBy: 'test/unit/catch-up.test.ts',
  },
  {
    name: 'a slice is ten times as long as it may be',
    mark: 'slice-end',
    plant: swapped('this.#sliceMs', '10 * this.#sliceMs'),
    caughtBy: 'test/unit/slices.test.ts',
  },
  {
    name: 'a snapshot loses what the map changes before the walk has come to it',
    mark: 'snapshot-kept',
    plant: removed,
    caughtBy: 'test/unit/revision-map.test.ts',
  },
  {
    name: 'a copy is put in place before its last page is taken',
    mark: 'page-taken',
    plant: swapped('await', 'void'),
    caughtBy: 'no gap, no duplicate',
  },
  {
    name: 'a draft is kept where the reading begins anew, in another epoch',
    mark: 'draft-dropped',
    plant: removed,
    caughtBy: 'no gap, no duplicate',
  },
  {
    name: 'a large turn is put in place though parts of it are missing',
    mark: 'parts-whole',
    plant: swapped(' || attempt.parts !== parts', ''),
    caughtBy: 'no gap, no duplicate',
  },
  {
    name: 'a large turn is put in place before all of its parts are read',
    mark: 'parts-read',
    plant: removed,
    caughtBy: 'no gap, no duplicate',
  },
];
