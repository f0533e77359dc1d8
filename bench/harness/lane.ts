/** A way as processes: one that sends, and those that receive. */
import { Child } from './child.ts';
import type { Load } from './pace.ts';
import { percentiles } from './histogram.ts';
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

  private constructor({ way, receivers = 1, each = 1 }: LaneOptions) {
    this.way = way;
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
    await lane.#take(0);
    return lane;
  }

  /**
   * Latencies at a rate, µs. An update that was overtaken by the next of its key before it went out is never visible; more
   * than a few of those, and the figures would flatter.
   * @param mayMiss the way passes updates over by its nature
   */
  async latency(load: Load, mayMiss = false): Promise<Figures> {
    const sent = await this.#sender.ask<number>('load', load);
    const taken = await this.#take(mayMiss ? 0 : sent);
    const { p50, p99, max, count } = percentiles(taken.map(({ packed }) => packed));
    const due = sent * this.#each * this.#receivers.length;
    if (count < due * 0.99 && !mayMiss)
      throw new Error(`${this.way}: of ${due} updates ${count} became visible`);
    return { p50, p99, max, missed: due - count };
  }

  /** Updates a second that reach the other process, each of them visible there. */
  async throughput(load: { seconds: number; keys: number }): Promise<Figures> {
    const sent = await this.#sender.ask<number>('flood', load);
    const [taken] = await this.#take(sent);
    if (taken!.seen < sent) throw new Error(`${this.way}: ${sent} were sent, ${taken!.seen} became visible`);
    return { perSecond: (taken!.seen / taken!.tookMs) * 1_000 };
  }

  async close(): Promise<void> {
    await Promise.all([this.#sender, ...this.#receivers].map((child) => child.end()));
  }

  /** What is on its way has two seconds to come in. */
  async #take(sent: number): Promise<Taken[]> {
    const deadline = performance.now() + 2_000;
    for (const child of this.#receivers) {
      while ((await child.ask<number>('count')) < sent * this.#each && performance.now() < deadline)
        await new Promise((resolve) => setTimeout(resolve, 20));
    }
    return Promise.all(this.#receivers.map((child) => child.ask<Taken>('take')));
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
