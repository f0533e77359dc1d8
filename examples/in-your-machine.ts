/**
 * Tandem's actors inside a user's machine: the owner is invoked while the session is open. The follower is
 * spawned with the machine, and stays.
 *
 *     node examples/in-your-machine.ts redis://127.0.0.1:6379
 *
 * The machine ends both with itself. Their snapshots have the `owner` or the `follower`, with everything that
 * `own` and `follow` return.
 */
import { createActor, sendTo, setup } from 'xstate';
import type { ActorRefFromLogic } from 'xstate';
import { connect, defineSpace, json } from '../src/index.ts';
import type { Tandem } from '../src/index.ts';

const signals = defineSpace('signals', { 'signal/*': json<{ side: 'buy' | 'sell' }>() });

export function sessionMachine(tandem: Tandem) {
  const follower = tandem.followerLogic(signals);
  return setup({
    types: {
      context: {} as { follower: ActorRefFromLogic<typeof follower> },
      events: {} as
        { type: 'open' } | { type: 'close' } | { type: 'signal'; name: string; side: 'buy' | 'sell' },
    },
    actors: { owner: tandem.ownerLogic(signals), follower },
  }).createMachine({
    id: 'session',
    context: ({ spawn }) => ({ follower: spawn('follower', { id: 'follower' }) }),
    initial: 'closed',
    states: {
      closed: { on: { open: 'open' } },
      open: {
        invoke: { id: 'owner', src: 'owner' },
        on: {
          close: 'closed',
          signal: {
            actions: sendTo('owner', ({ event: { name, side } }) => ({
              type: 'set',
              key: `signal/${name}`,
              value: { side },
            })),
          },
        },
      },
    },
  });
}

if (process.argv[1] === import.meta.filename) {
  const tandem = connect({ redis: process.argv[2] ?? 'redis://127.0.0.1:6379', name: 'session' });
  const session = createActor(sessionMachine(tandem)).start();
  session.send({ type: 'open' });
  const { follower } = session.getSnapshot().context.follower.getSnapshot();
  follower.watch('signal/*', ({ key, value, position }) => {
    console.log(`${key} is ${value?.side} at ${position}`);
    session.send({ type: 'close' });
    void tandem.stop();
  });
  session.send({ type: 'signal', name: 'momentum', side: 'buy' });
}
