/**
 * The connection machine: the mode of a participant's connection to its space in Redis.
 *
 * It holds the mode and nothing else: no value, no position. The actor that runs it supplies the work
 * (`catchUp`), two guards (`isLinkUp`, `isDirectLive`) and a delay (`probe`). No other actor sends to it.
 *
 * Invariant: the only way to `connected` is a catch-up in `recovering`, at the start as after each outage.
 */
import { assign, fromPromise, setup } from 'xstate';

export type ConnectionEvent =
  /**
   * Redis can be reached again, or has shown a sign of life; without Redis, a process upstream delivers. Default for
   * `reason`: `Redis can be reached`.
   */
  | { type: 'link.up'; reason?: string }
  /** Redis cannot be reached, does not answer, or refuses. */
  | { type: 'link.down'; reason: string }
  /**
   * A frame or a head does not continue the state here: frames are missing, the line is new, or the head
   * differs.
   */
  | { type: 'gap'; reason: string }
  /** The direct path delivers. */
  | { type: 'direct.up' }
  /** The direct path has ceased to deliver. */
  | { type: 'direct.down' }
  /** The end. Default for `reason`: that of the mode before. */
  | { type: 'stop'; reason?: string };

/** The connection machine of owners and followers, as an XState machine: its outer states are the modes. */
export const connectionMachine = setup({
  types: {
    context: {} as {
      /** The reason of the current mode, for people. */
      reason: string;
      /** The number of catch-ups that failed in a row, at most 10. */
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
    /** The wait before the next catch-up, ms; the actor that runs the machine jitters it. */
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
    stop: {
      target: '.stopped',
      actions: {
        type: 'noteReason',
        params: ({ event, context }) => ({ reason: event.reason ?? context.reason }),
      },
    },
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
          actions: {
            type: 'noteReason',
            params: ({ event }) => ({ reason: event.reason ?? 'Redis can be reached' }),
          },
        },
      },
    },
    stopped: { type: 'final' },
  },
});
