/**
 * Gauges: the state of each participant, read when the SDK collects. A value that is not known yet is left
 * out.
 */
import type { ServerClock } from '../base/clock.ts';
import type { Registered } from '../ports/registry.ts';
import type { OwnerState } from '../state/reading.ts';
import { participantOf } from './counters.ts';
import type { Leases } from './leases.ts';
import type { ModeTimes } from './mode-times.ts';
import type { Attributes, Meter } from './open-telemetry.ts';

const OWNER_STATES: readonly OwnerState[] = ['alive', 'released', 'lost', 'never'];

export interface Gauged {
  readonly clock: ServerClock;
  readonly participants: Iterable<Registered>;
  readonly modes: ModeTimes;
  readonly leases: Leases;
}

/** Begins to observe. Returns a function that ends it. */
export function observeParticipants(
  meter: Meter,
  { clock, participants, modes, leases }: Gauged,
): () => void {
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
  const ownerState = gauge(
    'tandem.owner.state',
    '{participant}',
    '1 for what a participant knows of the owner, 0 for the others',
  );
  const redisUp = gauge('tandem.redis.up', '{participant}', '1 while Redis answers a participant');
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
  const all = [staleness, mode, redisUp, ownerAlive, ownerState, leading, leaseAge, clockError, inMode];

  const collect: Parameters<Meter['addBatchObservableCallback']>[0] = (result) => {
    const observe = (to: (typeof all)[number], value: number, attributes: Attributes = {}): void => {
      if (Number.isFinite(value)) result.observe(to, value, attributes);
    };
    observe(clockError, clock.errorMs / 1_000);
    for (const { space, role, proof, mode: now, link, isOwner, isUpstream } of participants) {
      const at = participantOf(space.name, role);
      observe(staleness, proof.staleMs() / 1_000, at);
      if (now !== 'stopped' && !isUpstream) observe(redisUp, link.up ? 1 : 0, at);
      observe(ownerAlive, proof.ownerAlive() ? 1 : 0, at);
      const known = proof.owner();
      for (const one of OWNER_STATES)
        observe(ownerState, one === known ? 1 : 0, { ...at, 'tandem.owner': one });
      for (const [one, ms] of modes.of(space.name, role)) {
        observe(mode, one === now ? 1 : 0, { ...at, 'tandem.mode': one });
        observe(inMode, ms / 1_000, { ...at, 'tandem.mode': one });
      }
      if (!isOwner) continue;
      observe(leading, leases.isLed(space.name) ? 1 : 0, { 'tandem.space': space.name });
      observe(leaseAge, leases.ageMs(space.name) / 1_000, { 'tandem.space': space.name });
    }
  };
  meter.addBatchObservableCallback(collect, all);
  return () => meter.removeBatchObservableCallback(collect, all);
}
