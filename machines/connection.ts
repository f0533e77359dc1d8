/**
 * The connection machine: how a follower, or an owner, stands with its space in Redis.
 *
 * It holds the mode and nothing else: no value, no position. The actor that runs it supplies the work
 * (`catchUp`) and what it knows (`isLinkUp`, `isDirectLive`, `probe`), and is the only one to send to it.
 *
 * Start and reconnect are one path: everything begins with `recovering`.
 */
import { assign, fromPromise, setup } from 'xstate';

export type ConnectionEvent =
  /** Redis can be reached again, or has shown a sign of life. */
  | { type: 'link.up' }
  /** Redis cannot be reached, hangs or refuses. */
  | { type: 'link.down'; reason: string }
  /** What came does not fit: a gap, a new line, a head that differs. */
  | { type: 'gap'; reason: string }
  /** The direct path delivers, or has ceased to. */
  | { type: 'direct.up' }
  | { type: 'direct.down' }
  | { type: 'stop' };

export const connectionMachine = setup({
  types: {
    context: {} as {
      /** Why the mode is what it is, for people. */
      reason: string;
      /** Catch-ups that failed in a row. */
      failures: number;
    },
    events: {} as ConnectionEvent,
  },
  actors: {
    catchUp: fromPromise<void>(() => Promise.reject(new Error('catchUp has to be provided'))),
  },
  guards: {
    isLinkUp: () => true,
    isDirectLive: () => false,
  },
  delays: {
    /** How long to wait before the next catch-up, ms; jittered by who provides it. */
    probe: ({ context }) => Math.min(1000, 50 * 2 ** context.failures),
  },
  actions: {
    noteReason: assign({ reason: (_, params: { reason: string }) => params.reason }),
    noteFailure: assign({
      reason: (_, params: { error: unknown }) =>
        params.error instanceof Error ? params.error.message : String(params.error),
      failures: ({ context }) => Math.min(context.failures + 1, 10),
    }),
    noteSuccess: assign({ reason: 'caught up', failures: 0 }),
  },
}).createMachine({
  id: 'connection',
  context: { reason: 'start', failures: 0 },
  initial: 'recovering',
  on: {
    stop: '.stopped',
  },
  states: {
    recovering: {
      description: 'Asks what changed since its position, and applies it.',
      invoke: {
        src: 'catchUp',
        onDone: { target: 'connected', actions: 'noteSuccess' },
        onError: {
          target: 'degraded',
          actions: { type: 'noteFailure', params: ({ event }) => ({ error: event.error }) },
        },
      },
      on: {
        'link.down': {
          target: 'degraded',
          actions: { type: 'noteReason', params: ({ event }) => ({ reason: event.reason }) },
        },
      },
    },
    connected: {
      description: 'Live and contiguous.',
      on: {
        'link.down': {
          target: 'degraded',
          actions: { type: 'noteReason', params: ({ event }) => ({ reason: event.reason }) },
        },
        gap: {
          target: 'recovering',
          actions: { type: 'noteReason', params: ({ event }) => ({ reason: event.reason }) },
        },
      },
    },
    degraded: {
      description: 'Redis is out. Answers come over the direct path, or from memory.',
      initial: 'choosing',
      states: {
        choosing: {
          always: [{ guard: 'isDirectLive', target: 'direct' }, { target: 'isolated' }],
        },
        direct: { on: { 'direct.down': 'isolated' } },
        isolated: { on: { 'direct.up': 'direct' } },
      },
      after: {
        probe: [
          {
            // planted: retry
            guard: 'isLinkUp',
            target: 'recovering',
            actions: { type: 'noteReason', params: { reason: 'trying again' } },
          },
          { target: 'degraded', reenter: true },
        ],
      },
      on: {
        'link.up': {
          target: 'recovering',
          actions: { type: 'noteReason', params: { reason: 'Redis can be reached' } },
        },
      },
    },
    stopped: { type: 'final' },
  },
});
