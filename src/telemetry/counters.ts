/** Counters and histograms: each event of the actors is counted as it happens. */
import type { Applied, Committed, Observer, Sent, Synced } from '../ports/observer.ts';
import type { Attributes, Counter, Histogram, Meter } from './open-telemetry.ts';

/** From one hop on a machine up to an outage, s. */
const LATENCY_BUCKETS = [
  0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
  30, 60,
];

/** The observer that counts every event with the meter's instruments. */
export function counting(meter: Meter): Observer {
  const { synced: visible, ...frames } = countingFrames(meter);
  const { synced } = countingSyncs(meter);
  return {
    ...countingEvents(meter),
    ...frames,
    synced: (event) => {
      visible?.(event);
      synced?.(event);
    },
  };
}

function countingEvents(meter: Meter): Observer {
  const transitions = counter(meter, 'tandem.mode.transitions', '{transition}', 'Changes of mode');
  const gaps = counter(
    meter,
    'tandem.gaps',
    '{gap}',
    'Times that something was found missing, and asked for',
  );
  const rejected = counter(meter, 'tandem.rejected', '{item}', 'Data that was not applied, by reason');
  const mismatches = counter(
    meter,
    'tandem.content.mismatches',
    '{mismatch}',
    "Times that a copy was found to differ from its owner's state",
  );
  const claims = counter(meter, 'tandem.claims', '{claim}', 'Times that a space was claimed here');
  const fenced = counter(meter, 'tandem.fenced', '{event}', 'Times that a space was lost to another owner');
  const reconnects = counter(meter, 'tandem.reconnects', '{reconnect}', 'Connections that came back');
  const errors = counter(meter, 'tandem.errors', '{error}', 'Errors that were reported, by code');
  return {
    mode: ({ space, role, mode, from }) =>
      transitions.add(1, { ...participantOf(space, role), 'tandem.mode': mode, 'tandem.mode.from': from }),
    gap: ({ space, role }) => gaps.add(1, participantOf(space, role)),
    rejected: ({ space, reason }) => rejected.add(1, { 'tandem.space': space, 'tandem.reason': reason }),
    mismatch: ({ space, path }) => mismatches.add(1, { 'tandem.space': space, 'tandem.path': path }),
    claimed: ({ space }) => claims.add(1, { 'tandem.space': space }),
    fenced: ({ space }) => fenced.add(1, { 'tandem.space': space }),
    link: ({ link, isUp, isAgain }) => {
      if (isUp && isAgain) reconnects.add(1, { 'tandem.link': link });
    },
    error: ({ space, role, code }) => errors.add(1, { ...participantOf(space, role), 'error.type': code }),
  };
}

function countingFrames(meter: Meter): Observer {
  const latency = histogram(
    meter,
    'tandem.update.latency',
    'From the oldest change that was not visible here being set to it being visible here',
  );
  const wait = histogram(meter, 'tandem.commit.wait', 'From a change being set to its commit being sent');
  const commit = histogram(meter, 'tandem.commit.duration', 'A commit, there and back');
  const frames = counter(meter, 'tandem.frames', '{frame}', 'Frames with changes');
  const keys = counter(meter, 'tandem.keys', '{key}', 'Keys that frames changed');
  const io = counter(meter, 'tandem.io', 'By', 'Keys and values of frames, in bytes');
  const conflated = counter(
    meter,
    'tandem.sets.conflated',
    '{set}',
    'Sets that a later one of the same key replaced before they went out',
  );
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
  const committed = (event: Committed): void => {
    const { space, kind, outcome, storeMs, waitedMs } = event;
    const attributes = {
      'tandem.space': space,
      'tandem.commit.kind': kind,
      'tandem.commit.outcome': outcome,
    };
    commit.record(storeMs / 1_000, attributes);
    if (outcome !== 'committed' || kind === 'heartbeat') return;
    if (waitedMs !== undefined) wait.record(waitedMs / 1_000, { 'tandem.space': space });
    if (!event.isAnnounced) sent({ ...event, path: 'redis' });
  };
  const sent = (event: Sent): void => {
    const { space, path } = event;
    moved(event, space, path, 'transmit');
    conflated.add(event.conflated, { 'tandem.space': space });
  };
  const visible = ({ space, path, updateLatencyMs }: Applied | Synced): void => {
    // Within the error of two clocks, a change may be visible before it was set. Its latency counts as 0.
    if (updateLatencyMs !== undefined)
      latency.record(Math.max(0, updateLatencyMs) / 1_000, { 'tandem.space': space, 'tandem.path': path });
  };
  const applied = (event: Applied): void => {
    moved(event, event.space, event.path, 'receive');
    visible(event);
  };
  return { committed, applied, sent, synced: visible };
}

function countingSyncs(meter: Meter): Observer {
  const catchUp = histogram(
    meter,
    'tandem.catch_up.duration',
    'Asking what changed, until it is visible here',
  );
  const full = counter(meter, 'tandem.full_syncs', '{sync}', 'Times that the whole state was read');
  return {
    synced: ({ space, isFull, tookMs }) => {
      catchUp.record(tookMs / 1_000, { 'tandem.space': space, 'tandem.full': isFull });
      if (isFull) full.add(1, { 'tandem.space': space });
    },
  };
}

function counter(meter: Meter, name: string, unit: string, description: string): Counter {
  return meter.createCounter(name, { unit, description });
}

function histogram(meter: Meter, name: string, description: string): Histogram {
  const advice = { explicitBucketBoundaries: LATENCY_BUCKETS };
  return meter.createHistogram(name, { unit: 's', description, advice });
}

/** The attributes of one participant of a space. */
export function participantOf(space: string, role: string): Attributes {
  return { 'tandem.space': space, 'tandem.role': role };
}
