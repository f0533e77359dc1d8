/** A process that discovers a fleet of bots. */
import type { Discovery, Tandem } from '../../src/index.ts';
import { connect } from '../../src/index.ts';
import { serve } from '../harness/child.ts';
import { monotonicMs } from '../harness/clock.ts';
import { Stretch } from '../harness/stretch.ts';
import { bot } from '../ways/bot.ts';

const stretch = new Stretch();
let tandem: Tandem;
let discovery: Discovery<typeof bot>;
/** When the first value of each bot was visible, and when it was set, ms. */
const seen = new Map<string, { readonly at: number; readonly setAt: number }>();
const ended = new Map<string, number>();

async function until(isDone: () => boolean): Promise<void> {
  while (!isDone()) await new Promise((resolve) => setTimeout(resolve, 1));
}

serve({
  /** Until all of the fleet is followed, and each of its states was read. */
  open: async (url: string) => {
    stretch.take();
    const startedAt = monotonicMs();
    tandem = connect({ redis: url, name: 'portal', commandTimeoutMs: 5_000 });
    discovery = tandem.discover('bot:*', bot, (participant) => {
      const { name } = participant.space;
      const look = ({ value }: { readonly value?: number | undefined }): void => {
        if (value !== undefined) seen.set(name, { at: monotonicMs(), setAt: value });
      };
      participant.watch('at', look, { initial: true });
      participant.on('mode', ({ mode }) => mode === 'stopped' && ended.set(name, monotonicMs()));
    });
    await discovery.ready({ timeoutMs: 60_000 });
    const ms = monotonicMs() - startedAt;
    return { ms, stretchMs: stretch.take(), found: discovery.participants.size };
  },
  /** From the first `set` of a bot that is new to its value here, ms. */
  appeared: async (name: string) => {
    await until(() => seen.has(name));
    const { at, setAt } = seen.get(name)!;
    return at - setAt;
  },
  /** From the call of `remove` to the end of the follower, ms. */
  remove: async (name: string) => {
    const startedAt = monotonicMs();
    await tandem.remove(name);
    await until(() => ended.has(name));
    return ended.get(name)! - startedAt;
  },
});
