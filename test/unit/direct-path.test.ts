/** The direct path: how it keeps the owner's clock in step while a feed lasts. */
import test from 'ava';
import type { Answer } from '../../src/follower/ask.ts';
import { DirectPath } from '../../src/follower/direct-path.ts';
import type { Frame } from '../../src/state/frame.ts';
import { encodeFrame } from '../../src/state/frame.ts';
import { FakeTime } from '../../src/base/fake-time.ts';

const EPOCH = 3;
const MAX_STALE_MS = 750;
/** The owner's clock, where the follower's is at zero, ms. */
const AHEAD_MS = 50_000;

/** An owner on a machine of its own, and the follower's path to it. */
class Bench {
  readonly time = new FakeTime();
  readonly path: DirectPath;
  readonly received: Frame[] = [];
  asked = 0;
  /** The owner's clock runs faster by this share. */
  drift = 0;
  aheadMs = AHEAD_MS;
  #send: (piece: string) => void = () => {};

  constructor() {
    const target = { peer: 'the owner', option: 'direct.url', urls: ['http://owner'], token: 'token' };
    this.path = new DirectPath('s', target, {
      maxStaleMs: MAX_STALE_MS,
      time: this.time,
      askOver: (url) => Promise.resolve(this.#answer(url)),
    });
  }

  get ownerNow(): number {
    return this.time.now() * (1 + this.drift) + this.aheadMs;
  }

  async open(): Promise<void> {
    this.path.open({
      position: () => ({ epoch: EPOCH, revision: 1 }),
      receive: (frame) => (this.received.push(frame), 'applied'),
      begin: () => 'gap',
      ignored: () => {},
      up: () => {},
      down: () => {},
    });
    await this.time.settle();
    this.asked = 0;
  }

  /** Sends a heartbeat, and lets a possible round trip pass. */
  async beat(cutAt = this.ownerNow): Promise<void> {
    const position = { epoch: EPOCH, revision: 1 };
    const header = {
      ...position,
      base: { epoch: 0, revision: 0 },
      prev: 1,
      cutAt,
      leaseMs: 3_000,
      bye: false,
    };
    const text = encodeFrame(cutAt, header, []).replaceAll('\n', '\ndata: ');
    this.#send(`id: 3-1\ndata: ${text}\n\n`);
    await this.time.settle();
  }

  /** How far the owner's clock lies outside of what the path knows of it, ms. */
  get wrongByMs(): number {
    const { clock } = this.path;
    return Math.max(this.ownerNow - clock.latest(), clock.earliest() - this.ownerNow);
  }

  #answer(url: string): Answer {
    const isClock = url.endsWith('/clock');
    if (isClock) this.asked += 1;
    const now = this.ownerNow;
    return {
      status: 200,
      header: () => undefined,
      cancel: () => {},
      read: (take) => {
        if (isClock) return Promise.resolve(take(JSON.stringify({ now })));
        this.#send = (piece) => void take(piece);
        return new Promise(() => {});
      },
    };
  }
}

test('over hours the clock stays as exact as at the beginning', async (t) => {
  const bench = new Bench();
  bench.drift = 100e-6;
  await bench.open();
  for (let n = 0; n < 1_000; n += 1) {
    bench.time.skip(250);
    await bench.beat();
  }
  t.true(bench.path.clock.errorMs < 5, `the error is ${bench.path.clock.errorMs} ms`);
  t.true(bench.wrongByMs <= 0.001);
  t.true(bench.asked <= 51, `asked ${bench.asked} times in 250 s`);
});

test('after a sleep of this machine the clock is asked for with the first frame', async (t) => {
  const bench = new Bench();
  await bench.open();
  bench.time.sleep(4_000);
  t.is(bench.path.clock.latest(), Infinity);
  await bench.beat();
  t.is(bench.asked, 1);
  t.true(bench.wrongByMs <= 0.001);
});

test("when the owner's clock was set, either way, the clock is asked for with the next frame", async (t) => {
  for (const byMs of [5_000, -5_000]) {
    const bench = new Bench();
    await bench.open();
    bench.time.skip(1_000);
    bench.aheadMs += byMs;
    await bench.beat();
    t.is(bench.asked, 1);
    t.true(bench.wrongByMs <= 0.001, `wrong by ${bench.wrongByMs} ms`);
  }
});
