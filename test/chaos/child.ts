/** The part that owner and follower processes of the chaos runs share. */
import { setTimeout as pause } from 'node:timers/promises';
import type { AnyParticipant } from '../../src/actor/participant.ts';
import type { ErrorEvent, ModeEvent } from '../../src/actor/events.ts';
import type { Tandem } from '../../src/index.ts';
import type { Seen } from '../history/event.ts';
import { seen } from '../simulation/space.ts';
import type { Order, Report } from './orders.ts';
import { now } from './recorder.ts';
import type { Recorder } from './recorder.ts';

type Readable = Pick<AnyParticipant, 'on'> & {
  readonly mode: string;
  readonly head: string;
  entries(): Iterable<{ key: string; value: any; position: string }>;
};

export interface Work {
  rest(): void;
  wake(): void;
  stopped(): void;
}

const FLUSH_MS = 50;

export function report(what: Report): void {
  if (process.connected) process.send!(what);
}

/** Carries out the parent's orders, and records events that must never happen. */
export function serve(
  id: string,
  participant: Readable,
  tandem: Tandem,
  recorder: Recorder,
  work: Work,
): void {
  const broken = (what: string): void => {
    recorder.write({ type: 'broken', at: now(), what: `${id}: ${what}` });
    process.exit(1);
  };
  process.on('unhandledRejection', (reason) => broken(`unhandled rejection: ${trace(reason)}`));
  process.on('uncaughtException', (error) => broken(`uncaught exception: ${trace(error)}`));
  process.on('disconnect', () => process.exit(1));
  const note = (what: string): void => recorder.note({ type: 'note', at: now(), participant: id, what });
  participant.on('mode', ({ mode, reason }: ModeEvent) => note(`${mode}: ${reason}`));
  participant.on('error', ({ error }: ErrorEvent) => note(`${error.code}: ${error.message}`));
  setInterval(() => recorder.flush(), FLUSH_MS);
  process.on('message', (order: Order) => {
    if (order.do === 'rest') work.rest();
    else if (order.do === 'wake') work.wake();
    else if (order.do === 'block') block(order.ms);
    else if (order.do === 'look') look(participant);
    else void stop();
  });
  const stop = async (): Promise<void> => {
    work.rest();
    await tandem.stop({ timeoutMs: 1_000 });
    work.stopped();
    // Calls that were under way have deadlines of their own, and none of them may throw into the loop.
    await pause(200);
    recorder.flush();
    process.exit(0);
  };
  report({ about: 'born' });
}

function look(participant: Readable): void {
  const { mode, head } = participant;
  const state: Seen[] = seen(participant.entries());
  const all = [...participant.entries()].map(({ key, value }) => [key, value] as const);
  const whole = JSON.stringify(all.toSorted(([a], [b]) => (a < b ? -1 : 1)));
  report({ about: 'look', mode, head, state, whole });
}

function block(ms: number): void {
  const until = now() + ms;
  while (now() < until);
}

function trace(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
