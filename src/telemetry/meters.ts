/**
 * Metrics of this process, by OpenTelemetry's meters: what happens is counted as it is told, what is now is asked for
 * as it is collected. Names and units are listed in docs/telemetry.md.
 */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { ServerClock } from '../base/clock.ts';
import type { Registered } from '../ports/registry.ts';
import { ModeTimes } from './mode-times.ts';
import type { Applied, Committed, Observer, Observers, Sent } from '../ports/observer.ts';
import type { Attributes, Meter, OpenTelemetry } from './open-telemetry.ts';
import { SCOPE } from './open-telemetry.ts';
import type { Time } from '../base/time.ts';

/** From what one hop on a machine takes to what an outage does, s. */
const LATENCY_BUCKETS = [
  0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
  30, 60,
];
const LOOP_RESOLUTION_MS = 20;

export interface Measured {
  readonly time: Time;
  readonly clock: ServerClock;
  readonly observers: Observers;
  readonly participants: Iterable<Registered>;
}

/** Begins to measure where the application has an SDK for metrics; undefined where it has none. */
export function measure(otel: OpenTelemetry | undefined, measured: Measured): (() => void) | undefined {
  const meter = otel?.metrics.getMeter(SCOPE);
  if (meter === undefined || meter === otel?.createNoopMeter()) return undefined;
  return new Meters(meter, measured).start();
}

class Meters {
  readonly #meter: Meter;
  readonly #measured: Measured;
  readonly #modes: ModeTimes;
  /** By space, when the owner's lease was last renewed. */
  readonly #renewedAt = new Map<string, number>();
  /** The spaces that are owned here. */
  readonly #led = new Set<string>();

  constructor(meter: Meter, measured: Measured) {
    this.#meter = meter;
    this.#measured = measured;
    this.#modes = new ModeTimes(measured.time);
  }

  start(): () => void {
    const stops = [
      this.#measured.observers.add(this.#counting()),
      this.#asking(),
      this.#askingLoop(monitorEventLoopDelay({ resolution: LOOP_RESOLUTION_MS })),
    ];
    return () => stops.forEach((stop) => stop());
  }

  // ---- what happens ----

