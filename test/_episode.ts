/**
 * One fault from before to after, through the public API. Meanwhile an owner keeps setting values and a
 * follower keeps being read. The witness notes each violated guarantee, and measures how long recovery takes.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { comparePositions, connect, defineSpace, json } from '../src/index.ts';
import type { Follower, Owner, Tandem } from '../src/index.ts';
import type { Fault } from './_faults.ts';
import { until } from './_wait.ts';
import type { Grounds, World } from './_world.ts';

const SILENCE_MS = 750;
const TICK_MS = 10;
/** How long a fault lasts by default. It must exceed the staleness bound. */
const LASTING_MS = 1_000;
const SETTLING_MS = 100;
const ON_THE_WAY_MS = 250;

const definition = { 'tick/*': json<number>(), 'pair/*': json<number>(), 'still/*': json<number>() };
type Definition = typeof definition;

export interface Episode {
  /**
   * From the beginning of the fault to the first change of mode, or to the first reading that is not live.
   */
  readonly noticedMs: number | undefined;
  /** From the beginning of the fault until every expected participant has reported `degraded`. */
  readonly degradedMs: number | undefined;
  /**
   * From the end of the fault until both are connected, and owner, follower and Redis hold the same state.
   */
  readonly recoveredMs: number;
  /** Median duration of one `set`, µs, before the fault and during it. */
  readonly setMicros: { readonly before: number; readonly during: number };
  /** The guarantees that were violated, in words. */
  readonly violations: readonly string[];
}

export class Witness<G extends Grounds = World> {
  readonly #world: G;
  readonly #tandems: readonly [owning: Tandem, following: Tandem];
  readonly owner: Owner<Definition>;
  readonly follower: Follower<Definition>;
  readonly violations: string[] = [];
  readonly errors: { readonly by: 'owner' | 'follower'; readonly code: string }[] = [];
  /** When each tick was set, indexed by the number of the tick. */
  readonly #setAt: number[] = [];
  #setMicros: number[] = [];
  #ticking: NodeJS.Timeout | undefined;
  #lastHead = '0-0';
  #reads = 0;
  #liveReads = 0;
  #noticedAt: number | undefined;
  readonly #degradedAt = new Map<'owner' | 'follower', number>();

