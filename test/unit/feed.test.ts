/** The feed of an owner whose machine or process stood still: no frame of a claim that is in doubt. */
import test from 'ava';
import { ServerClock } from '../../src/base/clock.ts';
import type { CommitMeter } from '../../src/owner/commit-meter.ts';
import { Feed } from '../../src/actor/feed.ts';
import { Lease } from '../../src/owner/lease.ts';
import { LedgerSource } from '../../src/owner/ledger-source.ts';
import { Ledger } from '../../src/state/ledger.ts';
import { ZERO } from '../../src/state/position.ts';
import { Slices } from '../../src/base/slices.ts';
import { FakeTime } from '../../src/base/fake-time.ts';
import { startOver } from '../_ledger.ts';

const LEASE_MS = 1_000;

/** A feed of an owner that leads, and what its one reader has got. */
async function reading() {
  const time = new FakeTime();
  time.skip(1_000);
  const ledger = new Ledger();
  startOver(ledger, { epoch: 5, base: ZERO }, 0);
  const lease = new Lease('us', LEASE_MS);
  lease.granted(5);
  lease.hold();
  const meter = { sent: () => {} } as unknown as CommitMeter;
  const slices = new Slices(time);
  const source = new LedgerSource({ ledger, lease }, { time, clock: new ServerClock(time) }, 250);
  const feed = new Feed(source, { time, slices }, { heartbeatMs: 250, meter });
  const renew = (): void => {
    lease.renewed(time.now());
    lease.runs(time.now(), time.wokeAt);
  };
  renew();
  const got: string[] = [];
  let isEnded = false;
  feed.open(
    { epoch: 5, revision: 0 },
    { write: (message) => got.push(message as string) > 0, end: () => (isEnded = true) },
  );
  const set = async (key: string): Promise<boolean> => {
    const before = got.length;
    ledger.set(key, '1');
    feed.changed();
    await time.advance(1);
    return got.slice(before).some((message) => message.includes(`\n${key}\n`));
  };
  return { time, renew, set, isEnded: () => isEnded };
}

test('a reader gets what is set while the claim stands', async (t) => {
  const { set } = await reading();
  t.true(await set('a'));
});

test('an owner that stood still past its lease sends nothing, until its claim is confirmed', async (t) => {
  const { time, renew, set } = await reading();
  time.skip(2 * LEASE_MS);
  t.false(await set('late'));
  renew();
  t.true(await set('more'));
});

test('after a sleep of the machine every reader begins anew, since the clock may have jumped', async (t) => {
  const { time, set, isEnded } = await reading();
  time.sleep(LEASE_MS / 4);
  t.false(await set('a'));
  t.true(isEnded());
});