  #counting(): Observer {
    const count = (name: string, unit: string, description: string) =>
      this.#meter.createCounter(name, { unit, description });
    const transitions = count('tandem.mode.transitions', '{transition}', 'Changes of mode');
    const gaps = count('tandem.gaps', '{gap}', 'Times that something was found missing, and asked for');
    const rejected = count('tandem.rejected', '{item}', 'Data that was not applied, by reason');
    const claims = count('tandem.claims', '{claim}', 'Times that a space was claimed here');
    const fenced = count('tandem.fenced', '{event}', 'Times that a space was lost to another owner');
    const reconnects = count('tandem.reconnects', '{reconnect}', 'Connections that came back');
    const errors = count('tandem.errors', '{error}', 'Errors that were reported, by code');
    return {
      ...this.#countingFrames(),
      ...this.#countingSyncs(),
      opened: ({ space, role }) => this.#modes.enter(space, role, 'recovering'),
      mode: ({ space, role, mode, from }) => {
        this.#modes.enter(space, role, mode);
        transitions.add(1, { ...where(space, role), 'tandem.mode': mode, 'tandem.mode.from': from });
      },
      gap: ({ space, role }) => gaps.add(1, where(space, role)),
      rejected: ({ space, reason }) => rejected.add(1, { 'tandem.space': space, 'tandem.reason': reason }),
      claimed: ({ space }) => claims.add(1, { 'tandem.space': space }),
      ownership: ({ space, ownership }) =>
        ownership === 'leading' ? this.#led.add(space) : this.#led.delete(space),
      fenced: ({ space }) => fenced.add(1, { 'tandem.space': space }),
      link: ({ link, isUp, isAgain }) => isUp && isAgain && reconnects.add(1, { 'tandem.link': link }),
      error: ({ space, role, code }) => errors.add(1, { ...where(space, role), 'error.type': code }),
    };
  }

  #countingFrames(): Observer {
    const meter = this.#meter;
    const latency = this.#duration(
      'tandem.update.latency',
      'From a change being set to it being visible here',
    );
    const wait = this.#duration('tandem.commit.wait', 'From a change being set to its commit being sent');
    const commit = this.#duration('tandem.commit.duration', 'A commit, there and back');
    const frames = meter.createCounter('tandem.frames', {
      unit: '{frame}',
      description: 'Frames with changes',
    });
    const keys = meter.createCounter('tandem.keys', {
      unit: '{key}',
      description: 'Keys that frames changed',
    });
    const io = meter.createCounter('tandem.io', {
      unit: 'By',
      description: 'Keys and values of frames, in bytes',
    });
    const conflated = meter.createCounter('tandem.sets.conflated', {
      unit: '{set}',
      description: 'Sets that a later one of the same key replaced before they went out',
    });
    const moved = (
      size: { keys: number; bytes: number },
      space: string,
      path: string,
      direction: string,
    ): void => {
      const attributes = { 'tandem.space': space, 'tandem.path': path, 'network.io.direction': direction };
      frames.add(1, attributes);
      keys.add(size.keys, attributes);
      io.add(size.bytes, attributes);
    };
    const committed = (what: Committed): void => {
      const { space, kind, outcome, storeMs, waitedMs } = what;
      const attributes = {
        'tandem.space': space,
        'tandem.commit.kind': kind,
        'tandem.commit.outcome': outcome,
      };
      commit.record(storeMs / 1_000, attributes);
      if (outcome !== 'committed') return;
      this.#renewedAt.set(space, this.#measured.time.now());
      if (kind === 'heartbeat') return;
      if (waitedMs !== undefined) wait.record(waitedMs / 1_000, { 'tandem.space': space });
      if (!what.isAnnounced) sent({ ...what, path: 'redis' });
    };
    const sent = (what: Sent): void => {
      const { space, path } = what;
      moved(what, space, path, 'transmit');
      conflated.add(what.conflated, { 'tandem.space': space });
    };
    const applied = (what: Applied): void => {
      const { space, path, updateLatencyMs } = what;
      moved(what, space, path, 'receive');
      // Two clocks may say that it was there before it was set; within their error that is now.
      if (updateLatencyMs !== undefined)
        latency.record(Math.max(0, updateLatencyMs) / 1_000, { 'tandem.space': space, 'tandem.path': path });
    };
    return { committed, applied, sent };
  }

  #countingSyncs(): Observer {
    const catchUp = this.#duration(
      'tandem.catch_up.duration',
      'Asking what changed, until it is visible here',
    );
    const full = this.#meter.createCounter('tandem.full_syncs', {
      unit: '{sync}',
      description: 'Times that the whole state was read',
    });
    return {
      synced: ({ space, isFull, tookMs }) => {
        catchUp.record(tookMs / 1_000, { 'tandem.space': space, 'tandem.full': isFull });
        if (isFull) full.add(1, { 'tandem.space': space });
      },
    };
  }

  #duration(name: string, description: string) {
    return this.#meter.createHistogram(name, {
      unit: 's',
      description,
      advice: { explicitBucketBoundaries: LATENCY_BUCKETS },
    });
  }

  // ---- what is ----

  #asking(): () => void {
    const meter = this.#meter;
    const gauge = (name: string, unit: string, description: string) =>
      meter.createObservableGauge(name, { unit, description });
    const staleness = gauge('tandem.staleness', 's', 'Time since the state was last proven current');
    const mode = gauge(
      'tandem.mode',
      '{participant}',
      '1 for the mode that a participant is in, 0 for the others',
    );
    const ownerAlive = gauge(
      'tandem.owner.alive',
      '{owner}',
      '1 while the owner gives signs of life within its lease',
    );
    const leading = gauge('tandem.owner.leading', '{owner}', '1 while this process owns the space');
    const leaseAge = gauge('tandem.lease.age', 's', 'Time since this process last renewed its lease');
    const clockError = gauge(
      'tandem.clock.error',
      's',
      "Bound of the error of the Redis server's clock, as known here",
    );
    const inMode = meter.createObservableCounter('tandem.mode.time', {
      unit: 's',
      description: 'Time spent in a mode',
    });
    const all = [staleness, mode, ownerAlive, leading, leaseAge, clockError, inMode];
    const { clock, participants, time } = this.#measured;

    const ask: Parameters<Meter['addBatchObservableCallback']>[0] = (result) => {
      const observe = (to: (typeof all)[number], value: number, attributes: Attributes = {}): void => {
        // What is not known yet is not said.
        if (Number.isFinite(value)) result.observe(to, value, attributes);
      };
      observe(clockError, clock.errorMs / 1_000);
      for (const { space, role, proof, mode: now, isOwner } of participants) {
        const at = where(space.name, role);
        observe(staleness, proof.staleMs() / 1_000, at);
        observe(ownerAlive, proof.ownerAlive() ? 1 : 0, at);
        for (const [one, ms] of this.#modes.of(space.name, role)) {
          observe(mode, one === now ? 1 : 0, { ...at, 'tandem.mode': one });
          observe(inMode, ms / 1_000, { ...at, 'tandem.mode': one });
        }
        if (!isOwner) continue;
        observe(leading, this.#led.has(space.name) ? 1 : 0, { 'tandem.space': space.name });
        const renewedAt = this.#renewedAt.get(space.name) ?? -Infinity;
        observe(leaseAge, (time.now() - renewedAt) / 1_000, { 'tandem.space': space.name });
      }
    };
    meter.addBatchObservableCallback(ask, all);
    return () => meter.removeBatchObservableCallback(ask, all);
  }

  /** https://opentelemetry.io/docs/specs/semconv/runtime/nodejs-metrics/ */
  #askingLoop(loop: ReturnType<typeof monitorEventLoopDelay>): () => void {
    const meter = this.#meter;
    const gauge = (name: string, description: string) =>
      meter.createObservableGauge(`nodejs.eventloop.delay.${name}`, { unit: 's', description });
    const p50 = gauge('p50', 'Event loop delay, median since the last collection');
    const p99 = gauge('p99', 'Event loop delay, 99th percentile since the last collection');
    const max = gauge('max', 'Event loop delay, longest since the last collection');
    const all = [p50, p99, max];
    const ask: Parameters<Meter['addBatchObservableCallback']>[0] = (result) => {
      if (loop.count === 0) return;
      // What is recorded is the time between two ticks of a timer.
      const delay = (ns: number): number => Math.max(0, ns / 1e9 - LOOP_RESOLUTION_MS / 1_000);
      result.observe(p50, delay(loop.percentile(50)));
      result.observe(p99, delay(loop.percentile(99)));
      result.observe(max, delay(loop.max));
      loop.reset();
    };
    loop.enable();
    meter.addBatchObservableCallback(ask, all);
    return () => {
      meter.removeBatchObservableCallback(ask, all);
      loop.disable();
    };
  }
}

function where(space: string, role: string): Attributes {
  return { 'tandem.space': space, 'tandem.role': role };
}
