/** A way as processes: one that sends, and those that receive. */
import { Redis } from 'ioredis';
import { Child } from './child.ts';
import type { CpuTimes } from './cost.ts';
import { costOf } from './cost.ts';
import type { Load } from './pace.ts';
import { percentiles } from './histogram.ts';
import { cpuMs } from './redis-info.ts';
import type { Figures } from './rounds.ts';
import { freePort } from '../../test/_free-port.ts';
import type { WayName } from '../ways/index.ts';

export interface LaneOptions {
  readonly way: WayName;
  readonly url: string;
  /** Receiving processes. Default 1. */
  readonly receivers?: number;
  /** Receivers in each of them. Default 1. */
  readonly each?: number;
}

interface Taken {
  readonly seen: number;
  readonly tookMs: number;
  readonly packed: string;
}

export class Lane {
  readonly way: WayName;
  readonly #sender = new Child('sender');
  readonly #receivers: readonly Child[];
  readonly #each: number;
  /** Asked for its CPU time; `undefined` where the way goes through no Redis. */
  readonly #redis: Redis | undefined;

  private constructor({ way, url, receivers = 1, each = 1 }: LaneOptions) {
    this.way = way;
    this.#redis = url.startsWith('redis:') ? new Redis(url, { lazyConnect: true }) : undefined;
    this.#each = each;
    this.#receivers = Array.from({ length: receivers }, () => new Child('receiver'));
  }

  static async open(options: LaneOptions): Promise<Lane> {
    const lane = new Lane(options);
    const target = { url: options.url, port: await freePort() };
    await lane.#sender.ask('open', { way: options.way, target });
    await Promise.all(
      lane.#receivers.map((one) => one.ask('open', { way: options.way, target, count: lane.#each })),
    );
    // What was there before is no update of this run's.
    await lane.#take();
    return lane;
  }

  /**
   * Latencies at a rate, µs, and the CPU time of an update. A sender that waits by turns of its event loop
   * takes a whole core, whatever an update costs: the owner's CPU time means something where the load waits
   * by a timer.
   *
   * An update that was overtaken by the next of its key before it went out is never visible; more
   * than a few of those, and the figures would flatter.
   * @param mayMiss the way passes updates over by its nature
   */
  async latency(load: Load, mayMiss = false): Promise<Figures> {
    const before = await this.#cpuTimes();
    const sent = await this.#sender.ask<number>('load', load);
    await this.#arrive(mayMiss ? 0 : sent);
    const after = await this.#cpuTimes();
    const taken = await this.#take();
    const { p50, p99, max, count } = percentiles(taken.map(({ packed }) => packed));
    const due = sent * this.#each * this.#receivers.length;
    if (count < due * 0.99 && !mayMiss)
      throw new Error(`${this.way}: of ${due} updates ${count} became visible`);
    return { p50, p99, max, missed: due - count, ...costOf(before, after, sent) };
  }

  /**
   * Updates a second that reach the other process, each of them visible there; and the CPU time of an update.
   */
  async throughput(load: { seconds: number; keys: number }): Promise<Figures> {
    const before = await this.#cpuTimes();
    const sent = await this.#sender.ask<number>('flood', load);
    await this.#arrive(sent);
    const after = await this.#cpuTimes();
    const [taken] = await this.#take();
    if (taken!.seen < sent) throw new Error(`${this.way}: ${sent} were sent, ${taken!.seen} became visible`);
    return { perSecond: (taken!.seen / taken!.tookMs) * 1_000, ...costOf(before, after, sent) };
  }

  async close(): Promise<void> {
    this.#redis?.disconnect();
    await Promise.all([this.#sender, ...this.#receivers].map((child) => child.end()));
  }

  async #cpuTimes(): Promise<CpuTimes> {
    const ask = (child: Child): Promise<number> => child.ask<number>('cpuMs');
    const [sender, receivers] = await Promise.all([
      ask(this.#sender),
      Promise.all(this.#receivers.map((child) => ask(child))),
    ]);
    if (this.#redis === undefined) return { sender, receivers };
    return { sender, receivers, redis: await cpuMs(this.#redis) };
  }

  #take(): Promise<Taken[]> {
    return Promise.all(this.#receivers.map((child) => child.ask<Taken>('take')));
  }

  /** What is on its way has two seconds to come in. */
  async #arrive(sent: number): Promise<void> {
    const deadline = performance.now() + 2_000;
    for (const child of this.#receivers) {
      while ((await child.ask<number>('count')) < sent * this.#each && performance.now() < deadline)
        await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}

/** Opens lanes, runs, and closes them whatever happens. */
export async function withLanes<T>(
  options: readonly LaneOptions[],
  run: (lanes: readonly Lane[]) => Promise<T>,
): Promise<T> {
  const lanes: Lane[] = [];
  try {
    for (const one of options) lanes.push(await Lane.open(one));
    return await run(lanes);
  } finally {
    await Promise.all(lanes.map((lane) => lane.close()));
  }
}