  private constructor(world: G) {
    this.#world = world;
    const space = defineSpace(world.space, definition);
    this.#tandems = [
      connect({ redis: world.ways.owner, name: 'owner' }),
      connect({ redis: world.ways.follower, name: 'follower' }),
    ];
    this.owner = this.#tandems[0].own(space);
    this.follower = this.#tandems[1].follow(space);
    this.owner.on('error', ({ error }) => this.errors.push({ by: 'owner', code: error.code }));
    this.follower.on('error', ({ error }) => this.errors.push({ by: 'follower', code: error.code }));
    this.owner.on('mode', ({ mode }) => this.#noteMode('owner', mode));
    this.follower.on('mode', ({ mode }) => this.#noteMode('follower', mode));
    this.follower.watch('*', () => this.#read());
  }

  static async start<G extends Grounds>(world: G): Promise<Witness<G>> {
    const witness = new Witness(world);
    const { owner, follower } = witness;
    for (let n = 0; n < 50; n += 1) owner.set(`still/${n}`, n);
    await Promise.all([owner.ready(), follower.ready()]);
    await follower.waitFor(await owner.flush());
    witness.#ticking = setInterval(() => witness.#tick(), TICK_MS);
    await until(
      () => follower.get('tick/0').freshness === 'live' && witness.#setAt.length > 20,
      'a live follower',
    );
    return witness;
  }

  /** @param lastingMs how long the fault goes on once every expected participant has reported `degraded` */
  async episode(fault: Fault<G>, lastingMs = LASTING_MS): Promise<Episode> {
    const world = this.#world;
    await fault.prepare?.(world);
    await until(() => this.#isInStep(), 'owner and follower in step before the fault');
    const before = this.#takeSetMicros();
    this.#noticedAt = undefined;
    this.#degradedAt.clear();
    const beganAt = performance.now();
    await fault.begin(world);
    const expected = (['owner', 'follower'] as const).filter((side) =>
      [side, 'both'].includes(fault.degrades),
    );
    const have = (): boolean => expected.every((side) => this.#degradedAt.has(side));
    await until(have, `"degraded" from ${expected.join(' and ')}`, 5_000);
    const degradedAt = Math.max(...expected.map((side) => this.#degradedAt.get(side)!));
    if (fault.end) await pause(lastingMs);
    const during = this.#takeSetMicros();
    const endedAt = fault.end ? (await fault.end(world), performance.now()) : beganAt;
    const wellAt = await this.#untilWell(fault.end ? SETTLING_MS : lastingMs);
    return {
      noticedMs: this.#noticedAt && this.#noticedAt - beganAt,
      degradedMs: expected.length > 0 ? degradedAt - beganAt : undefined,
      recoveredMs: wellAt - endedAt,
      setMicros: { before, during: fault.end ? during : this.#takeSetMicros() },
      violations: this.violations,
    };
  }

  /**
   * Stops setting, then compares the owner's memory, Redis, the follower, and a follower that has just
   * started.
   */
  async conclude(): Promise<void> {
    clearInterval(this.#ticking);
    const { owner, follower, violations } = this;
    await follower.waitFor(await owner.flush({ timeoutMs: 5_000 }), { timeoutMs: 5_000 });
    const state = stateOf(owner);
    if (stateOf(follower) !== state) violations.push('the follower does not hold what the owner holds');
    const { differed } = await follower.refresh();
    if (differed > 0) violations.push(`${differed} keys of the follower differ from Redis`);
    const late = connect({ redis: this.#world.ways.newcomer, name: 'late' });
    const newcomer = late.follow(defineSpace(this.#world.space, definition));
    await newcomer.waitFor(owner.head, { timeoutMs: 5_000 });
    if (stateOf(newcomer) !== state)
      violations.push('a follower that has just started does not hold what the owner holds');
    await late.stop();
    if (this.#reads < 50 || this.#liveReads < 20)
      violations.push(`only ${this.#reads} reads, ${this.#liveReads} of them live`);
  }

  async stop(): Promise<void> {
    clearInterval(this.#ticking);
    await Promise.all(this.#tandems.map((tandem) => tandem.stop({ timeoutMs: 200 })));
  }

  #noteMode(by: 'owner' | 'follower', mode: string): void {
    this.#noticedAt ??= performance.now();
    if (mode === 'degraded' && !this.#degradedAt.has(by)) this.#degradedAt.set(by, performance.now());
  }

  #tick(): void {
    const n = this.#setAt.length;
    const { owner } = this;
    const startedAt = performance.now();
    owner.set('tick/0', n);
    this.#setMicros.push((performance.now() - startedAt) * 1_000);
    this.#setAt.push(startedAt);
    owner.set(`tick/${1 + (n % 20)}`, n);
    owner.batch(() => {
      owner.set('pair/left', n);
      owner.set('pair/right', n);
    });
    if (n % 7 === 0) owner.delete(`tick/${1 + ((n * 3) % 20)}`);
    this.#read();
  }

  /** Reads the follower once, and checks the guarantees that hold for every reading. */
  #read(): void {
    const { follower } = this;
    this.#reads += 1;
    const { head } = follower;
    if (comparePositions(head, this.#lastHead) < 0)
      this.#violate(`the follower went back from ${this.#lastHead} to ${head}`);
    this.#lastHead = head;
    if (follower.get('pair/left').value !== follower.get('pair/right').value)
      this.#violate('the follower showed half a batch');
    const readAt = performance.now();
    const { freshness, value = -1, staleMs } = follower.get('tick/0');
    if (freshness !== 'live') {
      this.#noticedAt ??= performance.now();
      return;
    }
    this.#liveReads += 1;
    // The first tick that the value read does not include. It must be younger than the staleness bound.
    const missedSince = this.#setAt[value + 1];
    const missedMs = missedSince === undefined ? 0 : readAt - missedSince;
    if (missedMs > SILENCE_MS)
      this.#violate(
        `a reading is live and ${staleMs.toFixed(0)} ms stale, but misses ${missedMs.toFixed(0)} ms`,
      );
  }

  #violate(what: string): void {
    if (this.violations.length < 20) this.violations.push(what);
  }

  #isInStep(): boolean {
    const { owner, follower } = this;
    return (
      owner.mode === 'connected' &&
      follower.mode === 'connected' &&
      owner.head === follower.head &&
      follower.get('tick/0').freshness === 'live'
    );
  }

  /**
   * Resolves with the time since when owner, follower and Redis have agreed, once they have agreed for
   * `settledMs`. A defect may show late, so one agreement proves nothing.
   */
  async #untilWell(settledMs: number): Promise<number> {
    let since = performance.now();
    let last = -Infinity;
    const isSettled = async (): Promise<boolean> => {
      const isWell = await this.#isWell();
      const now = performance.now();
      // Between two checks, changes may be on their way for a moment. Such a moment does not restart the
      // wait.
      if (isWell && now - last > ON_THE_WAY_MS) since = now;
      if (isWell) last = now;
      return isWell && now - since >= settledMs;
    };
    await until(isSettled, 'owner, follower and Redis in step after the fault', 15_000 + settledMs);
    return since;
  }

  /** True when owner and follower agree, and Redis holds the same state. */
  async #isWell(): Promise<boolean> {
    if (!this.#isInStep()) return false;
    const { head } = this.owner;
    const state = stateOf(this.owner);
    const { admin } = this.#world;
    const replies = await admin
      .multi()
      .hmget(this.#world.key('meta'), 'epoch', 'revision')
      .hgetall(this.#world.key('state'))
      .exists(this.#world.key('lease'))
      .exec();
    const [meta, kept, lease] = replies!.map(([, reply]) => reply) as [
      string[],
      Record<string, string>,
      number,
    ];
    return meta.join('-') === head && sorted(Object.entries(kept)) === state && lease === 1;
  }

  #takeSetMicros(): number {
    const taken = this.#setMicros.toSorted((a, b) => a - b);
    this.#setMicros = [];
    return taken[Math.floor(taken.length / 2)] ?? NaN;
  }
}

function stateOf(participant: { entries(): Iterable<{ key: string; value: unknown }> }): string {
  return sorted([...participant.entries()].map(({ key, value }) => [key, JSON.stringify(value)]));
}

function sorted(entries: [string, string][]): string {
  return JSON.stringify(entries.toSorted(([a], [b]) => (a < b ? -1 : 1)));
}
